"""What lowers a body without being a collapse: a Schmorl's node, and Scheuermann's row of wedges."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from spineimg.core.levels import Level
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.measurement.edge_line import EdgeLine
from spineimg.measurement.endplates import Plates
from spineimg.measurement.heights import BodyHeights, level_place

SCHMORL, SCHEUERMANN = "schmorl-node", "scheuermann"


def shape_caveats(
    plates: Mapping[Level, Plates], heights: Mapping[Level, BodyHeights], settings: MeasurementSettings
) -> dict[Level, tuple[str, ...]]:
    """Names of what may look like a collapse, for each level whose heights are known."""
    row = _wedged_rows(heights, settings)
    found = {}
    for level in heights:
        names = []
        lines = ((plates[level].upper, 1.0), (plates[level].lower, -1.0))
        if max(_dent_mm(line, outward, settings) for line, outward in lines) >= settings.schmorl_dent_mm:
            names.append(SCHMORL)
        if level in row:
            names.append(SCHEUERMANN)
        found[level] = tuple(names)
    return found


def _dent_mm(line: EdgeLine | None, outward: float, settings: MeasurementSettings) -> float:
    """Depth of the deepest narrow dent: the plate on both sides of it against its bottom."""
    if line is None:
        return 0.0
    along, height = line.along_mm, outward * line.height_mm
    near, far = settings.node_reach_mm
    deepest = 0.0
    for place, bottom in zip(along, height, strict=True):
        before = (along <= place - near) & (along >= place - far)
        after = (along >= place + near) & (along <= place + far)
        if before.any() and after.any():
            deepest = max(deepest, min(height[before].mean(), height[after].mean()) - bottom)
    return float(deepest)


def _wedged_rows(heights: Mapping[Level, BodyHeights], settings: MeasurementSettings) -> set[Level]:
    """Levels of every row of neighbours that all are wedged."""
    wedged = [level for level in sorted(heights) if _wedge_deg(heights[level]) >= settings.scheuermann_deg]
    found: set[Level] = set()
    run: list[Level] = []
    for level in wedged:
        if run and level_place(level) - level_place(run[-1]) > 1.0:
            run = []
        run.append(level)
        if len(run) >= settings.scheuermann_levels:
            found.update(run)
    return found


def _wedge_deg(heights: BodyHeights) -> float:
    """Angle between both endplates by the anterior and posterior height; lower in front is positive."""
    upper = heights.points.upper
    depth = float(np.linalg.norm(np.subtract(upper.posterior, upper.anterior)))
    return float(np.degrees(np.arctan2(heights.value_mm[2] - heights.value_mm[0], max(depth, 1.0))))
