"""How two neighbours stand to each other: shift of the posterior walls, and angles between endplates."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from spineimg.core.estimate import Estimate
from spineimg.core.grid import Points
from spineimg.core.levels import Level
from spineimg.core.measurements import ListhesisCause, Point, SegmentMeasurement
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.measurement.column import unit
from spineimg.measurement.disc import Disc
from spineimg.measurement.edge_line import EdgeLine
from spineimg.measurement.endplates import Plates
from spineimg.measurement.frame import Frame, angle_deg, frame_towards
from spineimg.measurement.heights import level_place
from spineimg.measurement.outline import HALF
from spineimg.measurement.tilt import Tilt, weighed


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """What alignment needs of one vertebra: its frame, edges in both slabs, and the voxel along its axes.

    ``step_mm``: voxel length along left, posterior, cranial; ``tilts`` as in `Body`.
    """

    frame: Frame
    sagittal: Plates
    coronal: Plates
    step_mm: Points
    tilts: Mapping[str, Tilt]


UNSEEN = Disc(None, None, None, None)
PARS_LEVELS = (Level.L4, Level.L5, Level.L6)
"""Nearly all defects of the pars lie at L5 and L4; only there is one looked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Signs:
    """Signs of causes other than tumour: the discs, and each lumbar canal's depth over that at L1."""

    discs: Mapping[tuple[Level, Level], Disc]
    canal_ratio: Mapping[Level, float]
    atlantodental_mm: Estimate | None = None
    """Stands for the shift of C1, which has no posterior wall."""


@dataclass(frozen=True, slots=True, eq=False)
class Corner:
    """Posterior corner of a body in the midline, LPS mm, with the SD along the wall's normal."""

    lps_mm: Points
    sd_mm: float


def junctions(levels: Iterable[Level]) -> tuple[tuple[Level, Level], ...]:
    """Upper and lower level of every junction between neighbours, head to foot."""
    return tuple((a, b) for a, b in itertools.pairwise(sorted(levels)) if _adjacent(a, b))


def measure_segments(
    standing: Mapping[Level, Standing], signs: Signs, settings: MeasurementSettings
) -> tuple[SegmentMeasurement, ...]:
    """Segments between neighbours that both are measured, head to foot."""
    return tuple(_segment(upper, lower, standing, signs, settings) for upper, lower in junctions(standing))


def _adjacent(upper: Level, lower: Level) -> bool:
    if lower.is_vertebra:
        return level_place(lower) - level_place(upper) <= 1.0
    return upper in (Level.L4, Level.L5, Level.L6) and lower in (Level.SACRUM, Level.S1)


def _segment(
    upper: Level,
    lower: Level,
    standing: Mapping[Level, Standing],
    signs: Signs,
    settings: MeasurementSettings,
) -> SegmentMeasurement:
    above, below = standing[upper], standing[lower]
    walls = _walls(above, below, settings)
    depth = None
    if below.sagittal.upper is not None:
        ends = below.sagittal.upper.ends_mm
        depth = float(ends[1] - ends[0])
    kyphosis, scoliosis = _angles(upper, above, below, settings)
    translation = None if walls is None else _shift_back(walls, below, settings)
    if upper is Level.C1:
        translation = signs.atlantodental_mm
    points = None if walls is None else (_point(walls[0].lps_mm), _point(walls[1].lps_mm))
    lateral = _shift_left(above, below, settings)
    disc = signs.discs.get((upper, lower), UNSEEN)
    return SegmentMeasurement(
        upper=upper,
        lower=lower,
        translation_ap_mm=translation,
        translation_lateral_mm=lateral,
        kyphosis_deg=kyphosis,
        scoliosis_deg=scoliosis,
        listhesis_cause=_cause(upper, (translation, lateral), signs, disc, settings),
        caudal_depth_mm=depth,
        posterior_walls_lps_mm=points,
        disc_height_mm=disc.height_mm,
        expected_disc_height_mm=disc.expected_mm,
        disc_gas_ml=disc.gas_ml,
        degenerative_signs=disc.signs,
    )


def _point(lps: Points) -> Point:
    return float(lps[0]), float(lps[1]), float(lps[2])


def _cause(
    upper: Level,
    shifts: tuple[Estimate | None, Estimate | None],
    signs: Signs,
    disc: Disc,
    settings: MeasurementSettings,
) -> ListhesisCause:
    """Why there may be a slip: "none" where there is no slip, or none of the signs of another cause."""
    furthest = max((max(abs(s.low), abs(s.high)) for s in shifts if s is not None), default=0.0)
    if furthest < settings.slip_from_mm:
        return "none"
    if disc.signs:
        return "degenerative"
    if disc.signs is None:
        return "unknown"
    if upper in PARS_LEVELS:
        ratio = signs.canal_ratio.get(upper)
        if ratio is None:
            return "unknown"
        return "pars-defect" if ratio >= settings.wide_canal_ratio else "none"
    return "none"


