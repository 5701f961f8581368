"""Steps between bodies tell whether the votes hold."""

from __future__ import annotations

import numpy as np
import pytest

from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.segmentation.chain import irregularity
from spineimg.segmentation.locate import Peak


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
