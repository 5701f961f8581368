"""Move located centres to where the fine network sees the body, and judge the column again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from spineimg.core.grid import Points
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.core.volume import Volume
from spineimg.segmentation.chain import column
from spineimg.segmentation.locate import Peak, Regions
from spineimg.segmentation.refine import BODY, Patch, refine

if TYPE_CHECKING:
    from torch import nn

INSIDE_MM = 12.0
"""A body piece counts only where it comes this near to the located centre."""


def settle(
    volume: Volume,
    chain: Sequence[Peak],
    regions: Regions,
    net: nn.Module,
    settings: SegmentationSettings,
) -> tuple[tuple[Peak, ...], tuple[Patch, ...]]:
    """Refine every vertebra, centre it on its own body, drop doubles, fill gaps, refine what moved.

    Parameters
    ----------
    volume : Volume
        CT in HU.
    chain : sequence of Peak
        Located column, head to foot.
    regions : Regions
        Output of the coarse network.
    net : Module
        The fine network.
    settings : SegmentationSettings
        Limits of moving and merging.

    Returns
    -------
    chain : tuple of Peak
        The settled column.
    patches : tuple of Patch
        One per vertebra of the settled column.
    """
    patches = dict(_refined(volume, chain, net, settings))
    for _ in range(settings.settle_rounds):
        moved = [replace(p, centre_lps_mm=own_centre(p, patches[_key(p)], settings)) for p in chain]
        settled = column(moved, regions, settings)
        kept: dict[bytes, Patch] = {}
        for old, new in zip(chain, moved, strict=True):
            if np.linalg.norm(old.centre_lps_mm - new.centre_lps_mm) <= settings.settled_mm:
                kept[_key(new)] = patches[_key(old)]
        missing = [p for p in settled if _key(p) not in kept]
        patches = kept | dict(_refined(volume, missing, net, settings))
        chain = settled
        if not missing:
            break
    return tuple(chain), tuple(patches[_key(p)] for p in chain)


def _key(peak: Peak) -> bytes:
    """Identity of a peak: its centre."""
    return peak.centre_lps_mm.tobytes()


def _refined(
    volume: Volume, chain: Sequence[Peak], net: nn.Module, settings: SegmentationSettings
) -> list[tuple[bytes, Patch]]:
    """Fine patches of some peaks, with their keys."""
    patches = refine(volume, [p.centre_lps_mm for p in chain], net, settings)
    return [(_key(p), patch) for p, patch in zip(chain, patches, strict=True)]


def own_centre(peak: Peak, patch: Patch, settings: SegmentationSettings) -> Points:
    """Centroid of the body that the fine network found at the peak; the old centre where it found none."""
    pieces, count = ndimage.label(patch.probability[BODY] >= settings.vertebra_probability)
    if not count:
        return peak.centre_lps_mm
    voxels = np.argwhere(pieces > 0)
    points = patch.grid.to_lps_mm(voxels.astype(np.float64))
    owner = pieces[tuple(voxels.T)]
    near = np.linalg.norm(points - peak.centre_lps_mm, axis=1) <= INSIDE_MM
    if not near.any():
        return peak.centre_lps_mm
    mine = owner == np.bincount(owner[near]).argmax()
    if mine.sum() * patch.grid.voxel_ml < settings.settle_min_ml:
        return peak.centre_lps_mm
    return np.asarray(points[mine].mean(0))