def posterior_corner(plates: Plates, frame: Frame, end: int, settings: MeasurementSettings) -> Corner | None:
    """Upper (``end`` 1) or lower (-1) posterior corner: at the endplate, as far back as the wall next to it.

    The wall is a line over part of the height and is read at that line's near end: the rim is rounded, and a
    line that is run on to the endplate errs more.
    """
    plate = plates.upper if end > 0 else plates.lower
    wall = plates.back
    if plate is None or wall is None:
        return None
    _, level, _ = plate.at_depth(settings.point_depths[-1])
    other = plates.lower if end > 0 else plates.upper
    height = (
        settings.short_body_mm if other is None else abs(level - other.at_depth(settings.point_depths[-1])[1])
    )
    near, far = (share * height for share in settings.wall_span_share)
    away = end * (level - wall.along_mm)
    span = (away >= near) & (away <= far)
    least = 2
    if span.sum() < least:
        return None
    back = np.polynomial.polynomial.polyval(
        near, np.polynomial.polynomial.polyfit(away[span], wall.height_mm[span], 1)
    )
    sd = float(np.median(wall.sd_mm[span]))
    return Corner(frame.to_lps_mm(np.array([0.0, float(back), level])), sd)


def _walls(above: Standing, below: Standing, settings: MeasurementSettings) -> tuple[Corner, Corner] | None:
    upper = posterior_corner(above.sagittal, above.frame, -1, settings)
    lower = posterior_corner(below.sagittal, below.frame, 1, settings)
    return None if upper is None or lower is None else (upper, lower)


def _ruler(stand: Standing, settings: MeasurementSettings) -> Points:
    """Axes (rows) along which shifts are read: the vertebra's own, upright between its two endplates.

    A slip bends the column's tangent, and must not tilt the ruler that measures it: where both endplates are
    well seen and agree, their mean normal stands in for the cranial axis. S1 has but one, tilted by half its
    wedge: there the line of its posterior wall is run on (White & Panjabi draw this line on every vertebra).
    """
    if stand.sagittal.lower is None:
        return _along_wall(stand, settings)
    tilts = [_tilt(stand, settings, which) for which in ("upper", "lower")]
    known = [t for t in tilts if t is not None and max(t[1]) <= settings.ruler_sd_deg]
    if len(known) < len(tilts) or angle_deg(known[0][0], known[1][0]) > settings.endplate_disagreement_deg:
        return stand.frame.axes
    upright = known[0][0] + known[1][0]
    return frame_towards(stand.frame.origin, upright, stand.frame.axes[1]).axes


def _along_wall(stand: Standing, settings: MeasurementSettings) -> Points:
    """Axes whose cranial one runs along the posterior wall in the midline; the frame's own without a wall."""
    wall, plate = stand.sagittal.back, stand.sagittal.upper
    if wall is None or plate is None:
        return stand.frame.axes
    under = plate.at_depth(settings.point_depths[-1])[1] - wall.along_mm
    near, far = settings.sacral_wall_mm
    span = (under >= near) & (under <= far)
    least = 6
    if span.sum() < least:
        return stand.frame.axes
    slope = np.polynomial.polynomial.polyfit(wall.along_mm[span], wall.height_mm[span], 1)[1]
    upright = np.array([0.0, slope, 1.0]) @ stand.frame.axes
    return frame_towards(stand.frame.origin, upright, stand.frame.axes[1]).axes


def _shift_back(walls: tuple[Corner, Corner], below: Standing, settings: MeasurementSettings) -> Estimate:
    """Anterior shift of the upper wall in the lower one's frame, mm."""
    axes = _ruler(below, settings)
    gap = axes @ (walls[1].lps_mm - walls[0].lps_mm)
    onto_s1 = below.sagittal.lower is None
    step = float(below.step_mm[2])
    tilt = np.radians(settings.ruler_own_sd_deg[0] + settings.ruler_own_sd_deg[1] * step) * abs(gap[2])
    coarse = settings.translation_sd_per_spacing * step
    base = settings.sacral_shift_sd_mm if onto_s1 else settings.translation_sd_mm
    sd = np.sqrt(base**2 + coarse**2 + walls[0].sd_mm ** 2 + walls[1].sd_mm ** 2 + tilt**2)
    # The hollow of a body's wall cancels between two bodies; S1's wall has none.
    hollow = settings.sacral_hollow_mm if onto_s1 else 0.0
    return Estimate.from_sd(float(gap[1]) - hollow, float(sd))


