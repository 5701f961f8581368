"""Whether what was found on an MR is a spine: behind a column of bodies runs the canal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.segmentation.inputs import LOCATE_CLASSES
from spineimg.segmentation.locate import Peak, Regions
from spineimg.segmentation.refine import BODY, Patch

CANAL = LOCATE_CLASSES.index("canal")
ASIDE_MM, BEHIND_MM, ALONG_MM = 15.0, (8.0, 42.0), 10.0
"""Where the canal lies from a body's centre: at most so far aside, so far behind, so far up or down."""


def canal_ml(peak: Peak, regions: Regions) -> float:
    """Volume of canal behind one body, ml."""
    canal = np.argwhere(regions.probability[CANAL] >= 0.5).astype(np.float64)
    offset = regions.grid.to_lps_mm(canal) - peak.centre_lps_mm
    there = (
        (np.abs(offset[:, 0]) <= ASIDE_MM)
        & (offset[:, 1] >= BEHIND_MM[0])
        & (offset[:, 1] <= BEHIND_MM[1])
        & (np.abs(offset[:, 2]) <= ALONG_MM)
    )
    return float(there.sum()) * regions.grid.voxel_ml


def body_ml(patch: Patch) -> float:
    """Volume of the body in one fine patch, ml."""
    return float((patch.probability[BODY] >= 0.5).sum()) * patch.grid.voxel_ml


def is_spine(
    chain: Sequence[Peak], patches: Sequence[Patch], regions: Regions, settings: SegmentationSettings
) -> bool:
    """Whether enough bodies of a column have the canal behind them and a body's size.

    Parameters
    ----------
    chain : sequence of Peak
        The column, head to foot.
    patches : sequence of Patch
        What the fine network says of each.
    regions : Regions
        Output of the coarse network.
    settings : SegmentationSettings
        How much canal, behind what share of the bodies, how many bodies, how unlike.
    """
    sizes = np.array([body_ml(patch) for patch in patches])
    middle = float(np.median(sizes)) if len(sizes) else 0.0
    ratio = settings.mr_body_ratio
    least, most = max(settings.mr_body_ml, middle / ratio), middle * ratio
    proved = [
        canal_ml(peak, regions) >= settings.canal_min_ml and least <= size <= most
        for peak, size in zip(chain, sizes, strict=True)
    ]
    return bool(sum(proved) >= max(settings.mr_bodies, settings.canal_share * len(chain)))
