"""Bodies cannot overlap: where measured ones do, a mask took in a neighbour, and its heights mean nothing."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from spineimg.core.grid import Points
from spineimg.core.labelmap import BODIES_OVERLAP, LabelMap
from spineimg.core.levels import Level
from spineimg.core.measurements import EndplatePoints
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.measurement.frame import Frame
from spineimg.measurement.heights import BodyHeights


def overlapping(
    heights: Mapping[Level, BodyHeights], frames: Mapping[Level, Frame], settings: MeasurementSettings
) -> frozenset[Level]:
    """Levels whose lower endplate lies below the upper one of the next body in view, or the reverse.

    Parameters
    ----------
    heights : mapping of Level to BodyHeights
        Bodies with both endplates.
    frames : mapping of Level to Frame
        Their own axes.
    settings : MeasurementSettings
        What measurement error may make overlap.
    """
    found: set[Level] = set()
    for above, below in pairwise(sorted(heights)):
        axis = frames[above].axes[2] + frames[below].axes[2]
        axis = axis / np.linalg.norm(axis)
        lower = _middle(heights[above].points.lower)
        gap = float((lower - _middle(heights[below].points.upper)) @ axis)
        if gap < -settings.overlap_mm:
            found |= {above, below}
    return frozenset(found)


def told(labels: LabelMap) -> frozenset[Level]:
    """Levels of which the engine itself says that their masks take in parts of a neighbour."""
    told_of = [caveat.levels for caveat in labels.findings if caveat.code == BODIES_OVERLAP]
    return frozenset(level for levels in told_of for level in levels)


def _middle(points: EndplatePoints) -> Points:
    """Mean of the three points of an endplate, LPS mm."""
    return np.asarray(np.mean([points.anterior, points.middle, points.posterior], axis=0))
