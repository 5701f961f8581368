"""The build of a vertebra as evidence: pedicle distances of real scans tell levels that look alike."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spineimg.core.levels import Level
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.segmentation.name import name_column
from spineimg.segmentation.naming_model import STATES, Found, NamingModel, Surroundings, load_naming_model
from spineimg.segmentation.naming_shape import learn_shapes, pedicle_shape, shifted_looks

MODEL = Path(__file__).parents[2] / "models" / "naming"
# Mean distances between the pedicles and to the next body, mm: the data set's published table.
WIDTH = {"L1": 30.0, "L2": 30.4, "L3": 33.0, "L4": 36.7, "L5": 47.9}
STEP = {"L1": 34.6, "L2": 35.8, "L3": 36.5, "L4": 36.3, "L5": 36.6}
LUMBAR = list(WIDTH)


@pytest.fixture(scope="module")
def model() -> NamingModel:
    return load_naming_model(MODEL)


def chain(names: list[str], broad: float = 1.0) -> list[Found]:
    """Lumbar vertebrae on a straight line; pedicles 24 mm behind and 4 mm above the body's middle."""
    place, out = np.zeros(3), []
    for name in names:
        side = np.array([0.5 * broad * WIDTH[name], 0.0, 0.0])
        behind = place + np.array([0.0, 24.0, 4.0])
        shape = pedicle_shape(place, behind + side, behind - side)
        out.append(Found(place, (0.02, 0.02, 0.98), shape=shape))
        place = place + np.array([0.0, 0.0, -STEP[name]])
    return out


def test_the_numbers_of_a_shape() -> None:
    shape = pedicle_shape(np.array([1.0, 2, 3]), np.array([16.0, 20, 8]), np.array([-14.0, 20, 6]))
    assert shape == pytest.approx((np.log(np.hypot(30, 2)), 18.0, 4.0))


@pytest.mark.parametrize("names", [LUMBAR[1:], LUMBAR[2:], LUMBAR[3:]])
@pytest.mark.parametrize("broad", [0.94, 1.06])
def test_a_wide_last_vertebra_is_told_from_its_neighbours_and_still_flagged(
    names: list[str], broad: float, model: NamingModel
) -> None:
    naming = name_column(chain(names, broad), Surroundings(), model, SegmentationSettings())
    assert [str(level) for level in naming.levels] == names
    # Build alone is no landmark: nothing in view from which one can count.
    assert "no-landmark" in {c.code for c in naming.caveats}


def test_without_pedicles_the_shape_says_nothing(model: NamingModel) -> None:
    bare = [replace(found, shape=None) for found in chain(LUMBAR[1:])]
    around, settings = Surroundings(), SegmentationSettings()
    with_model = name_column(bare, around, model, settings)
    assert model.shape is not None
    usual = replace(model.shape, shares=np.ones((len(model.group_shares), 1)), looks=model.shape.looks[:1])
    without = name_column(bare, around, replace(model, shape=usual), settings)
    assert with_model.best == pytest.approx(without.best, abs=1e-9)


def test_one_misplaced_pedicle_does_not_turn_the_names(model: NamingModel) -> None:
    found = chain(LUMBAR)
    wild = replace(found[2], shape=(np.log(90.0), -10.0, 40.0))
    found = [*found[:2], wild, *found[3:]]
    naming = name_column(found, Surroundings(sacrum_below_mm=24.0), model, SegmentationSettings())
    assert [str(level) for level in naming.levels] == LUMBAR


def test_learning_gives_back_what_the_columns_were_drawn_from() -> None:
    rng = np.random.default_rng(5)
    mean = np.stack([np.linspace(3.0, 4.0, 6), np.linspace(10, 25, 6), np.linspace(8, 0, 6)], 1)
    spread = np.array([0.08, 2.0, 2.0])
    looks = shifted_looks(range(6), 2, 6)
    columns = []
    for n in range(600):
        z = rng.normal(0, 1, 3)
        strays = [z := 0.7 * z + np.sqrt(1 - 0.49) * rng.normal(0, 1, 3) for _ in range(6)]
        look = looks[1] if n % 10 == 0 else looks[0]
        columns.append((np.arange(6), mean[look] + spread * np.array(strays)))
    model = learn_shapes(columns, np.zeros(600, dtype=np.intp), looks, 0.02)
    assert np.abs(model.mean - mean).max(0) == pytest.approx(np.zeros(3), abs=0.5)
    assert np.diag(model.carry) == pytest.approx([0.7, 0.7, 0.7], abs=0.12)
    assert model.shares[0, 1] == pytest.approx(0.1, abs=0.05)
    assert model.shares[0, 2] < 0.05


def test_a_level_that_no_scan_has_stands_between_its_neighbours(model: NamingModel) -> None:
    assert model.shape is not None
    row = {level: n for n, level in enumerate(STATES)}
    mean = model.shape.mean
    between = 0.5 * (mean[row[Level.T12]] + mean[row[Level.L1]])
    assert mean[row[Level.T13]] == pytest.approx(between, abs=0.01)
