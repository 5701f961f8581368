"""The disc between two bodies and the joints beside it: what speaks for a degenerative slip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from spineimg.core.estimate import Estimate
from spineimg.core.labelmap import LabelMap, Part
from spineimg.core.levels import Level, Region
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.core.volume import Volume
from spineimg.measurement.body import Body
from spineimg.measurement.density import MAD_TO_SD
from spineimg.measurement.outline import HALF
from spineimg.measurement.slab import Slab

INNER = (0.25, 0.5, 0.75)
"""Shares of the depth at which a disc's height is read: inside the rims."""
FACETS = (Part.FACET_LEFT, Part.FACET_RIGHT)
CORNERS = ((0, -1.0), (-1, 1.0))
"""First and last row of a body, and which way outward lies there."""


@dataclass(frozen=True, slots=True, eq=False)
class Disc:
    """One junction: disc height and gas, and the signs of degeneration (None: nothing to see them on)."""

    height_mm: Estimate | None
    expected_mm: Estimate | None
    gas_ml: Estimate | None
    signs: tuple[str, ...] | None


def measure_discs(
    volume: Volume,
    labels: LabelMap,
    bodies: Mapping[Level, Body],
    junctions: tuple[tuple[Level, Level], ...],
    settings: MeasurementSettings,
) -> dict[tuple[Level, Level], Disc]:
    """Discs of all junctions.

    Parameters
    ----------
    volume : Volume
        Calibrated CT; elsewhere a missing sign would only mean that it can't be seen, so don't ask.
    labels : LabelMap
        With complete parts.
    bodies : mapping
        Measured bodies.
    junctions : tuple
        Upper and lower level of each.
    settings : MeasurementSettings
        Limits of each sign.
    """
    heights = {pair: _height(bodies[pair[0]], bodies[pair[1]]) for pair in junctions}
    facets = {level: _facet_density(volume, labels, body) for level, body in bodies.items()}
    found = {}
    for pair in junctions:
        height, expected = heights[pair], _expected(pair, heights)
        gas = _gas_ml(volume, labels, bodies[pair[0]], bodies[pair[1]], settings)
        signs = []
        if height is not None and _narrow(pair[0], height, expected, settings):
            signs.append("disc-narrowed")
        if gas is not None and gas >= settings.disc_gas_ml:
            signs.append("vacuum")
        if _sclerotic(pair, facets, settings):
            signs.append("facet-sclerosis")
        if max(_spur_mm(bodies[pair[0]], -1), _spur_mm(bodies[pair[1]], 1)) >= settings.spur_mm:
            signs.append("osteophytes")
        told = None if height is None or gas is None else tuple(signs)
        found[pair] = Disc(height, expected, None if gas is None else Estimate(gas, gas, gas), told)
    return found


def _height(above: Body, below: Body) -> Estimate | None:
    """Mean distance of the two endplates over the inner half of the depth, in the lower one's frame."""
    roof, floor = above.sagittal.lower, below.sagittal.upper
    if roof is None or floor is None:
        return None
    at = [roof.at_depth(share) for share in INNER]
    lps = above.frame.to_lps_mm(np.array([[0.0, along, height] for along, height, _ in at]))
    own = below.frame.to_own_mm(lps)
    gaps = [float(point[2]) - floor.at(float(point[1]))[0] for point in own]
    sd = float(np.hypot(np.mean([sd for *_, sd in at]), np.median(floor.sd_mm)) / np.sqrt(len(INNER)))
    return Estimate.from_sd(float(np.mean(gaps)), sd)


def _expected(
    pair: tuple[Level, Level], heights: Mapping[tuple[Level, Level], Estimate | None]
) -> Estimate | None:
    """Median of the region's other discs; None where fewer than two are in view."""
    least = 2
    region = pair[0].region
    others = [h.value for p, h in heights.items() if p != pair and h is not None and p[0].region is region]
    if len(others) < least:
        return None
    return Estimate(float(np.median(others)), float(min(others)), float(max(others)))


def _narrow(upper: Level, height: Estimate, expected: Estimate | None, settings: MeasurementSettings) -> bool:
    lumbar = upper.region is Region.LUMBAR
    least = settings.narrow_disc_mm[1] if lumbar else settings.narrow_disc_mm[0]
    relative = 0.0 if expected is None else settings.narrow_disc_share * expected.value
    return height.value < max(least, relative)


