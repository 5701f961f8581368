"""A CT series written file by file with pydicom alone: nothing of it comes from the code under test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"


@dataclass
class Recipe:
    """What a written series is; ``edit(dataset, index)`` changes one file before it is saved."""

    slices: int = 5
    origin: tuple[float, float, float] = (-10.0, -20.0, -30.0)
    orientation: tuple[float, ...] = (1, 0, 0, 0, 1, 0)
    step: tuple[float, float, float] = (0.0, 0.0, 2.5)
    spacing: tuple[float, float] = (0.8, 0.6)
    patient_id: str = "PAT-4711"
    study_uid: str = field(default_factory=generate_uid)
    series_uid: str = field(default_factory=generate_uid)
    stored: np.ndarray | None = None
    edit: Callable[[Dataset, int], None] = lambda dataset, index: None


def stored_pixels(slices: int) -> np.ndarray:
    """(slices, 6 rows, 4 columns), every voxel its own value: 1000 + 100 slice + 10 row + column."""
    k, r, c = np.indices((slices, 6, 4))
    return (1000 + 100 * k + 10 * r + c).astype(np.uint16)


def write_series(folder: Path, recipe: Recipe) -> list[Path]:
    """Write one file per slice; returns their paths in order."""
    folder.mkdir(parents=True, exist_ok=True)
    pixels = stored_pixels(recipe.slices) if recipe.stored is None else recipe.stored
    frame = generate_uid()
    paths = []
    for index in range(recipe.slices):
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = CT_CLASS
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        dataset.update(_image(recipe, index, pixels[index]))
        dataset.FrameOfReferenceUID = frame
        recipe.edit(dataset, index)
        path = folder / f"slice{index}"
        dataset.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def _image(recipe: Recipe, index: int, pixels: np.ndarray) -> Dataset:
    values: dict[str, Any] = {
        "PatientID": recipe.patient_id,
        "PatientName": "Muster^Maria",
        "StudyDate": "20240301",
        "Modality": "CT",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "SeriesDescription": "spine",
        "StudyInstanceUID": recipe.study_uid,
        "SeriesInstanceUID": recipe.series_uid,
        "ImagePositionPatient": [o + index * s for o, s in zip(recipe.origin, recipe.step, strict=True)],
        "ImageOrientationPatient": list(recipe.orientation),
        "PixelSpacing": list(recipe.spacing),
        "Rows": pixels.shape[0],
        "Columns": pixels.shape[1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
        "RescaleSlope": 1,
        "RescaleIntercept": -1024,
        "PixelData": pixels.tobytes(),
    }
    dataset = Dataset()
    for name, value in values.items():
        setattr(dataset, name, value)
    dataset["PixelData"].VR = "OW"
    return dataset


@pytest.fixture
def recipe() -> Recipe:
    return Recipe()
