"""An MR shows a spine where bodies of like size have the canal behind them."""

from __future__ import annotations

import numpy as np
import pytest

from spineimg.core.grid import Grid
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.segmentation.inputs import LOCATE_CLASSES, REFINE_CLASSES
from spineimg.segmentation.locate import Peak, Regions
from spineimg.segmentation.proof import CANAL, is_spine
from spineimg.segmentation.refine import BODY, Patch

HEIGHTS = (60.0, 90.0, 120.0, 150.0)


def patch(size_ml: float) -> Patch:
    """A fine patch that calls so much of itself body."""
    grid = Grid((40, 40, 40), np.diag([1.5, 1.5, 1.5, 1.0]))
    probability = np.zeros((len(REFINE_CLASSES), *grid.shape), np.float32)
    probability[BODY].reshape(-1)[: round(size_ml / grid.voxel_ml)] = 1.0
    nothing = np.zeros(grid.shape, np.float32)
    return Patch(probability, nothing, nothing, grid)


def canal_behind() -> Regions:
    """A canal along z, 24 mm behind the bodies at y = 45 mm."""
    grid = Grid((30, 40, 70), np.diag([3.0, 3.0, 3.0, 1.0]))
    probability = np.zeros((len(LOCATE_CLASSES), *grid.shape), np.float32)
    probability[CANAL, 13:18, 21:26] = 1.0
    empty = np.zeros(grid.shape, np.float32)
    return Regions(probability, np.stack([empty] * 3), np.stack([empty] * 4), empty, grid)


@pytest.mark.parametrize(
    ("sizes_ml", "spine"),
    [
        ((25.0, 28.0, 30.0), True),
        ((25.0, 28.0, 30.0, 10.0), True),  # one is crushed, or cut by the edge
        ((26.0, 7.5, 26.0), False),  # a bladder, a bowel loop, fat
    ],
)
def test_bodies_in_a_row_are_of_like_size(sizes_ml: tuple[float, ...], spine: bool) -> None:
    chain = [Peak(np.array([45.0, 45.0, z]), 10.0, (0.0, 0.0, 1.0), 22.0) for z in HEIGHTS[: len(sizes_ml)]]
    found = is_spine(chain, [patch(size) for size in sizes_ml], canal_behind(), SegmentationSettings())
    assert found is spine
