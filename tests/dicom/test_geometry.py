"""Where voxels land: computed by hand from the headers, and by SimpleITK on real series."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from spineimg import dicom
from spineimg.core.errors import InputRefused
from spineimg.core.settings.reading import ReadingSettings
from tests.dicom.conftest import Recipe, stored_pixels, write_series

SETTINGS = ReadingSettings()


def turned(angles: tuple[float, float, float]) -> np.ndarray:
    """Rotation about x, then y, then z."""
    result = np.eye(3)
    for axis, angle in enumerate(angles):
        c, s = math.cos(angle), math.sin(angle)
        i, j = [(1, 2), (2, 0), (0, 1)][axis]
        step = np.eye(3)
        step[i, i] = step[j, j] = c
        step[i, j], step[j, i] = -s, s
        result = step @ result
    return result


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(angles=st.tuples(*[st.floats(-3.1, 3.1)] * 3), order=st.permutations(range(5)))
def test_every_voxel_lands_where_its_header_says(
    tmp_path_factory: pytest.TempPathFactory, angles: tuple[float, float, float], order: list[int]
) -> None:
    rotation = turned(angles)
    row, column, normal = rotation.T
    recipe = Recipe(orientation=(*row, *column), step=tuple(2.5 * normal))
    folder = tmp_path_factory.mktemp("oblique")
    paths = write_series(folder, recipe)
    for name, index in enumerate(order):
        paths[index].rename(folder / f"z{name}")
    volume = dicom.load(folder, SETTINGS)
    assert volume.array.dtype == np.int16
    for k, r, c in [(0, 0, 0), (4, 5, 3), (2, 1, 3), (3, 4, 0)]:
        # by DICOM PS3.3 C.7.6.2.1.1: column index runs along the row direction by the column spacing
        lps = np.array(recipe.origin) + 2.5 * k * normal + c * 0.6 * row + r * 0.8 * column
        index = volume.grid.to_index(lps)
        np.testing.assert_allclose(index, np.rint(index), atol=1e-4)
        value = volume.array[tuple(np.rint(index).astype(int))]
        assert value == 1000 + 100 * k + 10 * r + c - 1024


@pytest.mark.parametrize("name", ["ct_chest_lidc0001", "ct_abdomen_cptac_c3l00189"])
def test_simpleitk_reads_the_same_values_at_the_same_places(shared: Path, name: str) -> None:
    folder = shared / "data/dicom/good" / name
    volume = dicom.load(folder, SETTINGS)
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    other = reader.Execute()
    theirs = SimpleITK.GetArrayFromImage(other).transpose(2, 1, 0)
    inside = theirs > SETTINGS.padding_hu
    np.testing.assert_array_equal(volume.array[inside], theirs[inside])
    corner = [n - 1 for n in other.GetSize()]
    np.testing.assert_allclose(
        volume.grid.to_lps_mm(np.array(corner)), other.TransformIndexToPhysicalPoint(corner), atol=0.01
    )


@pytest.mark.parametrize("degrees", [-20.0, 12.0])
def test_gantry_tilt_stays_as_shear_whatever_the_tag_says(tmp_path: Path, degrees: float) -> None:
    tilt = math.radians(degrees)

    def wrong_tag(dataset: Dataset, index: int) -> None:
        dataset.GantryDetectorTilt = 0

    orientation = (1, 0, 0, 0, math.cos(tilt), math.sin(tilt))
    write_series(tmp_path, Recipe(orientation=orientation, step=(0, 0, 3.0), edit=wrong_tag))
    volume = dicom.load(tmp_path, SETTINGS)
    np.testing.assert_allclose(volume.grid.affine[:3, 2], [0, 0, 3.0], atol=1e-9)
    (repair,) = volume.origin.repairs
    assert repair.code == "gantry-tilt-corrected"
    assert f"{abs(degrees):.1f} degrees" in repair.message


def test_a_missing_slice_is_named_in_mm_and_slices(tmp_path: Path) -> None:
    write_series(tmp_path, Recipe(slices=7))[3].unlink()
    with pytest.raises(
        InputRefused, match=r"hole of 2\.50 mm \(1 missing at 2\.50 mm\) after slice2"
    ) as refusal:
        dicom.load(tmp_path, SETTINGS)
    assert refusal.value.code == "missing-slices"
    assert "never invented" in refusal.value.remedy


@pytest.mark.parametrize(
    ("shift_mm", "code"), [(0.0, None), (0.05, None), (0.3, "irregular-spacing"), (1.2, "irregular-spacing")]
)
def test_uneven_steps_beyond_rounding_are_refused(tmp_path: Path, shift_mm: float, code: str | None) -> None:
    def shifted(dataset: Dataset, index: int) -> None:
        if index == 2:
            dataset.ImagePositionPatient[2] += shift_mm

    write_series(tmp_path, Recipe(edit=shifted))
    if code is None:
        assert dicom.load(tmp_path, SETTINGS).grid.shape == (4, 6, 5)
        return
    with pytest.raises(InputRefused) as refusal:
        dicom.load(tmp_path, SETTINGS)
    assert refusal.value.code == code


def test_the_same_slice_twice_is_kept_once_and_another_one_there_is_refused(tmp_path: Path) -> None:
    twice = Recipe(slices=6, stored=stored_pixels(5)[[0, 1, 2, 3, 4, 2]])

    def at_third(dataset: Dataset, index: int) -> None:
        if index == 5:
            dataset.ImagePositionPatient = [twice.origin[0], twice.origin[1], twice.origin[2] + 2 * 2.5]

    twice.edit = at_third
    write_series(tmp_path / "same", twice)
    volume = dicom.load(tmp_path / "same", SETTINGS)
    assert volume.grid.shape == (4, 6, 5)
    assert [r.code for r in volume.origin.repairs] == ["duplicate-slices-dropped"]
    assert twice.stored is not None
    twice.stored = twice.stored.copy()
    twice.stored[5, 0, 0] += 40
    write_series(tmp_path / "other", twice)
    with pytest.raises(InputRefused) as refusal:
        dicom.load(tmp_path / "other", SETTINGS)
    assert refusal.value.code == "conflicting-duplicates"
