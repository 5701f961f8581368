"""Which marks of the network stay: nothing beside the bone, no fat, no marrow like the neighbours'."""

from __future__ import annotations

import numpy as np
import pytest

from spineimg.core.grid import Grid
from spineimg.core.labelmap import LesionType, Part
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.core.volume import Modality, Volume
from spineimg.segmentation.lesions import find_lesions, own_bone_hu
from spineimg.segmentation.paste import Pasted

GRID = Grid((30, 30, 100), np.eye(4))
MARROW = {1: 180, 2: 170, 3: 160, 4: 150, 5: 140}


def column() -> tuple[np.ndarray, np.ndarray]:
    """Five square bodies from foot to head of the array, and their HU."""
    index, hu = np.zeros(GRID.shape, np.uint8), np.full(GRID.shape, 50, np.int16)
    for n, marrow in MARROW.items():
        box = (slice(5, 25), slice(5, 25), slice(20 * n - 18, 20 * n - 2))
        index[box], hu[box] = n, marrow
    return index, hu


@pytest.mark.parametrize(
    ("hu", "shift", "part", "kept"),
    [
        (45, 0, Part.BODY, True),
        (-60, 0, Part.BODY, False),  # fat
        (45, 18, Part.BODY, False),  # beside the bone
        (120, 0, Part.BODY, False),  # marrow a little thinner than the neighbours'
        (45, 0, Part.POSTERIOR, False),  # between two thin plates
    ],
)
def test_lytic_marks(hu: int, shift: int, part: Part, *, kept: bool) -> None:
    index, image = column()
    place = (slice(11 + shift, 19 + shift), slice(11, 19), slice(47, 55))
    image[place] = hu
    types = np.zeros(GRID.shape, np.uint8)
    types[place] = LesionType.LYTIC
    parts = np.where(index > 0, np.uint8(Part.BODY), np.uint8(0))
    parts[place] = np.where(index[place] > 0, np.uint8(part), np.uint8(0))
    ids, _ = find_lesions(
        Volume(image, GRID, Modality.CT), Pasted(index, parts, types), SegmentationSettings()
    )
    assert bool(ids.any()) is kept


def test_own_bone_is_that_of_the_neighbours_too() -> None:
    cores = {1: 200.0, 2: 190.0, 3: 180.0, 4: 70.0, 5: 60.0, 6: 65.0}
    low, high = own_bone_hu(cores, 6) or (0.0, 0.0)
    assert (low, high) == (65.0, 125.0)
    assert own_bone_hu({}, 1) is None
    assert own_bone_hu({1: 100.0, 2: 140.0}, 2) == (120.0, 120.0)
