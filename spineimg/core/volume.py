"""An image with its place in the patient."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spineimg.core.grid import Grid, sealed


class Modality(enum.Enum):
    """What made the image."""

    CT = "CT"
    MR = "MR"


@dataclass(frozen=True, slots=True)
class Repair:
    """Something that the reader mended or left open, by its code (docs/errors.md)."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Origin:
    """What a volume was read from; dates are ISO, None where unknown."""

    path: str
    series_uid: str = ""
    study_uid: str = ""
    frame_of_reference_uid: str = ""
    patient_id: str | None = field(default=None, repr=False)
    patient_id_issuer: str | None = field(default=None, repr=False)
    study_date: str | None = None
    description: str = ""
    rows: int = 0
    columns: int = 0
    slices: int = 0
    files: int = 0
    digest: str = ""
    repairs: tuple[Repair, ...] = ()
    calibrated: bool = True
    """False where CT values are no HU (no rescale): no lesion typing then."""


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """Array plus place.

    Parameters
    ----------
    array : ndarray, (a, b, c)
        int16 HU for CT; int16 or float32 for MR.
    grid : Grid
        Where the voxels lie.
    modality : Modality
        CT or MR.
    origin : Origin
        What it was read from, with every repair.
    """

    array: NDArray[Any]
    grid: Grid
    modality: Modality
    origin: Origin = field(default_factory=lambda: Origin(path=""))

    def __post_init__(self) -> None:
        if self.array.shape != self.grid.shape:
            raise ValueError(f"array {self.array.shape} and grid {self.grid.shape} differ")
        object.__setattr__(self, "array", sealed(np.asarray(self.array).view()))
