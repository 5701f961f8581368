"""Ribs beside each body, as the coarse network sees them: they begin at T1 and end at T12."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spineimg.core.grid import Points
from spineimg.core.levels import Level
from spineimg.segmentation.inputs import LOCATE_CLASSES
from spineimg.segmentation.locate import Peak, Regions
from spineimg.segmentation.naming_model import STATES

RIB = LOCATE_CLASSES.index("rib")
ASIDE_MM = (12.0, 55.0)
"""A rib's head and neck lie this far beside the middle of its body ..."""
BEHIND_MM = (-5.0, 45.0)
"""... this far behind it ..."""
HEIGHT_MM = 12.0
"""... and at most so far above or below."""
IN_VIEW_MM = 40.0
"""A side counts where the image reaches this far: the first part of a rib lies within."""
SEEN_ML = 0.3
"""A rib is seen from here on: T2-T12 had 0.6 ml and more on the better side of two validation scans."""
NONE_ML = 0.1
"""No rib below this: L2 had none there; between the two limits nothing is said (L1: 0.16)."""
_LIKELY = {Level.C7: 0.1, Level.T11: 0.9, Level.T12: 0.75, Level.T13: 0.6, Level.L1: 0.12}
_THORACIC, _OTHER = 0.95, 0.03
LIKELY = np.array([_LIKELY.get(s, _THORACIC if s.value[0] == "T" else _OTHER) for s in STATES])
"""How often the network sees a rib at a vertebra of each state: short twelfth ribs are missed, stub ribs
of L1 and C7 seen (ours; too few named scans to count it)."""


def ribs_ml(chain: Sequence[Peak], regions: Regions) -> tuple[float | None, ...]:
    """Rib beside each body: the larger of both sides, ml; None where neither side is in view.

    Parameters
    ----------
    chain : sequence of Peak
        Located bodies.
    regions : Regions
        Output of the coarse network.
    """
    ribs = regions.grid.to_lps_mm(np.argwhere(regions.probability[RIB] >= 0.5).astype(np.float64))
    return tuple(_beside(peak.centre_lps_mm, ribs.reshape(-1, 3), regions) for peak in chain)


def _beside(centre: Points, ribs: Points, regions: Regions) -> float | None:
    """Larger side of one body."""
    offset = ribs - centre
    behind = (offset[:, 1] > BEHIND_MM[0]) & (offset[:, 1] < BEHIND_MM[1])
    near = behind & (np.abs(offset[:, 2]) < HEIGHT_MM)
    sides = []
    for sign in (1.0, -1.0):
        end = regions.grid.to_index(centre + np.array([sign * IN_VIEW_MM, BEHIND_MM[1] / 2, 0.0]))
        if ((end >= -0.5) & (end <= np.array(regions.grid.shape) - 0.5)).all():
            aside = sign * offset[:, 0]
            inside = near & (aside > ASIDE_MM[0]) & (aside < ASIDE_MM[1])
            sides.append(float(inside.sum()) * regions.grid.voxel_ml)
    return max(sides, default=None)


def rib_terms(seen_ml: float | None) -> NDArray[np.float64]:
    """Log evidence of a rib, or of none, for each state, (states,); zero where nothing can be said."""
    if seen_ml is None or NONE_ML <= seen_ml < SEEN_ML:
        return np.zeros(len(STATES))
    return np.log(LIKELY if seen_ml >= SEEN_ML else 1.0 - LIKELY)
