"""Sizes of the mean vertebra, level by level.

Rounded so that neighbours run smoothly; a plausible adult, not a reference. Sources (facts only): Panjabi
and others, Spine 1991;16:861 (cervical), 1991;16:888 (thoracic), 1992;17:299 (lumbar) for widths, depths,
canal, pedicles and processes; Cook 2021 (Int J Spine Surg 15:1072) for L5 on CT; Clouthier 2023 (means over
L2-L5 on CT) for lumbar heights, discs and canal; Egwu 2019 and a pooled T2-T9 series for thoracic heights;
Zindrick 1987, Spine 12:160 for pedicles.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from spineimg.core.levels import LEVELS, Level, Region
from spineimg.phantom.counts import bears_ribs, last_lumbar, levels_of, stretched
from spineimg.phantom.spec import AnatomySpec


@dataclass(frozen=True, slots=True)
class VertebraSize:
    """Lengths in mm, angles in degrees, of one vertebra; heights at 10 % and 90 % of the depth."""

    width: float
    depth: float
    height_anterior: float
    height_posterior: float
    disc_below: float
    canal_width: float
    canal_depth: float
    pedicle_width: float
    pedicle_height: float
    transverse_span: float
    spinous_length: float
    spinous_droop_deg: float

    @property
    def height(self) -> float:
        """Mean of anterior and posterior height."""
        return (self.height_anterior + self.height_posterior) / 2


_ROWS: dict[str, tuple[float, ...]] = {
    # width depth  hA    hP   disc  cw    cd    pw   ph    tp   sp  droop
    "C1": (20.0, 12.0, 10.0, 10.0, 1.5, 28.0, 24.0, 6.0, 8.0, 78.0, 6.0, 10.0),
    "C2": (18.0, 15.0, 19.0, 18.0, 5.0, 24.0, 19.0, 8.0, 9.0, 58.0, 24.0, 20.0),
    "C3": (17.0, 15.5, 13.5, 13.8, 5.0, 23.5, 15.5, 5.6, 7.4, 54.0, 18.0, 22.0),
    "C4": (18.0, 16.0, 13.2, 13.6, 5.2, 24.5, 15.5, 5.4, 7.4, 56.0, 18.0, 22.0),
    "C5": (19.0, 16.2, 12.8, 13.4, 5.4, 25.0, 15.5, 5.6, 7.0, 58.0, 20.0, 24.0),
    "C6": (20.5, 16.8, 12.8, 13.4, 5.6, 25.5, 15.5, 6.0, 7.3, 60.0, 27.0, 26.0),
    "C7": (23.0, 17.2, 14.2, 14.8, 5.4, 24.5, 15.2, 6.8, 7.5, 66.0, 36.0, 24.0),
    "T1": (27.0, 17.5, 15.8, 16.4, 4.6, 21.5, 15.5, 8.2, 9.2, 74.0, 38.0, 26.0),
    "T2": (27.0, 18.5, 17.0, 17.6, 4.2, 19.5, 15.2, 7.2, 11.0, 68.0, 38.0, 34.0),
    "T3": (26.5, 20.0, 17.3, 18.0, 4.0, 18.3, 15.6, 6.0, 11.5, 62.0, 38.0, 40.0),
    "T4": (26.5, 21.5, 17.6, 18.4, 4.0, 17.4, 15.8, 5.0, 11.8, 58.0, 38.0, 46.0),
    "T5": (27.0, 23.0, 17.9, 18.8, 4.1, 17.2, 15.8, 4.9, 11.8, 60.0, 39.0, 50.0),
    "T6": (28.0, 24.5, 18.4, 19.4, 4.3, 17.2, 15.8, 5.1, 12.0, 61.0, 40.0, 52.0),
    "T7": (29.0, 25.8, 18.9, 20.0, 4.6, 17.3, 15.7, 5.4, 12.3, 61.0, 40.0, 52.0),
    "T8": (30.0, 26.8, 19.5, 20.6, 5.0, 17.5, 15.7, 5.8, 12.6, 60.0, 39.0, 49.0),
    "T9": (31.0, 27.8, 20.2, 21.3, 5.4, 17.8, 15.8, 6.3, 13.6, 59.0, 37.0, 42.0),
    "T10": (32.5, 28.8, 21.1, 22.2, 5.8, 18.2, 15.8, 6.9, 14.6, 56.0, 34.0, 34.0),
    "T11": (35.0, 29.8, 22.0, 23.4, 6.2, 19.3, 16.0, 8.0, 16.4, 50.0, 31.0, 24.0),
    "T12": (38.5, 30.8, 23.4, 24.8, 6.6, 21.4, 16.6, 8.4, 16.6, 46.0, 30.0, 14.0),
    "L1": (41.5, 32.0, 25.2, 26.4, 7.6, 22.8, 17.0, 8.2, 15.9, 70.0, 31.0, 8.0),
    "L2": (43.5, 33.3, 26.4, 27.0, 8.8, 23.2, 16.6, 8.6, 15.2, 78.0, 32.0, 6.0),
    "L3": (45.5, 34.4, 27.3, 27.2, 9.8, 23.8, 16.2, 10.4, 14.8, 90.0, 33.0, 6.0),
    "L4": (48.0, 35.0, 27.9, 26.8, 10.4, 25.0, 16.4, 13.0, 14.4, 86.0, 30.0, 8.0),
    "L5": (50.5, 35.2, 29.2, 25.8, 9.6, 27.4, 16.6, 16.0, 13.6, 94.0, 24.0, 14.0),
    "sacrum": (50.0, 34.0, 30.0, 24.0, 0.0, 30.0, 15.0, 14.0, 16.0, 100.0, 10.0, 30.0),
}

_LORDOSIS = (2.0, 3.0, 3.0, 3.0, 4.0, 4.0, 1.0)
_KYPHOSIS = (-2.5, -3.0, -3.5, -4.0, -4.5, -4.5, -4.0, -3.5, -3.0, -3.0, -2.5, -1.0)
_LUMBAR = (2.0, 5.0, 7.5, 11.5, 15.0)
SEGMENT_LORDOSIS_DEG: dict[Level, float] = dict(
    zip(LEVELS[:-1], (*_LORDOSIS, *_KYPHOSIS, *_LUMBAR), strict=True)
)
"""From each level to the one below, mid-plane to mid-plane, lying.

