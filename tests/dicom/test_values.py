"""Stored samples to HU: every number here is worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from spineimg import dicom
from spineimg.core.errors import InputRefused
from spineimg.core.settings.reading import ReadingSettings
from spineimg.core.volume import Volume
from tests.dicom.conftest import Recipe, stored_pixels, write_series

SETTINGS = ReadingSettings()


def load(folder: Path, recipe: Recipe) -> Volume:
    write_series(folder, recipe)
    return dicom.load(folder, SETTINGS)


def codes(volume: Volume) -> list[str]:
    return [repair.code for repair in volume.origin.repairs]


def test_each_slice_has_its_own_slope_and_intercept(tmp_path: Path) -> None:
    def own(dataset: Dataset, index: int) -> None:
        dataset.RescaleSlope = 1 + index
        dataset.RescaleIntercept = -100.5 * index

    volume = load(tmp_path, Recipe(edit=own))
    stored = stored_pixels(5).transpose(2, 1, 0).astype(float)
    expected = np.rint(stored * (1 + np.arange(5)) - 100.5 * np.arange(5))
    np.testing.assert_array_equal(volume.array, expected)


def test_signed_samples_keep_their_sign(tmp_path: Path) -> None:
    volume = load(tmp_path, Recipe(stored=(stored_pixels(5).astype(np.int16) - 2000)))
    assert volume.array[0, 0, 0] == 1000 - 2000 - 1024


def test_hu_beyond_sixteen_bits_stop_at_the_limit(tmp_path: Path) -> None:
    def steep(dataset: Dataset, index: int) -> None:
        dataset.RescaleSlope = 40

    stored = stored_pixels(5).astype(np.int16)
    assert load(tmp_path, Recipe(stored=stored, edit=steep)).array.max() == 32767


def test_negative_hu_marked_unsigned_are_mended(tmp_path: Path) -> None:
    hu = stored_pixels(5).astype(np.int16) - 1000
    hu[:, :3] = -1000

    def no_intercept(dataset: Dataset, index: int) -> None:
        dataset.RescaleIntercept = 0

    volume = load(tmp_path, Recipe(stored=hu.view(np.uint16), edit=no_intercept))
    np.testing.assert_array_equal(volume.array, hu.transpose(2, 1, 0))
    assert codes(volume) == ["signedness-corrected"]


def test_saturated_metal_is_not_taken_for_wrapped_air(tmp_path: Path) -> None:
    stored = stored_pixels(5)
    stored[2, 3, 1] = 65535

    def no_intercept(dataset: Dataset, index: int) -> None:
        dataset.RescaleIntercept = 0

    with pytest.raises(InputRefused) as refusal:
        load(tmp_path, Recipe(stored=stored, edit=no_intercept))
    assert refusal.value.code == "values-implausible"


@pytest.mark.parametrize(
    ("stored_value", "reads", "named"),
    [(63536, -1024, ["padding-masked"]), (1024, 0, ["padding-in-tissue"]), (0, -1024, [])],
)
def test_padding_is_outside_unless_its_value_is_tissue(
    tmp_path: Path, stored_value: int, reads: int, named: list[str]
) -> None:
    stored = stored_pixels(5)
    stored[1, 2, 3] = stored_value

    def padded(dataset: Dataset, index: int) -> None:
        dataset.add_new("PixelPaddingValue", "US", stored_value)

    volume = load(tmp_path, Recipe(stored=stored, edit=padded))
    assert volume.array[3, 2, 1] == reads
    assert codes(volume) == named


def test_ct_without_rescale_claims_no_hu(tmp_path: Path) -> None:
    def bare(dataset: Dataset, index: int) -> None:
        del dataset.RescaleSlope

    volume = load(tmp_path, Recipe(edit=bare))
    assert not volume.origin.calibrated
    assert codes(volume) == ["rescale-missing"]
    assert volume.array[0, 0, 0] == 1000


def test_samples_are_shifted_where_the_high_bit_says_so(tmp_path: Path) -> None:
    def shifted(dataset: Dataset, index: int) -> None:
        dataset.BitsStored, dataset.HighBit = 12, 13

    volume = load(tmp_path, Recipe(stored=stored_pixels(5) << 2, edit=shifted))
    assert volume.array[0, 0, 0] == 1000 - 1024
    assert codes(volume) == ["bits-realigned"]


def test_equal_images_have_equal_digests_and_one_voxel_changes_it(tmp_path: Path) -> None:
    changed = stored_pixels(5)
    changed[0, 0, 0] += 1
    first = load(tmp_path / "a", Recipe()).origin.digest
    assert load(tmp_path / "b", Recipe()).origin.digest == first
    assert load(tmp_path / "c", Recipe(stored=changed)).origin.digest != first
