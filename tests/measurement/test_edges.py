"""The edge model against plates drawn by another rule (fine sums), on many grids and phases."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from spineimg.measurement.edges import (
    EdgeModel,
    Voxels,
    binned,
    blurred_step,
    free_levels,
    gather,
    refine,
    smooth_path,
)

FINE = 0.02
OUTSIDE, INSIDE, PLATE, THICK = 60.0, 160.0, 900.0, 0.7


def seen(edge_mm: float, centres_mm: np.ndarray, voxel_mm: float, kernel_mm: float) -> np.ndarray:
    """Voxel values of a plate under an edge: summed on a fine line, not by the model's formula."""
    x = np.arange(-30.0, 30.0, FINE)
    fine = np.where(x > edge_mm, OUTSIDE, np.where(x > edge_mm - THICK, PLATE, INSIDE))
    fine = ndimage.gaussian_filter1d(fine, kernel_mm / FINE)
    fine = ndimage.uniform_filter1d(fine, max(round(voxel_mm / FINE), 1))
    return np.interp(centres_mm, x, fine)


@pytest.mark.parametrize(("voxel", "tolerance"), [(0.7, 0.08), (1.0, 0.12), (1.5, 0.15), (2.5, 0.2)])
def test_an_oblique_plate_is_found_below_the_voxel(voxel: float, tolerance: float) -> None:
    rng = np.random.default_rng(3)
    errors = []
    for edge in np.linspace(-0.9, 0.9, 7):
        rows = np.arange(0.0, 24.0, 0.5)
        tilt = np.tan(np.radians(8.0))
        along = np.repeat(rows, 40)
        height = np.tile((np.arange(40) - 20) * voxel, len(rows))
        outward = height - tilt * along
        value = seen(edge, outward, voxel, 0.5) + rng.normal(0.0, 10.0, len(outward))
        samples = binned(Voxels(along, outward, value), rows, 6.0, (-6.0, 4.0))
        positions = np.arange(-2.5, 2.51, 0.25)
        model = EdgeModel(THICK, voxel, 0.5, signed=True)
        moments = gather(samples, positions, model)
        misfit = free_levels(moments, model)[1]
        errors.append(float(np.median(refine(misfit, misfit.argmin(axis=1), positions))) - edge)
    assert np.abs(errors).max() < tolerance


def test_the_step_is_a_share_that_rises_from_outside_to_inside() -> None:
    model = EdgeModel(0.7, 1.0, 0.5, signed=True)
    step = blurred_step(np.linspace(-4.0, 4.0, 81), model)
    assert step[0] == pytest.approx(0.0, abs=1e-6)
    assert step[-1] == pytest.approx(1.0, abs=1e-6)
    assert step[40] == pytest.approx(0.5)
    assert (np.diff(step) >= -1e-12).all()


def test_a_path_steps_over_a_fracture_but_not_after_noise() -> None:
    positions = np.arange(9)
    true = np.where(np.arange(40) < 20, 2, 6)
    cost = (positions[None] - true[:, None]) ** 2.0
    cost[10] = (positions - 7) ** 2.0 * 0.1
    path = smooth_path(cost, 0.4, 3.0)
    assert (path[[0, 5, 15, 19]] == 2).all()
    assert (path[[20, 30, 39]] == 6).all()
    assert path[10] < 5
