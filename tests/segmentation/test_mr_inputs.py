"""MR has no unit: the channels must not depend on the scanner's scale, and padding must not shift them."""

from __future__ import annotations

import numpy as np
import pytest

from spineimg.core.grid import Grid
from spineimg.core.volume import Modality, Volume
from spineimg.segmentation.inputs import OUTSIDE_HU, hu_channels
from spineimg.segmentation.looks import look_of, prepared
from spineimg.segmentation.mr_inputs import mr_channels, mr_units


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    rng = np.random.default_rng(1)
    tissue = rng.uniform(0.1, 1.0, (6, 10, 12)).repeat(4, 0).repeat(4, 1).repeat(4, 2)
    return (tissue + 0.02 * rng.standard_normal(tissue.shape)).astype(np.float32)


@pytest.mark.parametrize(("gain", "offset"), [(1.0, 0.0), (255.0, 20.0), (30000.0, 0.0), (0.002, -0.1)])
def test_units_do_not_depend_on_the_scale(image: np.ndarray, gain: float, offset: float) -> None:
    np.testing.assert_allclose(mr_units(gain * image + offset), mr_units(image), atol=2e-3)


def test_most_of_the_tissue_lies_between_nothing_and_one(image: np.ndarray) -> None:
    units = mr_units(image)
    assert 0.0 <= units.min() <= units.max() <= 1.6
    assert ((units > 0) & (units <= 1)).mean() > 0.95


def test_padding_with_zeros_does_not_change_the_tissue(image: np.ndarray) -> None:
    padded = np.pad(image, 12)
    inner = mr_units(padded)[12:-12, 12:-12, 12:-12]
    spread = np.abs(inner - (0.8 * mr_units(image) + 0.1)).max()
    assert spread < 0.2  # the dark end moves to the padding; bright tissue stays where it was
    assert abs(float(np.quantile(inner, 0.98)) - 1.0) < 0.02


def test_outside_is_dark_as_on_ct_and_has_no_contrast(image: np.ndarray) -> None:
    units = mr_units(image)
    units[:8] = OUTSIDE_HU
    channels = mr_channels(units)
    assert channels.shape == (2, *image.shape)
    assert channels.dtype == np.float32
    np.testing.assert_array_equal(channels[0, :8], hu_channels(np.full((1, 1, 1), OUTSIDE_HU))[0, 0, 0, 0])
    np.testing.assert_array_equal(channels[1, :8], 0.0)
    assert np.isfinite(channels).all()


def test_local_contrast_survives_a_coil_that_falls_off(image: np.ndarray) -> None:
    fall = np.exp(-np.arange(image.shape[1]) / 25.0)[None, :, None]
    plain, shaded = (mr_channels(mr_units(v))[1] for v in (image, image * fall))
    assert np.corrcoef(plain.ravel(), shaded.ravel())[0, 1] > 0.8


def test_an_empty_volume_gives_numbers() -> None:
    assert np.isfinite(mr_channels(mr_units(np.zeros((8, 8, 8), np.int16)))).all()


def test_ct_stays_in_hounsfield_units_and_mr_becomes_units(image: np.ndarray) -> None:
    grid = Grid(image.shape, np.eye(4))
    ct = Volume((1000 * image).astype(np.int16), grid, Modality.CT)
    mr = Volume((1000 * image).astype(np.int16), grid, Modality.MR)
    assert prepared(ct) is ct
    np.testing.assert_array_equal(prepared(mr).array, mr_units(mr.array))
    assert prepared(mr).grid is grid
    assert look_of(Modality.CT).channels is hu_channels
    assert look_of(Modality.MR).channels is mr_channels
