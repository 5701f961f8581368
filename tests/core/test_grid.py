"""A grid's law: array index to patient and back, whatever the orientation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from spineimg.core.grid import Grid, Points, axis_aligned_grid


@st.composite
def oblique_grids(draw: st.DrawFn) -> Grid:
    """Any rotation, spacing 0.3-6 mm, either handedness, sheared or not."""
    turn = Rotation.from_euler(
        "xyz", [draw(st.floats(-180, 180)) for _ in range(3)], degrees=True
    ).as_matrix()
    spacing = [draw(st.floats(0.3, 6.0)) * draw(st.sampled_from([-1, 1])) for _ in range(3)]
    shear = np.eye(3)
    shear[1, 2] = draw(st.floats(-0.4, 0.4))
    affine = np.eye(4)
    affine[:3, :3] = turn @ shear @ np.diag(spacing)
    affine[:3, 3] = [draw(st.floats(-500, 500)) for _ in range(3)]
    return Grid((draw(st.integers(1, 400)), draw(st.integers(1, 400)), draw(st.integers(1, 400))), affine)


points = st.lists(st.tuples(*[st.floats(-600, 600)] * 3), min_size=1, max_size=5).map(np.array)
axes = st.integers(0, 2)


@given(grid=oblique_grids(), index=points)
def test_a_voxel_comes_back_from_the_patient(grid: Grid, index: Points) -> None:
    assert_allclose(grid.to_index(grid.to_lps_mm(index)), index, atol=1e-6)


@given(grid=oblique_grids(), index=points)
def test_the_affine_is_the_map(grid: Grid, index: Points) -> None:
    ones = np.hstack([index, np.ones((len(index), 1))])
    assert_allclose(grid.to_lps_mm(index), (ones @ grid.affine.T)[:, :3], atol=1e-6)


@given(grid=oblique_grids(), axis=axes)
def test_spacing_is_the_length_of_one_step(grid: Grid, axis: int) -> None:
    step = np.eye(3)[axis]
    length = np.linalg.norm(grid.to_lps_mm(step) - grid.to_lps_mm(np.zeros(3)))
    assert_allclose(grid.spacing_mm[axis], length, rtol=1e-9)


@given(grid=oblique_grids())
def test_the_voxel_volume_is_that_of_its_edges(grid: Grid) -> None:
    a, b, c = grid.affine[:3, :3].T
    assert grid.voxel_ml == pytest.approx(abs(np.dot(a, np.cross(b, c))) / 1000, rel=1e-9)


@given(grid=oblique_grids(), axis=axes)
def test_flipping_an_axis_moves_no_voxel_in_the_patient(grid: Grid, axis: int) -> None:
    affine = grid.affine.copy()
    affine[:3, 3] += affine[:3, axis] * (grid.shape[axis] - 1)
    affine[:3, axis] *= -1
    index = np.array([n // 2 for n in grid.shape], dtype=float)
    flipped = index.copy()
    flipped[axis] = grid.shape[axis] - 1 - index[axis]
    assert_allclose(Grid(grid.shape, affine).to_lps_mm(flipped), grid.to_lps_mm(index), atol=1e-6)


@given(grid=oblique_grids(), order=st.permutations(range(3)))
def test_permuting_axes_moves_no_voxel_in_the_patient(grid: Grid, order: list[int]) -> None:
    affine = grid.affine.copy()
    affine[:3, :3] = affine[:3, order]
    a, b, c = (grid.shape[i] for i in order)
    index = np.array([n // 3 for n in grid.shape], dtype=float)
    assert_allclose(Grid((a, b, c), affine).to_lps_mm(index[order]), grid.to_lps_mm(index), atol=1e-6)


@given(grid=oblique_grids(), data=st.data())
def test_a_crop_leaves_its_voxels_where_they_were(grid: Grid, data: st.DataObject) -> None:
    start = tuple(data.draw(st.integers(0, n - 1)) for n in grid.shape)
    stop = tuple(data.draw(st.integers(s + 1, n)) for s, n in zip(start, grid.shape, strict=True))
    crop = grid.cropped(start, stop)  # type: ignore[arg-type]
    assert crop.shape == tuple(b - a for a, b in zip(start, stop, strict=True))
    assert_allclose(crop.to_lps_mm(np.zeros(3)), grid.to_lps_mm(np.array(start, float)), atol=1e-6)
    last = np.array(crop.shape, float) - 1
    assert_allclose(crop.to_lps_mm(last), grid.to_lps_mm(np.array(stop, float) - 1), atol=1e-6)


@given(grid=oblique_grids())
def test_a_grid_is_in_the_same_place_as_itself_and_not_as_its_neighbour(grid: Grid) -> None:
    assert grid.same_place(Grid(grid.shape, grid.affine))
    affine = grid.affine.copy()
    affine[0, 3] += 0.2
    assert not grid.same_place(Grid(grid.shape, affine))
    assert grid.same_place(Grid(grid.shape, affine), tolerance_mm=0.3)
    assert not grid.same_place(Grid((grid.shape[0] + 1, *grid.shape[1:]), grid.affine))


def test_an_axis_aligned_grid_reaches_from_corner_to_corner() -> None:
    grid = axis_aligned_grid(np.array([-10.0, 0.0, 5.0]), np.array([10.0, 3.0, 5.0]), 2.0)
    assert grid.shape == (11, 3, 1)
    assert_allclose(grid.to_lps_mm(np.zeros(3)), [-10, 0, 5])
    assert_allclose(grid.to_lps_mm(np.array([10.0, 2.0, 0.0])), [10, 4, 5])  # not short of the corner


@pytest.mark.parametrize(
    "affine", [np.eye(3), np.zeros((4, 4)), np.full((4, 4), np.nan), np.diag([1.0, 1.0, 0.0, 1.0])]
)
def test_a_matrix_that_is_no_map_is_refused(affine: Points) -> None:
    with pytest.raises(ValueError, match="affine"):
        Grid((2, 2, 2), affine)


@pytest.mark.parametrize("shape", [(0, 2, 2), (2, 2), (2, -1, 2)])
def test_a_shape_without_voxels_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shape"):
        Grid(shape, np.eye(4))  # type: ignore[arg-type]


def test_a_grid_cannot_be_changed() -> None:
    given_affine = np.eye(4)
    grid = Grid((2, 2, 2), given_affine)
    with pytest.raises(ValueError, match="read-only"):
        grid.affine[0, 0] = 2
    given_affine[0, 0] = 5  # the caller's array is still the caller's
    assert grid.affine[0, 0] == 1