def _lateral_middle(plates: Plates, end: int, settings: MeasurementSettings) -> tuple[float, float] | None:
    """Own left coordinate of the body's middle next to an endplate, and that endplate's height there.

    The median over many rows of the mask: one ragged row or a rim on one side doesn't move it.
    """
    line = plates.upper if end > 0 else plates.lower
    if line is None:
        return None
    near, far = settings.lateral_span_mm
    level = float(np.median(line.height_mm))
    away = end * (level - plates.slab.height_mm)
    rows = plates.slab.body[:, (away >= near) & (away <= far)] >= HALF
    rows = rows[:, rows.any(axis=0)]
    if rows.shape[1] == 0:
        return None
    first = rows.argmax(axis=0)
    last = len(rows) - 1 - rows[::-1].argmax(axis=0)
    middle = float(np.median(plates.slab.along_mm[first] + plates.slab.along_mm[last])) / 2.0
    return middle, line.at(middle)[0]


def _shift_left(above: Standing, below: Standing, settings: MeasurementSettings) -> Estimate | None:
    """Shift of the upper body to the patient's left, middle of body to middle of body, mm."""
    places = []
    for stand, end in ((above, -1), (below, 1)):
        middle = _lateral_middle(stand.coronal, end, settings)
        if middle is None:
            return None
        depth = 0.5 * (stand.sagittal.slab.along_mm[0] + stand.sagittal.slab.along_mm[-1])
        places.append(stand.frame.to_lps_mm(np.array([middle[0], depth, middle[1]])))
    base = (
        settings.translation_sd_mm if below.sagittal.lower is not None else settings.sacral_shift_sd_mm / 2.0
    )
    sd = np.hypot(base, settings.lateral_sd_per_spacing * below.step_mm[0])
    gap = _ruler(below, settings) @ (places[0] - places[1])
    return Estimate.from_sd(float(gap[0]), float(np.sqrt(2.0) * sd))


def _angles(
    upper: Level, above: Standing, below: Standing, settings: MeasurementSettings
) -> tuple[Estimate | None, Estimate | None]:
    """Kyphosis and scoliosis from upper endplate to upper endplate, in the lower one's frame, degrees.

    Upper to upper, as in the normal tables (the sums of their segments are the whole curve's); C2 has no
    upper
    endplate, its lower one stands in.
    """
    lower_of_axis = upper is Level.C2
    first = _tilt(above, settings, "lower" if lower_of_axis else "upper")
    second = _tilt(below, settings, "upper")
    if first is None or second is None:
        return None, None
    (n1, sds1), (n2, sds2) = first, second
    lean = [below.frame.axes @ n for n in (n1, n2)]
    forward = [np.degrees(np.arctan2(-n[1], n[2])) for n in lean]
    left = [np.degrees(np.arctan2(n[0], n[2])) for n in lean]
    sd_forward, sd_left = (
        np.sqrt(a**2 + b**2 + settings.angle_sd_deg**2) for a, b in zip(sds1, sds2, strict=True)
    )
    kyphosis = Estimate.from_sd(float(forward[0] - forward[1]), float(sd_forward))
    return kyphosis, Estimate.from_sd(float(left[1] - left[0]), float(sd_left))


def _tilt(
    stand: Standing, settings: MeasurementSettings, which: str
) -> tuple[Points, tuple[float, float]] | None:
    """Cranial normal of an endplate (LPS) and SD of its sagittal and coronal tilt, degrees."""
    sagittal: EdgeLine | None = getattr(stand.sagittal, which)
    coronal: EdgeLine | None = getattr(stand.coronal, which)
    if sagittal is None or coronal is None:
        return None
    shares = settings.chord_sd_shares
    (back, sd_back), (left, sd_left) = (
        (slope, share * sd)
        for (slope, sd), share in zip((sagittal.slope(), coronal.slope()), shares, strict=True)
    )
    plane = stand.tilts.get(which)
    if plane is not None:
        back, sd_back = weighed(back, sd_back, plane.back, plane.sd)
        left, sd_left = weighed(left, sd_left, plane.left, plane.sd)
    normal = np.cross(np.array([1.0, 0.0, left]), np.array([0.0, 1.0, back]))
    degrees = (float(np.degrees(sd_back)), float(np.degrees(sd_left)))
    return unit(unit(normal) @ stand.frame.axes), degrees
