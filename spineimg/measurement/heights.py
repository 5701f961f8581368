"""Heights of a body, what they should be, what is lost, and the shape that is left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from spineimg.core.estimate import Estimate
from spineimg.core.grid import Points
from spineimg.core.levels import Level
from spineimg.core.measurements import Deformity, EndplatePoints, Endplates, Heights, Point, Site
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.measurement.edge_line import EdgeLine
from spineimg.measurement.endplates import Plates
from spineimg.measurement.frame import Frame
from spineimg.measurement.normal import normal_heights_mm

SITES: tuple[Site, Site, Site] = ("anterior", "middle", "posterior")
Z95 = 1.96


@dataclass(frozen=True, slots=True, eq=False)
class BodyHeights:
    """Three heights with their SD, mm, front to back, and the points between which they were measured."""

    value_mm: Points
    sd_mm: Points
    points: Endplates
    area_mm2: float
    """Between the foremost and hindmost height, in the mid-sagittal slab."""

    def area(self) -> Estimate:
        """Area with its 95 % interval: the heights err alike in part (ours: as two independent ones)."""
        relative = float(np.mean(self.sd_mm) / max(float(np.mean(self.value_mm)), 1.0)) / np.sqrt(2.0)
        return _positive(self.area_mm2, self.area_mm2 * float(relative))

    def estimates(self) -> Heights:
        """As values with 95 % intervals."""
        return Heights(*(_positive(v, s) for v, s in zip(self.value_mm, self.sd_mm, strict=True)))


def _positive(value: float, sd: float) -> Estimate:
    return Estimate.from_sd(float(value), float(sd)).clipped(0.0, np.inf)


def measure_heights(plates: Plates, frame: Frame, settings: MeasurementSettings) -> BodyHeights | None:
    """Distances of the paired points of both endplates in the mid-sagittal slab; None without both."""
    if plates.upper is None or plates.lower is None:
        return None
    ends, sds = [], []
    for line in (plates.upper, plates.lower):
        at = [line.at_depth(share) for share in settings.point_depths]
        ends.append(np.array([[0.0, along, height] for along, height, _ in at]))
        sds.append(np.array([sd for *_, sd in at]))
    value = np.linalg.norm(ends[0] - ends[1], axis=1)
    area = _area_mm2(plates.upper, plates.lower, settings)
    blur = settings.low_body_steps * plates.looks.upper.voxel_mm
    low = np.clip(blur / np.maximum(value, 1.0), 1.0, settings.low_body_steps)
    upper, lower = (_endplate_points(frame.to_lps_mm(own)) for own in ends)
    return BodyHeights(value, np.hypot(*sds) * low, Endplates(upper, lower), area)


def _area_mm2(upper: EdgeLine, lower: EdgeLine, settings: MeasurementSettings) -> float:
    """Area between both endplates from their first to their last measured point, by the trapezium rule."""
    places = 9
    shares = np.linspace(settings.point_depths[0], settings.point_depths[-1], places)
    edges = [np.array([line.at_depth(share)[:2] for share in shares]) for line in (upper, lower)]
    middle = (edges[0][:, 0] + edges[1][:, 0]) / 2.0
    return float(np.trapezoid(edges[0][:, 1] - edges[1][:, 1], middle))


def _endplate_points(lps: Points) -> EndplatePoints:
    points: list[Point] = [(float(p[0]), float(p[1]), float(p[2])) for p in lps]
    return EndplatePoints(*points)


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """Expected heights (3,) and their SD, mm, from which levels; None where no neighbour is fit."""

    value_mm: Points
    sd_mm: Points
    levels: tuple[Level, ...]

    def estimates(self) -> Heights:
        """As values with 95 % intervals."""
        return Heights(*(_positive(v, s) for v, s in zip(self.value_mm, self.sd_mm, strict=True)))


def expected_heights(
    heights: Mapping[Level, BodyHeights], affected: frozenset[Level], settings: MeasurementSettings
) -> dict[Level, Expected]:
    """Heights that each level should have by its unaffected neighbours and the normal trend.

    Each height is divided by the normal one of its level; the logarithms of these ratios are fitted along the
    column by a robust line (slope drawn towards 0), never with the level itself. Levels that are
    themselves low
    against their neighbours are left out, in rounds, until the set of references stands.

    Parameters
    ----------
    heights : mapping
        Measured heights.
    affected : frozenset of Level
        Levels that serve as no reference (lesion, implant).
    settings : MeasurementSettings
        Number and reach of neighbours, spread between healthy levels.
    """
    order = sorted(level for level in heights if normal_heights_mm(level) is not None)
    if not order:
        return {}
    place = {level: level_place(level) for level in order}
    ratio = {level: np.log(np.maximum(heights[level].value_mm, 1.0) / _normal(level)) for level in order}
    noise = {level: heights[level].sd_mm / np.maximum(heights[level].value_mm, 1.0) for level in order}
    low: frozenset[Level] = _low_against_all(order, ratio, settings)
    result: dict[Level, Expected] = {}
    for _ in range(3):
        result = {}
        for level in order:
            near = _neighbours(level, order, affected | low, place, settings)
            if near:
                log, sd = _predict(level, near, place, ratio, noise, settings)
                value = _normal(level) * np.exp(log)
                result[level] = Expected(value, value * sd, tuple(near))
        fallen = frozenset(
            level
            for level, expected in result.items()
            if np.max(1.0 - heights[level].value_mm / expected.value_mm) > settings.unaffected_loss
        )
        if fallen == low:
            break
        low = fallen
    return result


def _normal(level: Level) -> Points:
    normal = normal_heights_mm(level)
    if normal is None:
        raise ValueError(f"no normal height for {level}")
    return normal


def level_place(level: Level) -> float:
    """Place along the usual column; T13 and L6 stand half a step below T12 and L5."""
    usual = [m for m in Level if m.is_vertebra and m not in (Level.T13, Level.L6)]
    if level in usual:
        return float(usual.index(level))
    return usual.index(Level.T12 if level is Level.T13 else Level.L5) + 0.5


def _low_against_all(
    order: list[Level], ratio: Mapping[Level, Points], settings: MeasurementSettings
) -> frozenset[Level]:
    """First guess of fallen levels: far below the upper half of all ratios of the scan."""
    table = np.array([ratio[level] for level in order])
    usual = np.percentile(table, 60, axis=0)
    lost = (1.0 - np.exp(table - usual)).max(axis=1)
    fallen = frozenset(level for level, x in zip(order, lost, strict=True) if x > settings.unaffected_loss)
    return fallen if len(fallen) < len(order) else frozenset()


def _neighbours(
    level: Level,
    order: list[Level],
    out: frozenset[Level],
    place: Mapping[Level, float],
    settings: MeasurementSettings,
) -> list[Level]:
    fit = [
        other
        for other in order
        if other is not level
        and other not in out
        and abs(place[other] - place[level]) <= settings.neighbour_reach
    ]
    above = [other for other in fit if other < level][-settings.neighbours_each_side :]
    below = [other for other in fit if other > level][: settings.neighbours_each_side]
    return above + below


def _predict(
    level: Level,
    near: list[Level],
    place: Mapping[Level, float],
    ratio: Mapping[Level, Points],
    noise: Mapping[Level, Points],
    settings: MeasurementSettings,
) -> tuple[Points, Points]:
    """Log ratio (3,) and its SD at a level by robust weighted regression along the column."""
    x = np.array([place[other] - place[level] for other in near])
    y = np.array([ratio[other] for other in near])
    variance = settings.level_spread**2 + np.array([noise[other] for other in near]) ** 2
    value, sd = np.empty(3), np.empty(3)
    design = np.column_stack([np.ones_like(x), x])
    prior = np.diag([0.0, 1.0 / settings.slope_spread**2])
    for site in range(3):
        weight = 1.0 / variance[:, site]
        robust = np.ones_like(x)
        centre = np.zeros(2)
        inverse = np.eye(2)
        for _ in range(4):
            w = weight * robust
            inverse = np.linalg.inv(design.T @ (w[:, None] * design) + prior)
            centre = inverse @ (design.T @ (w * y[:, site]))
            off = (y[:, site] - design @ centre) * np.sqrt(weight)
            robust = np.minimum(1.0, 1.5 / np.maximum(np.abs(off), 1e-9))
        value[site] = centre[0]
        sd[site] = np.sqrt(inverse[0, 0] + settings.level_spread**2)
    return value, sd


@dataclass(frozen=True, slots=True, eq=False)
class Loss:
    """Loss of height in percent: the worst site with its interval, and all three values."""

    worst: Estimate
    site: Site
    percent: Points
    deformity: Deformity
    grades: tuple[int, ...]


def height_loss(heights: BodyHeights, expected: Expected, settings: MeasurementSettings) -> Loss:
    """Worst loss of the three heights; its interval holds the worst of the three intervals."""
    percent = 100.0 * (1.0 - heights.value_mm / expected.value_mm)
    share = heights.value_mm / expected.value_mm
    relative = np.hypot(heights.sd_mm / np.maximum(heights.value_mm, 1.0), expected.sd_mm / expected.value_mm)
    half = 100.0 * Z95 * share * relative
    low, high = percent - half, percent + half
    worst = int(percent.argmax())
    estimate = Estimate(
        float(np.clip(percent[worst], 0.0, 100.0)),
        float(np.clip(low.max(), 0.0, 100.0)),
        float(np.clip(high.max(), 0.0, 100.0)),
    )
    return Loss(estimate, SITES[worst], percent, _shape(percent, settings), genant_grades(estimate, settings))


def area_loss(heights: BodyHeights, expected: Expected) -> Estimate:
    """Missing mid-sagittal area, percent: against the expected heights over the same depth (Simpson)."""
    front, middle, back = expected.value_mm
    depths = [np.subtract(p.posterior, p.anterior) for p in (heights.points.upper, heights.points.lower)]
    depth = float(np.mean([np.linalg.norm(d) for d in depths]))
    whole = max(depth * float(front + 4.0 * middle + back) / 6.0, 1.0)
    area = heights.area()
    own = (area.high - area.low) / (2.0 * Z95 * max(area.value, 1.0))
    sd = np.sqrt(own**2 + float(np.mean(expected.sd_mm / expected.value_mm)) ** 2)
    left = area.value / whole
    return Estimate.from_sd(100.0 * (1.0 - left), float(100.0 * left * sd)).clipped(0.0, 100.0)


def _shape(percent: Points, settings: MeasurementSettings) -> Deformity:
    """Name the shape by the heights that are lost."""
    if percent.max() < settings.fracture_loss_percent:
        return "none"
    least = max(settings.shape_tolerance_percent, settings.shape_share * float(percent.max()))
    front, middle, back = (bool(p >= least) for p in percent)
    if front and back:
        spread = abs(float(percent[0] - percent[2]))
        return "crush" if spread < settings.shape_tolerance_percent else "wedge"
    if front or back:
        return "wedge"
    return "biconcave" if middle else "none"


def genant_grades(loss: Estimate, settings: MeasurementSettings) -> tuple[int, ...]:
    """Grades that the interval of the loss touches; the border of 25 belongs to 2, of 40 to 2."""
    first, second, third = settings.genant_borders_percent
    spans = ((-np.inf, first), (first, second), (second, third), (third, np.inf))
    return tuple(
        grade
        for grade, (low, high) in enumerate(spans)
        if loss.high >= low and (loss.low < high or (loss.low == high and high == third))
    )


def endplate_step(plates: Plates, settings: MeasurementSettings) -> Estimate | None:
    """Largest break of an endplate in the mid-sagittal slab, mm: level against level, the slope left out."""
    lines = [line for line in (plates.upper, plates.lower) if line is not None]
    found = [s for line in lines if (s := _step_of(line, settings)) is not None]
    return max(found, key=lambda e: e.value, default=None)


def _step_of(line: EdgeLine, settings: MeasurementSettings) -> Estimate | None:
    """Difference of the mean levels on both sides of each row, less what the slopes on both sides explain."""
    rows = settings.step_rows
    rim = settings.step_rim_share * (line.ends_mm[1] - line.ends_mm[0])
    inner = (line.along_mm >= line.ends_mm[0] + rim) & (line.along_mm <= line.ends_mm[1] - rim)
    height, sd = line.height_mm[inner], line.sd_mm[inner]
    if len(height) < 2 * rows:
        return None
    windows = np.lib.stride_tricks.sliding_window_view(height, 2 * rows)
    offset = np.arange(rows) - (rows - 1) / 2.0
    before, after = windows[:, :rows], windows[:, rows:]
    slope = (before + after) @ offset / (2.0 * float(offset @ offset))
    jump = np.abs(after.mean(axis=1) - before.mean(axis=1) - slope * rows)
    rough = float(np.median(jump))
    # The largest of many jumps of a rough line is about twice its median jump by chance alone.
    beyond = float(np.sqrt(max(float(jump.max()) ** 2 - (2.0 * rough) ** 2, 0.0)))
    return _positive(beyond, float(np.hypot(np.median(sd) / np.sqrt(2.0), rough)))
