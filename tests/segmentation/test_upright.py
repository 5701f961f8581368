"""A stack that is turned in space is read in its own frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spineimg.core.grid import Grid
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.core.volume import Modality, Volume
from spineimg.segmentation.engine import SpineEngine
from spineimg.segmentation.naming_model import load_naming_model
from spineimg.segmentation.resample import upright
from tests.segmentation.fakes import FakeLocate, FakeRefine, balls, oblique

MODELS = Path(__file__).parents[2] / "models"
AXES = np.array([[0, 0, 1.0], [1, 0, 0], [0, -1, 0]])
"""A sagittal stack: its axes are y, -z and x."""


def stack(axes: np.ndarray) -> Grid:
    """A stack of 0.9 x 1.1 x 3 mm with given directions."""
    affine = np.eye(4)
    affine[:3, :3] = axes * np.array([0.9, 1.1, 3.0])
    affine[:3, 3] = (5.0, -7.0, 11.0)
    return Grid((10, 12, 14), affine)


def test_a_turned_stack_stands_upright_about_its_middle() -> None:
    turned = stack(oblique((10.0, -8.0, 12.0)) @ AXES)
    there = upright(turned)
    np.testing.assert_allclose(there.affine[:3, :3], AXES * [0.9, 1.1, 3.0], atol=1e-9)
    middle = np.array([4.5, 5.5, 6.5])
    np.testing.assert_allclose(there.to_lps_mm(middle), turned.to_lps_mm(middle), atol=1e-9)


def test_straight_sheared_and_far_turned_stacks_stay() -> None:
    straight = stack(AXES)
    np.testing.assert_allclose(upright(straight).affine, straight.affine, atol=1e-9)
    tilted = AXES.copy()
    tilted[:, 2] += 0.2 * AXES[:, 1]  # gantry tilt
    for grid in (stack(tilted), stack(oblique((40.0, 0.0, 0.0)) @ AXES)):
        assert upright(grid) is grid


@pytest.mark.parametrize("angles", [(15.0, 0.0, 10.0)])
def test_turning_a_scan_in_space_changes_no_label(angles: tuple[float, float, float]) -> None:
    scan = balls((2.0, 2.0, 4.0), np.eye(3))
    engine = SpineEngine(
        "fake", "0", FakeLocate(), FakeRefine(), load_naming_model(MODELS / "naming"), Modality.CT
    )
    affine = scan.volume.grid.affine.copy()
    affine[:3] = oblique(angles) @ affine[:3]
    grid = Grid(scan.volume.grid.shape, affine)
    settings = SegmentationSettings(threads=1)
    straight = engine(scan.volume, settings)
    turned = engine(Volume(scan.volume.array, grid, Modality.CT), settings)
    assert turned.grid is grid
    assert (turned.array != straight.array).mean() < 1e-4
