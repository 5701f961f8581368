"""NIfTI in and out; nibabel alone writes what is read here, and reads what is written."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from spineimg.core.errors import SpineimgError
from spineimg.core.grid import Grid
from spineimg.core.volume import Modality, Volume
from spineimg.storage.nifti import read_mask, read_volume, require_same_grid, write_mask, write_volume

OBLIQUE = np.array(
    [[0.6, 0.1, -0.2, 11.0], [-0.05, 0.7, 0.3, -22.0], [0.1, -0.2, 2.4, 33.0], [0.0, 0.0, 0.0, 1.0]]
)


def write(path: Path, array: np.ndarray, affine: np.ndarray = OBLIQUE) -> Path:
    nibabel.save(nibabel.Nifti1Image(array, affine), path)
    return path


def ct(shape: tuple[int, int, int] = (5, 6, 7)) -> np.ndarray:
    """Air, soft tissue and bone in HU."""
    values = np.full(shape, 40, np.int16)
    values[0], values[1] = -1000, 700
    return values


def code_of(refusal: pytest.ExceptionInfo[SpineimgError]) -> str:
    assert refusal.value.remedy
    return refusal.value.code


def test_lps_is_ras_with_x_and_y_turned_round(tmp_path: Path) -> None:
    volume = read_volume(write(tmp_path / "a.nii.gz", ct()), Modality.CT)
    ras = OBLIQUE @ [1, 2, 3, 1]
    np.testing.assert_allclose(
        volume.grid.to_lps_mm(np.array([1, 2, 3])), [-ras[0], -ras[1], ras[2]], atol=1e-5
    )
    np.testing.assert_array_equal(volume.array, ct())
    assert volume.array.dtype == np.int16


@pytest.mark.parametrize("name", ["out.nii.gz", "out.nii"])
def test_a_volume_comes_back_as_it_was_written_even_sheared(tmp_path: Path, name: str) -> None:
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ OBLIQUE
    volume = Volume(ct(), Grid((5, 6, 7), affine), Modality.CT)
    write_volume(volume, tmp_path / name)
    back = read_volume(tmp_path / name, None)
    assert back.grid.same_place(volume.grid, 1e-4)
    np.testing.assert_array_equal(back.array, volume.array)
    np.testing.assert_allclose(nibabel.load(tmp_path / name).affine, OBLIQUE, atol=1e-5)
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_the_modality_is_asked_for_unless_the_values_are_hu(tmp_path: Path) -> None:
    assert read_volume(write(tmp_path / "ct.nii", ct()), None).modality is Modality.CT
    magnitude = write(tmp_path / "mr.nii", np.abs(ct()))
    phase = np.linspace(-4096, 4094, 5 * 6 * 7).reshape(5, 6, 7).astype(np.int16)
    for path in (magnitude, write(tmp_path / "phase.nii", phase)):
        with pytest.raises(SpineimgError) as refusal:
            read_volume(path, None)
        assert code_of(refusal) == "modality-needed"
        assert refusal.value.exit_code == 2
    assert read_volume(magnitude, Modality.MR).modality is Modality.MR


def test_ct_without_negative_values_claims_no_hu(tmp_path: Path) -> None:
    volume = read_volume(write(tmp_path / "a.nii", ct() + np.int16(1024)), Modality.CT)
    assert not volume.origin.calibrated
    assert [r.code for r in volume.origin.repairs] == ["rescale-missing"]


def test_scaled_and_floating_values_are_read_as_numbers(tmp_path: Path) -> None:
    floats = write(tmp_path / "f.nii", ct().astype(np.float32) + 0.4)
    assert read_volume(floats, Modality.CT).array[0, 0, 0] == -1000
    assert read_volume(floats, Modality.MR).array.dtype == np.float32
    whole = write(tmp_path / "w.nii", np.abs(ct()).astype(np.float64))
    assert read_volume(whole, Modality.MR).array.dtype == np.int16


def test_metres_become_millimetres(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(ct(), np.diag([0.001, 0.001, 0.002, 1.0]))
    image.header.set_xyzt_units("meter")
    nibabel.save(image, tmp_path / "m.nii")
    np.testing.assert_allclose(
        read_volume(tmp_path / "m.nii", Modality.CT).grid.spacing_mm, [1, 1, 2], rtol=1e-6
    )


def test_what_is_no_image_with_a_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.nii.gz").write_text("no gzip")
    write(tmp_path / "four.nii", np.zeros((3, 3, 3, 2), np.int16))
    holes = np.full((3, 3, 3), np.nan, np.float32)
    write(tmp_path / "nan.nii", holes)
    nowhere = nibabel.Nifti1Image(ct(), None)
    nibabel.save(nowhere, tmp_path / "nowhere.nii")
    flat = nibabel.Nifti1Image(ct(), np.eye(4))
    flat.header["srow_z"] = 0
    flat.header["qform_code"] = 0
    (tmp_path / "flat.nii").write_bytes(b"")
    with open(tmp_path / "flat.nii", "wb") as stream:
        flat.header["magic"] = b"n+1"
        flat.header["vox_offset"] = 352
        flat.header.write_to(stream)
        stream.write(b"\0\0\0\0" + ct().tobytes(order="F"))
    whole = write(tmp_path / "whole.nii", ct()).read_bytes()
    (tmp_path / "cut.nii").write_bytes(whole[:-50])
    expected = {
        "text.nii.gz": "unreadable-file",
        "four.nii": "not-three-dimensional",
        "nan.nii": "values-implausible",
        "nowhere.nii": "missing-geometry",
        "flat.nii": "invalid-geometry",
        "cut.nii": "truncated-pixels",
        "absent.nii": "no-such-path",
    }
    for name, code in expected.items():
        with pytest.raises(SpineimgError) as refusal:
            read_volume(tmp_path / name, Modality.CT)
        assert code_of(refusal) == code, name
        assert name in str(refusal.value)


def test_one_trailing_dimension_of_one_is_no_fourth(tmp_path: Path) -> None:
    assert read_volume(write(tmp_path / "a.nii", ct()[..., None]), Modality.CT).grid.shape == (5, 6, 7)


def test_a_mask_comes_back_and_float_labels_are_labels(tmp_path: Path) -> None:
    labels = np.arange(5 * 6 * 7).reshape(5, 6, 7).astype(np.uint8)
    grid = Grid((5, 6, 7), np.diag([1.0, 2.0, 3.0, 1.0]))
    write_mask(labels, grid, tmp_path / "m.nii.gz")
    back, where = read_mask(tmp_path / "m.nii.gz")
    np.testing.assert_array_equal(back, labels)
    assert where.same_place(grid, 1e-4)
    assert nibabel.load(tmp_path / "m.nii.gz").get_data_dtype() == np.uint8
    floats, _ = read_mask(write(tmp_path / "f.nii", labels.astype(np.float64)))
    assert floats.dtype == np.uint8
    np.testing.assert_array_equal(floats, labels)


@pytest.mark.parametrize("value", [-1, 300, 2.5])
def test_values_that_are_no_labels_are_refused(tmp_path: Path, value: float) -> None:
    array = np.zeros((3, 3, 3), np.float32)
    array[1, 1, 1] = value
    with pytest.raises(SpineimgError) as refusal:
        read_mask(write(tmp_path / "a.nii", array))
    assert code_of(refusal) == "mask-not-labels"


def test_a_mask_of_another_grid_is_refused_with_the_difference() -> None:
    grid = Grid((5, 6, 7), np.diag([1.0, 2.0, 3.0, 1.0]))
    moved = grid.affine.copy()
    moved[0, 3] += 4
    require_same_grid(Grid((5, 6, 7), grid.affine + 1e-5 * np.eye(4)), grid, Path("same.nii"))
    for other, said in ((Grid((5, 6, 8), grid.affine), "5 x 6 x 8"), (Grid((5, 6, 7), moved), "4.0 mm")):
        with pytest.raises(SpineimgError, match=said) as refusal:
            require_same_grid(other, grid, Path("mask.nii"))
        assert code_of(refusal) == "mask-grid-differs"
