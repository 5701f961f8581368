"""Which series is read when nobody says, when somebody does, and what is refused."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from spineimg import dicom
from spineimg.core.errors import InputRefused, SpineimgError, UsageError
from spineimg.core.settings.reading import ReadingSettings
from spineimg.dicom.ranking import is_sharp, plane_name
from tests.dicom.conftest import Recipe, write_series

SETTINGS = ReadingSettings()


def with_tags(**values: object) -> Recipe:
    def edit(dataset: Dataset, index: int) -> None:
        for name, value in values.items():
            setattr(dataset, name, value)

    return Recipe(edit=edit)


def refused(folder: Path, series_uid: str | None = None) -> SpineimgError:
    with pytest.raises(SpineimgError) as refusal:
        dicom.load(folder, SETTINGS, series_uid)
    return refusal.value


def test_two_patients_are_refused_without_naming_them_and_one_can_be_chosen(tmp_path: Path) -> None:
    first, second = Recipe(), Recipe(patient_id="PAT-9999")
    write_series(tmp_path / "a", first)
    write_series(tmp_path / "b", second)
    refusal = refused(tmp_path)
    assert refusal.code == "mixed-patients"
    assert "--series UID" in refusal.remedy
    assert first.series_uid in refusal.remedy
    assert second.series_uid in refusal.remedy
    found = dicom.scan(tmp_path, SETTINGS)
    volume = dicom.load(tmp_path, SETTINGS, second.series_uid)
    assert volume.origin.patient_id == "PAT-9999"
    for text in (str(refusal), repr(refusal), repr(found), repr(volume.origin)):
        assert "PAT-" not in text
        assert "Muster" not in text


def test_two_studies_are_refused_and_one_can_be_chosen(tmp_path: Path) -> None:
    first, second = Recipe(), Recipe()
    write_series(tmp_path / "a", first)
    write_series(tmp_path / "b", second)
    refusal = refused(tmp_path)
    assert refusal.code == "mixed-studies"
    assert dicom.load(tmp_path, SETTINGS, first.series_uid).origin.study_uid == first.study_uid


def test_one_series_uid_in_two_studies_needs_the_study_before_it(tmp_path: Path) -> None:
    first, second = Recipe(series_uid="1.2.3"), Recipe(series_uid="1.2.3")
    write_series(tmp_path / "a", first)
    write_series(tmp_path / "b", second)
    assert refused(tmp_path, "1.2.3").code == "mixed-studies"
    volume = dicom.load(tmp_path, SETTINGS, f"{second.study_uid}/1.2.3")
    assert volume.origin.study_uid == second.study_uid
    assert [r.code for r in volume.origin.repairs] == ["series-split"]


def test_the_soft_kernel_comes_before_the_sharp_one_and_both_before_what_is_unfit(tmp_path: Path) -> None:
    study = "1.2.3.4"
    for name, tags in {
        "bone": {"ConvolutionKernel": "B70s"},
        "soft": {"ConvolutionKernel": "B31f"},
        "scout": {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]},
        "mip": {"ImageType": ["DERIVED", "SECONDARY", "MIP"]},
        "pet": {"Modality": "PT", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.128"},
    }.items():
        recipe = with_tags(StudyInstanceUID=study, **tags)
        write_series(tmp_path / name, recipe)
    found = dicom.scan(tmp_path, SETTINGS)
    assert [s.kernel for s in found.series[:2]] == ["B31f", "B70s"]
    assert [s.rank for s in found.series] == [1, 2, 3, 4, 5]
    assert {s.code for s in found.series[2:]} == {
        "localizer-only",
        "projection-image",
        "modality-not-supported",
    }
    assert "sharp kernel B70s" in found.series[1].reason
    assert dicom.load(tmp_path, SETTINGS).origin.series_uid == found.series[0].series_uid


@pytest.mark.parametrize(
    ("kernel", "sharp"),
    [
        ("B30f", False), ("B35f", False), ("Br40d", False), ("I31f", False), ("STANDARD", False),
        ("SOFT", False), ("FC08", False), ("FC18", False), ("B", False), ("", False),
        ("B70s", True), ("Br64", True), ("BONE", True), ("BONEPLUS", True), ("LUNG", True), ("FC30", True),
        ("FC51", True), ("FC81", True), ("YD", True),
    ],
)  # fmt: skip
def test_kernels_for_edges_are_known_by_name(kernel: str, *, sharp: bool) -> None:
    assert is_sharp(kernel) is sharp


@pytest.mark.parametrize(
    ("orientation", "name"),
    [
        ((1, 0, 0, 0, 1, 0), "axial"),
        ((0, 1, 0, 0, 0, -1), "sagittal"),
        ((1, 0, 0, 0, 0, -1), "coronal"),
        ((1, 0, 0, 0, 0.7, 0.7), "oblique"),
        ((0, 0, 0, 0, 0, 0), "unknown plane"),
        ((), "unknown plane"),
    ],
)
def test_planes_are_named_by_their_normal(orientation: tuple[float, ...], name: str) -> None:
    assert plane_name(orientation) == name


def test_a_zip_reads_like_its_folder(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "deep" / "er", Recipe())
    with zipfile.ZipFile(tmp_path / "scan.zip", "w") as archive:
        for path in paths:
            archive.write(path, f"any/where/{path.name}")
        archive.writestr("README.txt", "burned for you")
    from_zip = dicom.load(tmp_path / "scan.zip", SETTINGS)
    from_folder = dicom.load(tmp_path / "deep", SETTINGS)
    np.testing.assert_array_equal(from_zip.array, from_folder.array)
    assert from_zip.origin.digest == from_folder.origin.digest
    assert [r.code for r in from_zip.origin.repairs] == ["files-skipped"]
    assert "README.txt" in from_zip.origin.repairs[0].message


def test_scanning_decodes_no_pixel(tmp_path: Path) -> None:
    def broken(dataset: Dataset, index: int) -> None:
        dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.80"
        dataset.PixelData = b"\xfe\xff\x00\xe0\0\0\0\0\xfe\xff\x00\xe0\4\0\0\0abcd\xfe\xff\xdd\xe0\0\0\0\0"
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True

    write_series(tmp_path, Recipe(edit=broken))
    assert dicom.scan(tmp_path, SETTINGS).series[0].fit
    assert refused(tmp_path).code == "undecodable-pixels"


def test_each_bad_input_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "pdfs").mkdir()
    (tmp_path / "pdfs" / "letter.dcm").write_bytes(b"%PDF-1.7 nothing to see")
    cut = write_series(tmp_path / "cut", Recipe())[2]
    cut.write_bytes(cut.read_bytes()[:-10])
    torn = write_series(tmp_path / "torn", Recipe(slices=3))
    for path in torn:
        path.write_bytes(path.read_bytes()[:300])
    write_series(tmp_path / "us", with_tags(Modality="US", SOPClassUID="1.2.840.10008.5.1.4.1.1.6.1"))
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 not really")
    expected = {
        "nowhere": "no-such-path",
        "empty": "no-dicom-files",
        "pdfs": "no-dicom-files",
        "cut": "truncated-pixels",
        "torn": "unreadable-file",
        "us": "modality-not-supported",
        "broken.zip": "no-dicom-files",
    }
    found = {name: refused(tmp_path / name) for name in expected}
    assert {name: refusal.code for name, refusal in found.items()} == expected
    for name, refusal in found.items():
        assert "\n" not in str(refusal)
        assert name in str(refusal) or cut.name in str(refusal)
        assert refusal.remedy
    assert isinstance(found["nowhere"], UsageError)
    assert isinstance(found["cut"], InputRefused)


def test_an_unknown_series_is_a_usage_error(tmp_path: Path) -> None:
    write_series(tmp_path, Recipe())
    refusal = refused(tmp_path, "9.9.9")
    assert refusal.code == "no-such-series"
    assert refusal.exit_code == 2


def test_importing_the_room_does_not_import_pydicom() -> None:
    code = "import sys, spineimg.dicom; sys.exit('pydicom' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
