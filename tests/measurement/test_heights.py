"""Heights, their expectation and the loss: laws, and tables that a radiologist can read."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from spineimg.core.estimate import Estimate
from spineimg.core.levels import Level
from spineimg.core.measurements import EndplatePoints, Endplates
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.measurement import divide, measure
from spineimg.measurement.heights import (
    BodyHeights,
    Expected,
    expected_heights,
    genant_grades,
    height_loss,
)
from spineimg.measurement.normal import normal_heights_mm
from tests.measurement.boxes import Boxes, make_boxes

ORIGIN = (0.0, 0.0, 0.0)
POINTS = Endplates(EndplatePoints(ORIGIN, ORIGIN, ORIGIN), EndplatePoints(ORIGIN, ORIGIN, ORIGIN))


def heights(*values: float, sd: float = 0.3) -> BodyHeights:
    return BodyHeights(np.array(values), np.full(3, sd), POINTS, area_mm2=25.0 * float(np.mean(values)))


def column(scale: float = 1.1, **changed: tuple[float, float, float]) -> dict[Level, BodyHeights]:
    """T10 to L4 as the normal trend has them, some levels changed."""
    found = {}
    for name in ("T10", "T11", "T12", "L1", "L2", "L3", "L4"):
        normal = normal_heights_mm(Level(name))
        assert normal is not None
        found[Level(name)] = heights(*changed.get(name, tuple(scale * normal)))
    return found


@pytest.mark.parametrize(
    ("spacing", "turn", "tolerance"),
    [
        ((1.2, 1.2, 1.2), (0.0, 0.0, 0.0), 0.6),
        ((1.1, 1.1, 2.0), (4.0, 3.0, 10.0), 0.9),
        ((1.3, 1.3, 1.3), (15.0, 10.0, 20.0), 0.6),
    ],
)
def test_heights_ignore_resampling_and_turning(
    settings: MeasurementSettings,
    spacing: tuple[float, float, float],
    turn: tuple[float, float, float],
    tolerance: float,
) -> None:
    spec = Boxes(heights_mm=(24.3, 25.9, 27.4, 26.6), spacing_mm=spacing, turn_deg=turn)
    volume, labels = make_boxes(spec)
    found = measure(volume, divide(labels, settings), settings)
    for vertebra, true in zip(found.vertebrae, spec.heights_mm, strict=True):
        for site in ("anterior", "middle", "posterior"):
            height = getattr(vertebra.heights_mm, site)
            assert abs(height.value - true) < tolerance, (vertebra.level, site, height)
            assert height.low < height.value < height.high


def test_heights_do_not_step_by_the_voxel(settings: MeasurementSettings) -> None:
    found = []
    true = np.arange(24.0, 26.0, 0.5)
    volume, labels = make_boxes(
        Boxes(heights_mm=tuple(true), spacing_mm=(1.0, 1.0, 1.5), turn_deg=(7.0, 0, 0))
    )
    for vertebra in measure(volume, divide(labels, settings), settings).vertebrae:
        middle = vertebra.heights_mm.middle
        assert middle is not None
        found.append(middle.value)
    assert_allclose(np.diff(found), np.diff(true), atol=0.7)


def test_coarse_slices_give_no_heights(settings: MeasurementSettings) -> None:
    volume, labels = make_boxes(Boxes(spacing_mm=(1.5, 1.5, 7.0)))
    for vertebra in measure(volume, divide(labels, settings), settings).vertebrae:
        assert vertebra.heights_mm.anterior is None
        assert vertebra.height_loss_percent is None


def test_expected_height_follows_the_neighbours_and_the_normal_trend(settings: MeasurementSettings) -> None:
    found = expected_heights(column(1.1), frozenset(), settings)
    normal = normal_heights_mm(Level.L1)
    assert normal is not None
    assert_allclose(found[Level.L1].value_mm, 1.1 * normal, rtol=0.01)
    assert Level.L1 not in found[Level.L1].levels


def test_a_fractured_neighbour_is_no_reference(settings: MeasurementSettings) -> None:
    found = expected_heights(column(1.1, T12=(14.0, 16.0, 22.0)), frozenset(), settings)
    assert Level.T12 not in found[Level.L1].levels
    normal = normal_heights_mm(Level.T12)
    assert normal is not None
    assert_allclose(found[Level.T12].value_mm, 1.1 * normal, rtol=0.01)


def test_a_level_with_tumour_is_no_reference(settings: MeasurementSettings) -> None:
    found = expected_heights(column(), frozenset({Level.L2}), settings)
    assert Level.L2 not in found[Level.L1].levels


def test_without_a_neighbour_nothing_is_expected(settings: MeasurementSettings) -> None:
    assert expected_heights({Level.L1: heights(20.0, 22.0, 25.0)}, frozenset(), settings) == {}


def test_a_crushed_body_is_not_measured_by_its_own_tallest_edge(settings: MeasurementSettings) -> None:
    columns = column(1.1, L1=(13.0, 12.0, 14.0))
    expected = expected_heights(columns, frozenset(), settings)
    loss = height_loss(columns[Level.L1], expected[Level.L1], settings)
    assert loss.worst.value > 40
    assert loss.deformity == "crush"


@pytest.mark.parametrize(
    ("measured", "site", "shape"),
    [
        ((25.0, 24.0, 26.0), "middle", "none"),
        ((16.0, 22.0, 26.0), "anterior", "wedge"),
        ((25.0, 16.0, 26.0), "middle", "biconcave"),
        ((14.0, 13.0, 14.0), "middle", "crush"),
        ((25.0, 22.0, 17.0), "posterior", "wedge"),
    ],
)
def test_shape_is_named_by_the_heights_that_are_lost(
    settings: MeasurementSettings, measured: tuple[float, float, float], site: str, shape: str
) -> None:
    expected = Expected(np.array([26.0, 25.0, 26.0]), np.full(3, 0.8), (Level.L2,))
    loss = height_loss(heights(*measured), expected, settings)
    assert (loss.site, loss.deformity) == (site, shape)


@pytest.mark.parametrize(
    ("low", "high", "grades"),
    [
        (0.0, 19.9, (0,)),
        (18.0, 22.0, (0, 1)),
        (20.5, 24.5, (1,)),
        (22.0, 30.0, (1, 2)),
        (26.0, 39.0, (2,)),
        (38.0, 44.0, (2, 3)),
        (40.1, 60.0, (3,)),
        (15.0, 45.0, (0, 1, 2, 3)),
        (20.0, 20.0, (1,)),
        (40.0, 40.0, (2,)),
    ],
)
def test_genant_grades_are_all_that_the_interval_touches(
    settings: MeasurementSettings, low: float, high: float, grades: tuple[int, ...]
) -> None:
    assert set(genant_grades(Estimate((low + high) / 2, low, high), settings)) >= set(grades)
    assert set(genant_grades(Estimate((low + high) / 2, low, high), settings)) <= {
        *grades,
        *_touched(low, high),
    }


def _touched(low: float, high: float) -> set[int]:
    """Grades whose border the interval's end just meets: either is honest there."""
    borders = {20.0: {0, 1}, 25.0: {1, 2}, 40.0: {2, 3}}
    return set().union(*(grades for border, grades in borders.items() if border in (low, high)))


def test_the_trend_has_no_gap() -> None:
    assert normal_heights_mm(Level.C1) is None
    assert normal_heights_mm(Level.SACRUM) is None
    assert_allclose(normal_heights_mm(Level.T13), normal_heights_mm(Level.T12))
