"""What the reading room keeps of one image's header."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from spineimg.dicom.files import Source

Vector = tuple[float, float, float]


class PixelFormat(NamedTuple):
    """How the samples are stored; equal for all slices of a usual series."""

    rows: int
    columns: int
    samples: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    photometric: str
    transfer_syntax: str
    frames: int


class PixelPlace(NamedTuple):
    """Where the pixel data lie in their file."""

    offset: int
    """Of the first pixel byte (native) or the offset table (encapsulated); -1: none, -2: deflated."""
    length: int
    """Bytes by the header; -1 where undefined (encapsulated)."""


NO_PIXELS = PixelPlace(-1, 0)
DEFLATED = PixelPlace(-2, 0)


class Patient(NamedTuple):
    """Who it is. Goes into `Origin` for the patient key; never into a message, a log or a repr."""

    identifier: str
    issuer: str
    name_digest: str
    """Digest of the name, to tell two patients without an ID apart."""

    def __repr__(self) -> str:
        return "Patient(...)"

    @property
    def key(self) -> tuple[str, str]:
        """What two files of one patient have in common."""
        return (self.identifier, self.issuer) if self.identifier else ("", self.name_digest)


class Moment(NamedTuple):
    """What can tell repeated images at one position apart."""

    temporal_position: str
    echo: str
    b_value: str
    acquisition: str
    sequence: str
    image_type: str
    stack: str


@dataclass(frozen=True, slots=True)
class Header:
    """One image: a file, or one frame of a multi-frame file. Numbers that the file lacks are None."""

    source: Source
    frame: int
    place: PixelPlace
    format: PixelFormat
    study_uid: str
    series_uid: str
    sop_class: str
    sop_uid: str
    modality: str
    image_type: tuple[str, ...]
    patient: Patient
    position: Vector | None
    orientation: tuple[float, ...] | None
    spacing: tuple[float, float] | None
    """Between rows, between columns (mm), the order of the tag."""
    imager_spacing: bool
    slope: float | None
    intercept: float | None
    padding: tuple[int, int] | None
    """Raw samples (unsigned view) that mean "outside": from, to."""
    thickness: float | None
    declared_spacing: float | None
    frame_of_reference: str
    description: str
    kernel: str
    body_part: str
    study_date: str
    acquisition_time: str
    moment: Moment
    declared_images: int | None
    tilt_tag: float | None
    notes: tuple[str, ...]
    """Codes of what was mended while parsing."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that gives no image, and why."""

    source: Source
    code: str
    reason: str
