"""Which vertebrae a patient has: the usual column, or one with more, fewer or transitional ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from spineimg.core.grid import Points
from spineimg.core.levels import LEVELS, Level, Region
from spineimg.phantom.spec import AnatomySpec

USUAL = AnatomySpec()
SIDES: dict[str, tuple[float, ...]] = {"none": (), "left": (1.0,), "right": (-1.0,), "both": (1.0, -1.0)}
"""Signs of x in a vertebra's own frame."""


def levels_of(anatomy: AnatomySpec) -> tuple[Level, ...]:
    """Levels from C1 to the sacrum, head to foot."""
    thoracic = (Level(f"T{n}") for n in range(1, anatomy.thoracic + 1))
    lumbar = (Level(f"L{n}") for n in range(1, anatomy.lumbar + 1))
    return (*LEVELS[:7], *thoracic, *lumbar, Level.SACRUM)


def bears_ribs(level: Level, anatomy: AnatomySpec) -> bool:
    """Whether a pair of ribs hangs on the level."""
    return level.region is Region.THORACIC and int(level.value[1:]) <= rib_pairs(anatomy)


def rib_pairs(anatomy: AnatomySpec) -> int:
    """Pairs of ribs."""
    return anatomy.thoracic if anatomy.rib_pairs is None else min(anatomy.rib_pairs, anatomy.thoracic)


def last_lumbar(anatomy: AnatomySpec) -> Level:
    """The vertebra on the sacrum."""
    return Level(f"L{anatomy.lumbar}")


def stretched(rows: Mapping[Level, Sequence[float]], levels: tuple[Level, ...]) -> Points:
    """A table of the usual column for other counts: each region's rows are spread over its vertebrae."""
    if levels == LEVELS:
        return np.array([rows[level] for level in LEVELS])
    parts = []
    for region in Region:
        usual = np.array([rows[level] for level in LEVELS if level.region is region])
        place = np.linspace(0, len(usual) - 1, sum(level.region is region for level in levels))
        lower = np.minimum(place.astype(int), max(len(usual) - 2, 0))
        upper = np.minimum(lower + 1, len(usual) - 1)
        parts.append(usual[lower] + (place - lower)[:, None] * (usual[upper] - usual[lower]))
    return np.concatenate(parts)


def nearest_above(present: Mapping[Level, object], level: Level) -> Level:
    """The level itself, or the next one above it that the patient has."""
    return max(found for found in present if found <= level)
