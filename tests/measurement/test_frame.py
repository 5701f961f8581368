"""The frame of a vertebra comes from the vertebra: it turns with the patient and not with the grid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.measurement import divide
from spineimg.measurement.body import find_bodies
from spineimg.measurement.column import tangents
from spineimg.measurement.frame import angle_deg, body_frame, endplate_planes, frame_towards
from tests.measurement.boxes import Boxes, make_boxes, rotation

ANGLES = st.tuples(*[st.floats(-40, 40)] * 3)
BACK, UP = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])


def body_points(upper_deg: float = 0.0, lower_deg: float = 0.0) -> np.ndarray:
    """A body of 40 x 30 x 26 mm whose endplates lean forward by so much."""
    x, y, t = np.meshgrid(
        np.arange(-20, 20.1, 1.0), np.arange(-15, 15.1, 1.0), np.linspace(0, 1, 27), indexing="ij"
    )
    top = 13.0 + np.tan(np.radians(upper_deg)) * y
    bottom = -13.0 + np.tan(np.radians(lower_deg)) * y
    return np.stack([x, y, bottom + t * (top - bottom)], axis=-1).reshape(-1, 3)


@settings_of_hypothesis(max_examples=25, deadline=None)
@given(turn=ANGLES)
def test_a_frame_turns_with_the_patient(turn: tuple[float, float, float]) -> None:
    turned = rotation(turn)
    points = body_points() @ turned.T
    frame = body_frame(points, turned @ (40 * BACK), turned @ UP, 1.0, MeasurementSettings())
    assert_allclose(frame.axes, turned.T, atol=0.02)
    assert_allclose(frame.to_lps_mm(frame.to_own_mm(points)), points, atol=1e-9)


@given(turn=ANGLES)
def test_axes_are_orthogonal_and_right_handed(turn: tuple[float, float, float]) -> None:
    up = rotation(turn) @ UP
    axes = frame_towards(np.zeros(3), up, BACK + 0.3 * UP).axes
    assert_allclose(axes @ axes.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(axes) == pytest.approx(1.0)


def test_planes_lean_as_the_endplates_do(settings: MeasurementSettings) -> None:
    planes = endplate_planes(body_points(upper_deg=9.0, lower_deg=-4.0), settings)
    assert planes is not None
    leans = [np.degrees(np.arctan2(-p.normal()[1], p.normal()[2])) for p in planes]
    assert_allclose(leans, [9.0, -4.0], atol=0.6)


def test_a_collapsed_body_does_not_tilt_its_own_ruler(settings: MeasurementSettings) -> None:
    frame = body_frame(body_points(lower_deg=18.0), 40 * BACK, UP, 1.0, settings)
    assert angle_deg(frame.axes[2], UP) < 0.1
    mild = body_frame(body_points(lower_deg=8.0), 40 * BACK, UP, 1.0, settings)
    assert angle_deg(mild.axes[2], UP) == pytest.approx(8.0 * settings.endplate_weight, abs=0.6)


def test_the_tangent_of_a_circle_is_exact_where_steps_differ() -> None:
    from spineimg.core.levels import Level

    levels = (Level.L1, Level.L2, Level.L3)
    angles = np.radians([14.0, 4.0, 0.0])
    centres = {
        level: 150 * np.array([0.0, np.cos(a), np.sin(a)]) for level, a in zip(levels, angles, strict=True)
    }
    true = np.array([0.0, -np.sin(angles[1]), np.cos(angles[1])])
    assert angle_deg(tangents(centres)[Level.L2], true) < 0.2
    assert_allclose(tangents({Level.L1: np.zeros(3)})[Level.L1], UP)


@pytest.mark.parametrize("turn", [(0.0, 0.0, 0.0), (14.0, 6.0, -12.0)])
def test_frames_of_a_straight_column_stand_upright_on_every_grid(
    settings: MeasurementSettings, turn: tuple[float, float, float]
) -> None:
    volume, labels = make_boxes(Boxes(spacing_mm=(1.5, 1.5, 1.5), turn_deg=turn))
    bodies = find_bodies(volume, divide(labels, settings), settings)
    assert [body.piece.complete for body in bodies.values()] == [True] * 4
    for body in bodies.values():
        assert angle_deg(body.frame.axes[2], UP) < 1.0
        assert angle_deg(body.frame.axes[0], np.array([1.0, 0.0, 0.0])) < 1.5


def test_what_the_border_cuts_is_incomplete(settings: MeasurementSettings) -> None:
    from spineimg.core.labelmap import LabelMap
    from spineimg.measurement.column import pieces

    _, labels = make_boxes(Boxes(spacing_mm=(1.5, 1.5, 1.5)))
    cut = 14
    array = np.ascontiguousarray(labels.array[:, :, cut:])
    rest = LabelMap(array, labels.grid.cropped((0, 0, cut), labels.grid.shape))
    assert [piece.complete for piece in pieces(rest, settings).values()] == [True, True, True, False]