def _gas_ml(
    volume: Volume, labels: LabelMap, above: Body, below: Body, settings: MeasurementSettings
) -> float | None:
    """Gas in the disc: what is darker than fat between the endplates, outside bone."""
    roof, floor = above.sagittal.lower, below.sagittal.upper
    if roof is None or floor is None:
        return None
    step = 1.0
    width = settings.disc_inner_share * below.box.width[1]
    across = np.arange(-width, width + HALF, step)
    along = np.arange(floor.ends_mm[0], floor.ends_mm[1] + HALF, step)
    own = np.array([roof.at_depth(share)[:2] for share in INNER])
    top = below.frame.to_own_mm(
        above.frame.to_lps_mm(np.column_stack([np.zeros(len(own)), own[:, 0], own[:, 1]]))
    )
    low = float(np.median(floor.height_mm))
    up = np.arange(low, max(float(top[:, 2].mean()), low) + HALF, step)
    place = np.stack(np.meshgrid(across, along, up, indexing="ij"), axis=-1)
    index = np.round(volume.grid.to_index(below.frame.to_lps_mm(place))).astype(int)
    inside = ((index >= 0) & (index < volume.array.shape)).all(axis=-1)
    where = tuple(index[inside].T)
    value = volume.array[where][labels.array[where] == 0].astype(np.float64)
    if len(value) == 0:
        return None
    middle = float(np.median(value))
    noise = MAD_TO_SD * float(np.median(np.abs(value - middle)))
    gas = value < min(settings.gas_hu, middle - settings.gas_sds * noise)
    return float(gas.sum()) * step**3 / 1000.0


def _facet_density(volume: Volume, labels: LabelMap, body: Body) -> float | None:
    """Mean density of the articular processes outside lesions, HU; None where too little is left."""
    if labels.parts is None:
        return None
    box = body.piece.box
    mine = body.piece.mask & np.isin(labels.parts[box], FACETS)
    if labels.lesions is not None:
        mine &= labels.lesions[box] == 0
    least = 30
    if mine.sum() < least:
        return None
    return float(volume.array[box][mine].mean())


def _sclerotic(
    pair: tuple[Level, Level], facets: Mapping[Level, float | None], settings: MeasurementSettings
) -> bool:
    """Whether the joint is clearly denser than the median of the region's other articular processes."""
    own = [f for level in pair if (f := facets.get(level)) is not None]
    region = pair[0].region
    others = [
        f for level, f in facets.items() if f is not None and level not in pair and level.region is region
    ]
    least = 2
    if not own or len(others) < least:
        return False
    return max(own) > float(np.median(others)) + settings.facet_sclerosis_hu


def _spur_mm(body: Body, end: int) -> float:
    """How far the rim at one endplate stands out beyond the waist, front or back, by the mask."""
    slab: Slab = body.sagittal.slab
    line = body.sagittal.upper if end > 0 else body.sagittal.lower
    if line is None:
        return 0.0
    middle = HALF * (body.box.height[0] + body.box.height[1])
    level = float(np.median(line.height_mm))
    reach = 4.0
    rim = np.abs(slab.height_mm - level) <= reach
    waist = np.abs(slab.height_mm - middle) <= reach
    ends = []
    for rows in (rim, waist):
        seen = np.flatnonzero((slab.body[:, rows] >= HALF).any(axis=1))
        if len(seen) == 0:
            return 0.0
        ends.append(slab.along_mm[seen])
    return float(max(sign * (ends[0][row] - ends[1][row]) for row, sign in CORNERS))


def canal_ratios(bodies: Mapping[Level, Body], labels: LabelMap) -> dict[Level, float]:
    """Depth of the canal at each lumbar level over that at the highest one in view (Ulmer 1994: L1)."""
    depth: dict[Level, float] = {}
    slice_mm, half_mm, least = 5.0, 4.0, 12
    for level, body in bodies.items():
        if level.region is not Region.LUMBAR or labels.parts is None:
            continue
        index = np.argwhere(labels.parts[body.piece.box] == Part.CANAL)
        own = body.frame.to_own_mm(body.piece.grid.to_lps_mm(index.astype(np.float64)))
        near = (np.abs(own[:, 2]) <= slice_mm) & (np.abs(own[:, 0] - body.canal_own_mm[0]) <= half_mm)
        if near.sum() >= least:
            low, high = np.percentile(own[near, 1], [2, 98])
            depth[level] = float(high - low)
    if not depth:
        return {}
    first = min(depth)
    return {level: value / max(depth[first], 1.0) for level, value in depth.items() if level is not first}
