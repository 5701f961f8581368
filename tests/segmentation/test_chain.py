"""Steps between bodies tell whether the votes hold."""

from __future__ import annotations

import numpy as np
import pytest

from spineimg.core.grid import Grid
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.segmentation.chain import column, irregularity
from spineimg.segmentation.inputs import LOCATE_CLASSES
from spineimg.segmentation.locate import SACRUM, Peak, Regions


def chain(steps_mm: list[float]) -> list[Peak]:
    heights = -np.concatenate([[0.0], np.cumsum(steps_mm)])
    return [Peak(np.array([0.0, 0.0, z]), 10.0, (0.0, 1.0, 0.0), 15.0) for z in heights]


@pytest.mark.parametrize(
    ("steps_mm", "regular"),
    [
        ([22, 23, 24, 26, 28, 31, 34], True),
        ([22, 23, 24, 20, 28, 31, 34], True),  # one wedge
        ([22, 12, 34, 14, 38, 20, 45], False),
    ],
)
def test_smeared_votes_do_not_keep_to_the_column(steps_mm: list[float], regular: bool) -> None:
    assert (irregularity(chain(steps_mm)) <= SegmentationSettings().irregular_spacing) is regular


def test_few_bodies_are_taken_as_they_are() -> None:
    assert irregularity(chain([20, 40])) == 0.0


@pytest.mark.parametrize(("sacrum_ml", "lowest"), [(60.0, 200.0), (5.0, 60.0)])
def test_bodies_below_the_middle_of_a_sacrum_are_none(sacrum_ml: float, lowest: float) -> None:
    grid = Grid((30, 30, 100), np.diag([3.0, 3.0, 3.0, 1.0]))
    probability = np.zeros((len(LOCATE_CLASSES), *grid.shape), np.float32)
    side = round((1000 * sacrum_ml) ** (1 / 3) / 3 / 2)
    probability[SACRUM, 15 - side : 15 + side, 15 - side : 15 + side, 50 - side : 50 + side] = 1.0
    empty = np.zeros(grid.shape, np.float32)
    regions = Regions(probability, np.stack([empty] * 3), np.stack([empty] * 4), empty, grid)
    heights = [260.0, 230.0, 200.0, 120.0, 90.0, 60.0]  # the sacrum's middle lies at 150
    peaks = [Peak(np.array([45.0, 45.0, z]), 10.0, (0.0, 0.0, 1.0), 22.0) for z in heights]
    found = column(peaks, regions, SegmentationSettings())
    assert min(p.centre_lps_mm[2] for p in found) == lowest