Yukawa 2019: T12-S1 36.8, L4-S1 29.8 degrees recumbent; the split by segment follows the standing table of
Sci Rep 2022, 10.1038/s41598-022-21840-x.
"""
SACRAL_SLOPE_DEG = 36.0
_RIBLESS_SPAN_MM = 62.0
_SACRALISED_DISC = 0.4
"""A sacralised vertebra stands on a rudimentary disc (Castellvi 1984, Spine 9:493)."""


def vertebra_size(level: Level) -> VertebraSize:
    """Mean size of a level of the usual column."""
    return VertebraSize(*_ROWS[level.value])


def segment_lordosis(levels: tuple[Level, ...]) -> dict[Level, float]:
    """`SEGMENT_LORDOSIS_DEG` of a column with other counts; each region bends as much as usual."""
    rows = {level: (deg,) for level, deg in SEGMENT_LORDOSIS_DEG.items()} | {Level.SACRUM: (0.0,)}
    bends = dict(zip(levels, stretched(rows, levels)[:, 0], strict=True))
    if levels == LEVELS:
        return SEGMENT_LORDOSIS_DEG
    for region in Region:
        own = [level for level in levels if level.region is region]
        share = sum(level.region is region for level in LEVELS) / len(own)
        bends.update({level: bends[level] * share for level in own})
    return bends


def varied_sizes(seed: int, size: float, anatomy: AnatomySpec) -> dict[Level, VertebraSize]:
    """Sizes of one patient: the mean times ``size``, with variation that runs smoothly along the column."""
    rng = np.random.default_rng([seed, 101])
    levels = levels_of(anatomy)
    table = stretched({level: _ROWS[level.value] for level in LEVELS}, levels)
    common = rng.normal(0.0, 0.035, 12)
    drift = np.cumsum(rng.normal(0.0, 0.008, table.shape), axis=0)
    drift -= drift.mean(axis=0)
    own = rng.normal(0.0, 0.008, table.shape)
    spread = np.clip(common + drift + own, -0.14, 0.14)
    # Front and back of a body vary together, else every patient would carry old wedges.
    spread[:, 3] = spread[:, 2] + np.clip(rng.normal(0.0, 0.01, len(levels)), -0.02, 0.02)
    scale = np.full(12, size)
    scale[11] = 1.0
    values = table * scale * (1.0 + spread)
    sizes = {level: VertebraSize(*map(float, row)) for level, row in zip(levels, values, strict=True)}
    for level in levels:
        if level.region is Region.THORACIC and not bears_ribs(level, anatomy):
            sizes[level] = replace(sizes[level], transverse_span=_RIBLESS_SPAN_MM * size)
    if anatomy.sacralised != "none":
        last = last_lumbar(anatomy)
        sizes[last] = replace(sizes[last], disc_below=sizes[last].disc_below * _SACRALISED_DISC)
    return sizes
