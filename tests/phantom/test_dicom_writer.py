"""What is written as DICOM comes back the same, and says what it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import UID, JPEGLSLossless

from spineimg.core.levels import Level
from spineimg.core.settings import Settings
from spineimg.dicom import load
from spineimg.phantom import PatientSpec, Phantom, PhantomSpec, ScanSpec, make_phantom
from spineimg.phantom.dicom_writer import Identity, write_dicom

IDENTITY = Identity("SPINEIMG-PHANTOM-T", "20250304", "CT spine, synthetic")


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    scan = ScanSpec(
        seed=2, spacing_mm=(2.0, 1.8, 2.5), width_mm=80, depth_mm=90, margin_mm=0, turn_deg=(4, 2, 3)
    )
    return make_phantom(PhantomSpec(PatientSpec(seed=9), scan, Level.L1, Level.L1))


def test_values_and_places_come_back(phantom: Phantom, tmp_path: Path) -> None:
    paths = write_dicom(phantom.volume, tmp_path / "series", identity=IDENTITY)
    assert len(paths) == phantom.volume.grid.shape[2]
    back = load(tmp_path / "series", Settings().reading)
    assert back.origin.repairs == ()
    assert back.grid.same_place(phantom.volume.grid, 0.01)
    np.testing.assert_array_equal(back.array, phantom.volume.array)


def test_the_files_say_that_they_are_synthetic(phantom: Phantom, tmp_path: Path) -> None:
    dataset = pydicom.dcmread(write_dicom(phantom.volume, tmp_path, identity=IDENTITY)[0])
    assert dataset.SyntheticData == "YES"
    assert dataset.QualityControlSubject == "YES"
    assert str(dataset.PatientName) == "SPINEIMG^PHANTOM"
    assert "no patient" in dataset.DerivationDescription
    assert dataset.file_meta.TransferSyntaxUID == JPEGLSLossless
    assert dataset.LossyImageCompression == "00"


def test_uids_are_valid_and_follow_from_the_identity(phantom: Phantom, tmp_path: Path) -> None:
    first = write_dicom(phantom.volume, tmp_path / "a", identity=IDENTITY)
    second = write_dicom(phantom.volume, tmp_path / "b", identity=IDENTITY)
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
    later = Identity("SPINEIMG-PHANTOM-T", "20250910", "CT spine, synthetic")
    third = write_dicom(phantom.volume, tmp_path / "c", identity=later)
    headers = [pydicom.dcmread(p, stop_before_pixels=True) for p in (first[0], first[1], third[0])]
    assert all(
        UID(h[name].value).is_valid for h in headers for name in ("SOPInstanceUID", "StudyInstanceUID")
    )
    assert headers[0].StudyInstanceUID == headers[1].StudyInstanceUID != headers[2].StudyInstanceUID
    assert len({h.SOPInstanceUID for h in headers}) == 3
    assert len({h.PatientID for h in headers}) == 1
