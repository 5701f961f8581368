"""A height through a destroyed endplate is hardly known, and says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spineimg.core.estimate import Estimate
from spineimg.core.grid import Grid
from spineimg.core.labelmap import LabelMap
from spineimg.core.levels import Level
from spineimg.core.measurements import EndplatePoints, Endplates, SegmentMeasurement
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.measurement.destroyed import widened_at_lesions, widened_walls
from spineimg.measurement.heights import BodyHeights

GRID = Grid((40, 40, 40), np.diag([1.0, 1.0, 1.0, 1.0]))
CRANIAL = np.array([0.0, 0.0, 1.0])
HEIGHTS = BodyHeights(
    np.array([20.0, 20.0, 20.0]),
    np.array([0.5, 0.5, 0.5]),
    Endplates(
        EndplatePoints((20, 10, 30), (20, 20, 30), (20, 30, 30)),
        EndplatePoints((20, 10, 10), (20, 20, 10), (20, 30, 10)),
    ),
    area_mm2=400.0,
)


def labels_with_lesion(z: slice, y: slice) -> LabelMap:
    lesions = np.zeros(GRID.shape, np.uint8)
    lesions[15:26, y, z] = 1
    return LabelMap(np.ones(GRID.shape, np.uint8), GRID, lesions=lesions)


@pytest.mark.parametrize(
    ("z", "y", "wide"),
    [
        (slice(26, 32), slice(15, 25), [False, True, False]),  # breaks the upper endplate in the middle
        (slice(8, 14), slice(25, 36), [False, False, True]),  # breaks the lower endplate behind
        (slice(15, 25), slice(5, 36), [False, False, False]),  # stays inside, 5 mm from both
    ],
)
def test_only_heights_through_the_lesion_widen(z: slice, y: slice, wide: list[bool]) -> None:
    settings = MeasurementSettings()
    result = widened_at_lesions(HEIGHTS, labels_with_lesion(z, y), CRANIAL, settings)
    assert list(result.sd_mm > 0.5) == wide
    np.testing.assert_array_equal(result.value_mm, HEIGHTS.value_mm)


def test_a_readers_lesion_leaves_the_heights_alone() -> None:
    labels = replace(labels_with_lesion(slice(26, 32), slice(15, 25)), lesions_confirmed=True)
    result = widened_at_lesions(HEIGHTS, labels, CRANIAL, MeasurementSettings())
    np.testing.assert_array_equal(result.sd_mm, HEIGHTS.sd_mm)


def test_a_lesion_at_the_wall_widens_the_shift() -> None:
    lesions = np.zeros(GRID.shape, np.uint8)
    lesions[18:23, 28:33, 18:23] = 1
    shift = Estimate(3.0, 2.0, 4.0)

    def segment(place: tuple[float, float, float]) -> SegmentMeasurement:
        walls = (place, (20.0, 30.0, 35.0))
        return SegmentMeasurement(
            Level.L1, Level.L2, shift, None, None, None, "none", posterior_walls_lps_mm=walls
        )

    labels = LabelMap(np.ones(GRID.shape, np.uint8), GRID, lesions=lesions)
    near, far = widened_walls(
        (segment((20.0, 30.0, 20.0)), segment((20.0, 10.0, 20.0))), labels, MeasurementSettings()
    )
    assert near.translation_ap_mm is not None
    assert near.translation_ap_mm.low < 0.2
    assert far.translation_ap_mm == shift
