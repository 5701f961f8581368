"""A network's masks: bodies that no spine has give no heights, the rest wider intervals; a reader's stay."""

from __future__ import annotations

import numpy as np
import pytest

from spineimg.core.estimate import Estimate
from spineimg.core.grid import Grid
from spineimg.core.labelmap import LabelMap, NameDoubt
from spineimg.core.levels import Level
from spineimg.core.measurements import EndplatePoints, Endplates, SegmentMeasurement
from spineimg.core.settings import DEFAULTS
from spineimg.measurement.heights import BodyHeights
from spineimg.measurement.machine_masks import by_machine, implausible, widened_angles, widened_heights
from spineimg.measurement.normal import normal_heights_mm

SETTINGS = DEFAULTS.measurement
LEVELS = (Level.T8, Level.T9, Level.T10, Level.T11, Level.T12)
POINTS = EndplatePoints(*[(0.0, 0.0, 0.0)] * 3)


def bodies(
    level: Level = Level.T10, shares: tuple[float, float, float] = (1, 1, 1), sd_mm: float = 0.4
) -> dict[Level, BodyHeights]:
    """A normal column with one body at these shares of its normal heights."""
    out = {}
    for one in LEVELS:
        normal = normal_heights_mm(one)
        assert normal is not None
        value = normal * (np.array(shares) if one is level else 1.0)
        out[one] = BodyHeights(
            value, np.full(3, sd_mm if one is level else 0.4), Endplates(POINTS, POINTS), 500.0
        )
    return out


@pytest.mark.parametrize(
    ("shares", "wrong"),
    [
        ((1.0, 1.0, 1.0), False),
        ((0.5, 0.7, 0.95), False),  # a wedge
        ((0.9, 0.5, 0.95), False),  # a fish vertebra
        ((0.45, 0.45, 0.45), False),  # a crush
        ((1.05, 1.1, 1.05), False),
        ((0.9, 1.2, 0.95), True),  # bulges: an endplate was taken for the disc's far side
        ((1.25, 1.2, 1.25), True),  # half of the neighbour came along
        ((1.0, 1.0, 1.35), True),
    ],
)
def test_bodies_that_bulge_or_stand_out_give_no_heights(
    shares: tuple[float, float, float], wrong: bool
) -> None:
    found = implausible(bodies(shares=shares), frozenset(LEVELS), frozenset(), SETTINGS)
    assert found == ({Level.T10} if wrong else set())


def test_what_a_bodys_own_doubt_explains_is_no_proof() -> None:
    doubtful = bodies(shares=(0.9, 1.2, 0.95), sd_mm=4.0)
    assert implausible(doubtful, frozenset(LEVELS), frozenset(), SETTINGS) == frozenset()


def test_a_readers_masks_are_taken_as_they_are() -> None:
    grid = Grid((2, 2, 2), np.eye(4))
    labels = LabelMap(np.zeros(grid.shape, np.uint8), grid)
    assert by_machine(labels) == frozenset()
    assert implausible(bodies(shares=(1, 1.5, 1)), frozenset(), frozenset(), SETTINGS) == frozenset()
    heights = bodies()
    assert widened_heights(heights, frozenset(), SETTINGS)[Level.T9] is heights[Level.T9]
    doubt = NameDoubt(Level.T9, (Level.T9,), 0.99)
    assert by_machine(LabelMap(labels.array, grid, names=(doubt,))) == {Level.T9}


def test_a_networks_masks_widen_heights_and_angles_about_the_same_value() -> None:
    wide = widened_heights(bodies(), frozenset({Level.T9}), SETTINGS)[Level.T9]
    np.testing.assert_allclose(wide.sd_mm, np.hypot(0.4, SETTINGS.machine_height_sd_mm))
    angle = Estimate(5.0, 3.0, 8.0)
    segment = SegmentMeasurement(Level.T9, Level.T10, None, None, angle, None, "none")
    (found,) = widened_angles([segment], frozenset({Level.T10}), SETTINGS)
    assert found.kyphosis_deg is not None
    assert found.kyphosis_deg.value == 5.0
    assert found.kyphosis_deg.low < 3.0 - 4.0
    assert found.kyphosis_deg.high > 8.0 + 4.0
    assert widened_angles([segment], frozenset(), SETTINGS) == (segment,)
