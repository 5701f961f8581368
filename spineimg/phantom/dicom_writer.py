"""A volume as DICOM, one file per slice, lossless compressed and marked as synthetic."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, JPEGLSLossless, MRImageStorage, generate_uid

from spineimg.core.volume import Modality, Volume

_NOTE = "Synthetic image of a drawn phantom (spineimg); no patient was examined"
_CT_OFFSET = 1024


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose scan the files say it is; all UIDs follow from these words."""

    patient_id: str
    study_date: str
    """YYYYMMDD."""
    series_description: str
    series_number: int = 1
    study_description: str = "Synthetic spine"
    image_kind: str = "AXIAL"
    """Third value of ImageType."""
    body_part: str = "SPINE"

    def uid(self, *words: str) -> str:
        """A UID that is always the same for the same words."""
        return str(generate_uid(entropy_srcs=["spineimg-phantom", self.patient_id, *words]))


def write_dicom(volume: Volume, folder: Path, *, identity: Identity) -> list[Path]:
    """Write one series.

    Parameters
    ----------
    volume : Volume
        Array axes columns, rows, slices at right angles; int16, HU for CT.
    folder : Path
        Made when absent.
    identity : Identity
        Names, dates and numbers.

    Returns
    -------
    list of Path
        ``IM0001.dcm`` ... in the order of the slices.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for place in range(volume.grid.shape[2]):
        dataset = _slice(volume, place, identity)
        path = folder / f"IM{place + 1:04d}.dcm"
        dataset.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def _slice(volume: Volume, place: int, identity: Identity) -> Dataset:
    study = identity.uid("study", identity.study_date)
    series = identity.uid("series", identity.study_date, str(identity.series_number))
    ct = volume.modality is Modality.CT
    d = Dataset()
    d.SpecificCharacterSet = "ISO_IR 192"
    d.ImageType = ["DERIVED", "SECONDARY", identity.image_kind]
    d.SOPClassUID = CTImageStorage if ct else MRImageStorage
    d.SOPInstanceUID = identity.uid("image", series, str(place))
    d.SyntheticData = "YES"
    d.StudyDate = d.SeriesDate = d.AcquisitionDate = d.ContentDate = identity.study_date
    d.StudyTime = d.SeriesTime = d.AcquisitionTime = d.ContentTime = "120000"
    d.AccessionNumber, d.ReferringPhysicianName = "", ""
    d.Modality = volume.modality.value
    d.Manufacturer, d.ManufacturerModelName, d.SoftwareVersions = "spineimg", "phantom", "1"
    d.StudyDescription, d.SeriesDescription = identity.study_description, identity.series_description
    d.DerivationDescription = _NOTE
    d.PatientName, d.PatientID, d.IssuerOfPatientID = "SPINEIMG^PHANTOM", identity.patient_id, "SPINEIMG"
    d.PatientBirthDate, d.PatientSex, d.QualityControlSubject = "", "O", "YES"
    d.PatientComments = _NOTE
    d.BodyPartExamined, d.PatientPosition = identity.body_part, "HFS"
    d.StudyInstanceUID, d.SeriesInstanceUID = study, series
    d.StudyID, d.SeriesNumber, d.AcquisitionNumber, d.InstanceNumber = (
        "1",
        identity.series_number,
        1,
        place + 1,
    )
    d.FrameOfReferenceUID, d.PositionReferenceIndicator = identity.uid("frame", study), ""
    d.BurnedInAnnotation, d.LossyImageCompression = "NO", "00"
    _geometry(d, volume, place)
    _technique(d, volume)
    _pixels(d, volume.array[:, :, place].T, ct=ct)
    return d


def _geometry(d: Dataset, volume: Volume, place: int) -> None:
    affine, spacing = volume.grid.affine, volume.grid.spacing_mm
    directions = affine[:3, :3] / spacing
    d.ImageOrientationPatient = [_number(v) for v in (*directions[:, 0], *directions[:, 1])]
    d.ImagePositionPatient = [_number(v) for v in affine[:3, 3] + affine[:3, 2] * place]
    d.PixelSpacing = [_number(spacing[1]), _number(spacing[0])]
    d.SliceThickness = _number(spacing[2])
    d.SpacingBetweenSlices = _number(spacing[2])


def _number(value: float) -> str:
    """A decimal string of at most 16 characters."""
    text = f"{float(value):.6f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _technique(d: Dataset, volume: Volume) -> None:
    if volume.modality is Modality.CT:
        d.KVP, d.ConvolutionKernel, d.GantryDetectorTilt = "120", "STANDARD", "0"
        d.RescaleIntercept, d.RescaleSlope, d.RescaleType = str(-_CT_OFFSET), "1", "HU"
        d.WindowCenter, d.WindowWidth = "300", "1500"
        return
    d.ScanningSequence, d.SequenceVariant, d.ScanOptions = "SE", "SK", ""
    d.MRAcquisitionType, d.MagneticFieldStrength = "2D", "1.5"
    late = "T2" in d.SeriesDescription
    d.RepetitionTime, d.EchoTime, d.EchoTrainLength = ("3500", "100", 16) if late else ("600", "10", 1)
    d.WindowCenter, d.WindowWidth = "260", "520"


def _pixels(d: Dataset, rows: np.ndarray[Any, np.dtype[np.int16]], *, ct: bool) -> None:
    stored = (rows.astype(np.int32) + (_CT_OFFSET if ct else 0)).astype(np.uint16)
    d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
    d.Rows, d.Columns = stored.shape
    d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 16, 12, 11, 0
    d.PixelData = np.ascontiguousarray(stored).tobytes()
    d.file_meta = FileMetaDataset()
    d.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    d.file_meta.ImplementationVersionName = "SPINEIMG_PHANTOM"
    d.compress(JPEGLSLossless, generate_instance_uid=False)
