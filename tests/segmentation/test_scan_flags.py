"""Flags of input out of range, on blocks of known size and place."""

from __future__ import annotations

import numpy as np
import pytest

from spineimg.core.grid import Grid
from spineimg.core.labelmap import LabelMap
from spineimg.core.levels import Level
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.core.volume import Modality, Volume
from spineimg.segmentation.scan_flags import with_scan_flags

SETTINGS = SegmentationSettings()
GRID = Grid((40, 40, 100), np.diag([2.0, 2.0, 2.0, 1.0]))
# Published mean distances of neighbouring bodies in adults, mm (L1-L2 34.6, L2-L3 35.8, L3-L4 36.5).
STEPS = (34.6, 35.8, 36.5)
LEVELS = (Level.L1, Level.L2, Level.L3, Level.L4)


def scan(scale: float = 1.0, half_mm: float = 14.0, foot_mm: float = 30.0) -> tuple[Volume, LabelMap]:
    """Four lumbar blocks, their centres an adult's steps times a scale apart."""
    array = np.zeros(GRID.shape, dtype=np.uint8)
    centre = foot_mm + sum(STEPS) * scale
    half = round(half_mm / 2)
    for level, step in zip(LEVELS, (*STEPS, 0.0), strict=True):
        at = round(centre / 2)
        array[20 - half : 20 + half, 20 - half : 20 + half, max(0, at - half) : at + half] = level.verse_id
        centre -= step * scale
    hu = np.where(array > 0, 300, 40).astype(np.int16)
    return Volume(hu, GRID, Modality.CT), LabelMap(array=array, grid=GRID)


def codes(volume: Volume, labels: LabelMap) -> set[str]:
    return {caveat.code for caveat in with_scan_flags(volume, labels, SETTINGS).findings}


def test_an_adult_has_no_flag() -> None:
    assert codes(*scan()) == set()


@pytest.mark.parametrize(("scale", "flagged"), [(0.7, True), (0.87, False), (1.12, False), (1.35, True)])
def test_a_child_and_a_giant_are_out_of_range(scale: float, flagged: bool) -> None:
    # The spread of adults about the mean is 6.5 %: two spreads are usual, four are not.
    assert ("size-out-of-range" in codes(*scan(scale, 10.0))) is flagged


def test_a_screw_is_said_and_a_clip_is_not() -> None:
    volume, labels = scan()
    hu = volume.array.copy()
    hu[4:7, 20:23, 50:72] = 3000  # 198 voxels of 8 mm3: 1.6 ml, 15 mm beside the blocks
    assert "metal-near-column" in codes(Volume(hu, GRID, Modality.CT), labels)
    hu = volume.array.copy()
    hu[18:20, 18:20, 40:43] = 3000  # 0.1 ml
    assert codes(Volume(hu, GRID, Modality.CT), labels) == set()
    assert codes(Volume(hu, GRID, Modality.MR), labels) == set()


def test_when_all_are_cut_it_is_said() -> None:
    volume, labels = scan()
    thin = Grid((40, 40, 8), GRID.affine)
    place = int(np.argmax((labels.array == Level.L3.verse_id).any((0, 1)))) + 2
    cut = LabelMap(array=np.ascontiguousarray(labels.array[:, :, place : place + 8]), grid=thin)
    image = Volume(np.ascontiguousarray(volume.array[:, :, place : place + 8]), thin, Modality.CT)
    assert codes(image, cut) == {"no-whole-vertebra"}


def test_crumbs_are_no_vertebrae() -> None:
    assert "masks-implausible" in codes(*scan(half_mm=6.0))  # 1.7 ml each, where an adult has about 60


def test_a_mask_without_vertebrae_stays_as_it_is() -> None:
    volume, _ = scan()
    array = np.zeros(GRID.shape, dtype=np.uint8)
    array[10:20, 10:20, 10:20] = Level.SACRUM.verse_id
    assert codes(volume, LabelMap(array=array, grid=GRID)) == set()


def test_a_body_in_two_pieces_is_said() -> None:
    volume, labels = scan()
    array = labels.array.copy()
    levels = np.flatnonzero((array == Level.L2.verse_id).any((0, 1)))
    array[:, :, levels[len(levels) // 2]] = 0
    split = with_scan_flags(volume, LabelMap(array=array, grid=GRID), SETTINGS).findings
    assert [(c.code, c.levels) for c in split] == [("vertebra-split", (Level.L2,))]


def test_swapped_names_are_out_of_order() -> None:
    volume, labels = scan()
    array = labels.array.copy()
    array[labels.array == Level.L2.verse_id] = Level.L3.verse_id
    array[labels.array == Level.L3.verse_id] = Level.L2.verse_id
    assert "column-out-of-order" in codes(volume, LabelMap(array=array, grid=GRID))
