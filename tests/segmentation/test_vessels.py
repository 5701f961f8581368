"""A vessel full of contrast leaves a body; dense and broken bone stays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spineimg.core.grid import Grid
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.segmentation.vessels import drop_vessels

GRID = Grid((60, 40, 30), np.eye(4))


def bone_and_vessel(
    vessel_hu: float, spread: float
) -> tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.float64]]:
    """A body of uneven 150 HU, a neck, and a tube beside it."""
    x, y, _ = np.indices(GRID.shape)
    body = (x < 30) & (y >= 5) & (y < 35)
    tube = (x - 46) ** 2 + (y - 20) ** 2 <= 100
    neck = (x >= 30) & (x < 40) & (np.abs(y - 20) <= 2)
    rng = np.random.default_rng(1)
    hu = rng.normal(150, 120, GRID.shape)
    hu[tube] = rng.normal(vessel_hu, spread, tube.sum())
    return (body | tube | neck).astype(np.uint8), tube, hu


def kept_share(vessel_hu: float, spread: float) -> tuple[float, float]:
    """Share of the tube and of the body that stay."""
    index, tube, hu = bone_and_vessel(vessel_hu, spread)
    before = index.copy()
    drop_vessels(index, hu, GRID, SegmentationSettings())
    body = np.indices(GRID.shape)[0] < 30
    return float(index[tube].mean()), float(index[body & (before > 0)].mean())


def test_blood_with_contrast_leaves_the_body() -> None:
    assert kept_share(370, 40) == (0.0, 1.0)


def test_uneven_or_no_brighter_pieces_are_bone() -> None:
    assert kept_share(370, 120) == (1.0, 1.0)  # a dense, uneven fragment
    assert kept_share(200, 40) == (1.0, 1.0)  # a fragment no brighter than the rest


def test_a_dense_process_behind_the_body_is_bone() -> None:
    index, _, hu = bone_and_vessel(370, 40)
    behind = Grid(GRID.shape, np.eye(4)[[1, 0, 2, 3]])  # the first axis leads to the back
    kept = index.copy()
    drop_vessels(kept, hu, behind, SegmentationSettings())
    assert (kept == index).all()


def test_a_body_in_one_piece_is_never_cut() -> None:
    index = np.zeros(GRID.shape, np.uint8)
    index[5:50, 5:35, 5:25] = 1
    hu = np.full(GRID.shape, 100.0)
    hu[25:45, 10:30, 8:22] = 800.0  # half of it blastic
    drop_vessels(index, hu, GRID, SegmentationSettings())
    assert index[5:50, 5:35, 5:25].all()
