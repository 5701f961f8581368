"""Masks on a grid."""

from __future__ import annotations

import numpy as np
import pytest

from spineimg.core.grid import Grid
from spineimg.core.labelmap import LabelMap
from spineimg.core.levels import Level
from spineimg.core.volume import Modality, Volume

GRID = Grid((4, 3, 2), np.eye(4))


def mask(*ids: int) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    array = np.zeros(GRID.shape, np.uint8)
    array.flat[: len(ids)] = ids
    return array


def test_levels_are_listed_head_to_foot() -> None:
    assert LabelMap(mask(26, 20, 28, 1, 19), GRID).levels() == (
        Level.C1,
        Level.T12,
        Level.T13,
        Level.L1,
        Level.SACRUM,
    )
    assert LabelMap(mask(), GRID).levels() == ()


@pytest.mark.parametrize("name", ["array", "parts", "lesions", "lesion_types"])
def test_masks_of_another_shape_or_type_are_refused(name: str) -> None:
    for wrong in (np.zeros((4, 3, 1), np.uint8), np.zeros(GRID.shape, np.int16)):
        masks = {"array": mask(), name: wrong}
        with pytest.raises(ValueError, match=name):
            LabelMap(grid=GRID, **masks)  # type: ignore[arg-type]


def test_masks_cannot_be_changed_through_the_label_map() -> None:
    labels = LabelMap(mask(20), GRID, parts=mask(1))
    for array in (labels.array, labels.parts):
        assert array is not None
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0, 0] = 3


def test_an_image_of_another_shape_than_its_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="differ"):
        Volume(np.zeros((2, 2, 2), np.int16), GRID, Modality.CT)
