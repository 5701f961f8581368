"""Pedicles, facets and costovertebral joints: how much of each a lesion replaced, each side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spineimg.core.estimate import Estimate
from spineimg.core.labelmap import Part
from spineimg.core.levels import Level, Region
from spineimg.core.measurements import StructureShares
from spineimg.core.settings.measurement import MeasurementSettings

STRUCTURES = {
    Part.PEDICLE_LEFT: "pedicle_left",
    Part.PEDICLE_RIGHT: "pedicle_right",
    Part.FACET_LEFT: "facet_left",
    Part.FACET_RIGHT: "facet_right",
    Part.RIB_JOINT_LEFT: "costovertebral_left",
    Part.RIB_JOINT_RIGHT: "costovertebral_right",
}
WHOLE = 100.0
HALF = 0.5
"""SD of a count by chance, over its root, where half is taken: the most it can be."""


def has_ribs(level: Level) -> bool:
    """Whether a level bears costovertebral joints: T1 to T12 (and T13, which counts as T12)."""
    return level.region is Region.THORACIC


def measurable(level: Level, part: Part) -> bool:
    """Whether a part of a level is one of its posterolateral structures."""
    joint = part in (Part.RIB_JOINT_LEFT, Part.RIB_JOINT_RIGHT)
    return level.is_vertebra and (has_ribs(level) or not joint)


@dataclass(frozen=True, slots=True)
class ShareDoubt:
    """Volume of a voxel, ml, and SD (percent) of a share whose border cuts a structure in halves."""

    voxel_ml: float
    sd_percent: float


def structure_shares(
    level: Level,
    parts: NDArray[np.uint8],
    lesion: NDArray[np.bool_],
    doubt: ShareDoubt,
    settings: MeasurementSettings,
) -> StructureShares:
    """Percent of each structure inside a lesion.

    Parameters
    ----------
    level : Level
        Level of the lesion.
    parts : ndarray of uint8
        Parts of this vertebra in its box, 0 outside it.
    lesion : ndarray of bool
        The lesion in the same box.
    doubt : ShareDoubt
        Voxel and spread of the shares.
    settings : MeasurementSettings
        Smallest structure.
    """
    size = np.bincount(parts.ravel(), minlength=len(Part) + 1)
    inside = np.bincount(parts[lesion], minlength=len(Part) + 1)
    shares: dict[str, Estimate | None] = {}
    for part, name in STRUCTURES.items():
        known = measurable(level, part) and size[part] * doubt.voxel_ml >= settings.structure_smallest_ml
        shares[name] = _share(int(inside[part]), int(size[part]), doubt) if known else None
    return StructureShares(**shares)


def _share(inside: int, size: int, doubt: ShareDoubt) -> Estimate:
    """Share with the spread of a border that cuts through the structure, and that of counting few voxels.

    A lesion with no voxel in a structure leaves it alone: several such lesions must not add up to a doubt.
    """
    if inside == 0:
        return Estimate(0.0, 0.0, 0.0)
    share = inside / size
    border = doubt.sd_percent * 2.0 * np.sqrt(share * (1.0 - share))
    counted = WHOLE * HALF / np.sqrt(size)
    return Estimate.from_sd(WHOLE * share, float(np.hypot(border, counted))).clipped(0.0, WHOLE)
