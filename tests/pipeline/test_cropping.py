"""A crop keeps every voxel in its place in the patient, and comes back."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from spineimg.core.grid import Grid
from spineimg.core.labelmap import LabelMap
from spineimg.core.volume import Modality, Volume
from spineimg.pipeline.cropping import column_box, crop_labels, crop_to_grid, crop_volume, paste_labels

OBLIQUE = np.array([[0.9, 0.1, 0.0, -20.0], [-0.1, 0.9, 0.3, 5.0], [0.0, -0.3, 2.0, 100.0], [0, 0, 0, 1.0]])


def labels_with_a_block() -> LabelMap:
    grid = Grid((40, 36, 30), OBLIQUE)
    array = np.zeros(grid.shape, np.uint8)
    array[15:20, 12:16, 10:14] = 20
    lesions = np.zeros(grid.shape, np.uint8)
    lesions[18:24, 13:15, 11:13] = 1
    return LabelMap(array, grid, lesions=lesions)


def test_the_box_holds_labels_and_lesions_with_their_margin() -> None:
    labels = labels_with_a_block()
    start, stop = column_box(labels, margin_mm=3.0)
    steps = np.ceil(3.0 / labels.grid.spacing_mm).astype(int)
    assert_array_equal(start, np.array([15, 12, 10]) - steps)
    assert_array_equal(stop, np.array([24, 16, 14]) + steps)


def test_a_margin_ends_at_the_border_of_the_scan() -> None:
    labels = labels_with_a_block()
    start, stop = column_box(labels, margin_mm=500.0)
    assert start == (0, 0, 0)
    assert stop == labels.grid.shape


def test_nothing_moves_in_the_patient() -> None:
    labels = labels_with_a_block()
    box = column_box(labels, margin_mm=3.0)
    volume = Volume(np.arange(40 * 36 * 30, dtype=np.int16).reshape(40, 36, 30), labels.grid, Modality.CT)
    crop = crop_volume(volume, *box)
    index = np.array([2, 3, 1])
    whole = np.rint(volume.grid.to_index(crop.grid.to_lps_mm(index))).astype(int)
    assert crop.array[tuple(index)] == volume.array[tuple(whole)]
    assert_allclose(crop.grid.to_lps_mm(index), volume.grid.to_lps_mm(whole), atol=1e-9)


def test_a_crop_pasted_back_is_the_whole() -> None:
    labels = labels_with_a_block()
    crop = crop_labels(labels, *column_box(labels, margin_mm=3.0))
    again = paste_labels(crop, labels.grid)
    assert_array_equal(again.array, labels.array)
    assert again.lesions is not None and labels.lesions is not None
    assert_array_equal(again.lesions, labels.lesions)
    assert_array_equal(crop_to_grid(labels, crop.grid).array, crop.array)
