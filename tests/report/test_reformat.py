"""Cuts through a scan: values and places on any oblique grid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from spineimg.core.grid import Grid
from spineimg.core.settings.report import ReportSettings
from spineimg.core.volume import Modality
from spineimg.report.key_pictures import axial_plane, sagittal_plane
from spineimg.report.reformat import Plane, cut, window

angles = st.tuples(*[st.floats(-180, 180)] * 3)


def oblique(turn: tuple[float, float, float]) -> Grid:
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", turn, degrees=True).as_matrix() * [1.0, 1.5, 2.0]
    affine[:3, 3] = -affine[:3, :3] @ [30, 20, 15]
    return Grid((61, 41, 31), affine)


def plane(turn: tuple[float, float, float]) -> Plane:
    right, down, _ = Rotation.from_euler("xyz", turn, degrees=True).as_matrix()
    return Plane(np.array([1.0, -2.0, 3.0]), right, down, 24.0, 18.0, 1.0)


@given(angles, angles)
def test_a_cut_shows_the_value_that_stands_at_each_place(grid_turn, plane_turn):
    """The image is a linear function of the place in the patient, which linear interpolation must return."""
    grid, view = oblique(grid_turn), plane(plane_turn)
    index = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape], indexing="ij"), axis=-1)
    slope = np.array([2.0, -3.0, 5.0])
    points = view.points_lps_mm()
    image = cut(grid, points).image((grid.to_lps_mm(index) @ slope).astype(np.float32))
    inside = np.isfinite(image)
    assert inside.mean() > 0.5
    np.testing.assert_allclose(image[inside], (points @ slope)[inside], atol=4.0)
    core = np.linalg.norm(points, axis=-1) < 10
    np.testing.assert_allclose(image[core], (points @ slope)[core], atol=0.01)


def test_outside_the_scan_there_is_no_image():
    view = Plane(np.array([0.0, 0.0, 500.0]), np.eye(3)[0], np.eye(3)[1], 10.0, 10.0, 1.0)
    assert np.isnan(cut(oblique((0, 0, 0)), view.points_lps_mm()).image(np.ones((61, 41, 31)))).all()


@given(angles, st.floats(-12, 12), st.floats(-9, 9), st.floats(-20, 20))
def test_a_point_is_drawn_where_it_stands(turn, x, y, off):
    view = plane(turn)
    place = view.origin + x * view.right + y * view.down + off * np.cross(view.right, view.down)
    np.testing.assert_allclose(view.project(place), [x, y], atol=1e-9)


def test_sides_of_the_key_pictures(measurements):
    """Sagittal: front on the left, head up. Axial: the patient's left on the right, front up."""
    vertebra = measurements.vertebrae[1]
    settings = ReportSettings()
    side = sagittal_plane(vertebra, settings)
    assert side.project(np.array([0.0, -20.0, -17.0]))[0] < side.project(np.array([0.0, 20.0, -17.0]))[0]
    assert side.project(np.array([0.0, 0.0, 17.0]))[1] < side.project(np.array([0.0, 0.0, -17.0]))[1]
    across = axial_plane(vertebra, measurements.lesions, settings)
    assert across.project(np.array([20.0, 0.0, -19.0]))[0] > 0
    assert across.project(np.array([0.0, -20.0, -19.0]))[1] < across.project(np.array([0.0, 30.0, -19.0]))[1]
    assert across.origin[2] == pytest.approx(-19.0)  # through the lesion


def test_ct_has_the_bone_window_and_mr_spans_what_is_seen():
    settings = ReportSettings()
    centre, width = settings.window_ct_hu
    assert window(np.zeros((2, 2)), Modality.CT, settings) == (centre - width / 2, centre + width / 2)
    low, high = window(np.linspace(0, 1000, 1001).reshape(7, -1), Modality.MR, settings)
    assert (low, high) == pytest.approx((10, 995))
    assert window(np.full((2, 2), np.nan), Modality.MR, settings) == (0.0, 1.0)
