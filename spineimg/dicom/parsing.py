"""Bytes of a header to `Header`: one pass over the wanted elements, no pixel read.

The walk is pydicom's (walking.py); the values are converted here from its raw elements.
"""

from __future__ import annotations

import hashlib
import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import BinaryIO

from pydicom.charset import convert_encodings, decode_bytes
from pydicom.errors import InvalidDicomError

from spineimg.dicom import tags
from spineimg.dicom.files import Source
from spineimg.dicom.header import (
    DEFLATED,
    NO_PIXELS,
    Header,
    Moment,
    Patient,
    PixelFormat,
    PixelPlace,
    Skipped,
    Vector,
)
from spineimg.dicom.walking import (
    DEFLATED_SYNTAX,
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    NATIVE,
    walk,
    walk_any,
)

UNDEFINED = 0xFFFFFFFF

DAMAGE = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    NotImplementedError,
    EOFError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
)
"""What pydicom and zipfile raise on damaged files; one file never stops the folder."""

MODALITY_OF_CLASS = {
    "1.2.840.10008.5.1.4.1.1.2": "CT",
    "1.2.840.10008.5.1.4.1.1.2.1": "CT",
    "1.2.840.10008.5.1.4.1.1.2.2": "CT",
    "1.2.840.10008.5.1.4.1.1.4": "MR",
    "1.2.840.10008.5.1.4.1.1.4.1": "MR",
    "1.2.840.10008.5.1.4.1.1.4.4": "MR",
}
ENHANCED = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.2.1",
        "1.2.840.10008.5.1.4.1.1.2.2",
        "1.2.840.10008.5.1.4.1.1.4.1",
        "1.2.840.10008.5.1.4.1.1.4.4",
    }
)
NOT_IMAGES = ("1.2.840.10008.5.1.4.1.1.66", "1.2.840.10008.5.1.4.1.1.88", "1.2.840.10008.5.1.4.1.1.11")
"""Roots of classes that are no image series, though some carry pixels: segmentations, reports, states."""
NOT_IMAGE_CLASSES = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.30",
        "1.2.840.10008.5.1.4.1.1.481.2",
        "1.2.840.10008.5.1.4.1.1.481.3",
        "1.2.840.10008.1.3.10",
    }
)


class Elements:
    """Raw elements of one file, with typed access; absent and empty values are ``""`` or None."""

    __slots__ = ("charset", "little", "raw", "replaced")

    def __init__(self, raw: Mapping[int, bytes], *, little: bool) -> None:
        self.raw = raw
        self.little = little
        self.charset: list[str] | None = None
        self.replaced = False

    def text(self, tag: int) -> str:
        """A text value, blanks trimmed, decoded by the file's character set, never failing."""
        raw = self.raw.get(tag)
        if not raw:
            return ""
        if raw.isascii() and b"\x1b" not in raw:
            return raw.decode("ascii").strip(" \0")
        if self.charset is None:
            declared = self.raw.get(tags.CHARACTER_SET, b"").decode("ascii", "replace")
            try:
                self.charset = list(convert_encodings([part.strip(" \0") for part in declared.split("\\")]))
            except LookupError:
                self.charset = ["ascii"]
        try:
            decoded = decode_bytes(raw, self.charset, {ord(c) for c in "\\^="})
        except (LookupError, ValueError):
            decoded = raw.decode("ascii", "replace")
        self.replaced |= "�" in decoded
        return decoded.strip(" \0")

    def floats(self, tag: int) -> tuple[float, ...] | None:
        """Decimal strings; None where absent or no numbers."""
        raw = self.raw.get(tag)
        if not raw:
            return None
        try:
            return tuple(float(part) for part in raw.rstrip(b" \0").split(b"\\"))
        except ValueError:
            return None

    def number(self, tag: int) -> float | None:
        """The first decimal string."""
        values = self.floats(tag)
        return values[0] if values else None

    def short(self, tag: int) -> int | None:
        """An unsigned 16-bit value."""
        raw = self.raw.get(tag)
        if not raw or len(raw) < 2:
            return None
        return int.from_bytes(raw[:2], "little" if self.little else "big")

    def double(self, tag: int) -> float | None:
        """A 64-bit float."""
        raw = self.raw.get(tag)
        if not raw or len(raw) != 8:
            return None
        return float(struct.unpack("<d" if self.little else ">d", raw)[0])


def read_header(source: Source) -> list[Header] | Skipped:
    """Parse one file: a header per image (several for enhanced multi-frame), or why it holds none."""
    if source.size == 0:
        return Skipped(source, "unreadable-file", "empty file")
    try:
        with source.open() as stream:
            return _read(source, stream)
    except InvalidDicomError:
        return Skipped(source, "not-dicom", "not a DICOM file")
    except OSError as fault:
        return Skipped(source, "unreadable-file", fault.strerror or "cannot be read")
    except (RecursionError, MemoryError, OverflowError):
        return Skipped(source, "malformed-file", "cannot be parsed (nested too deep or too long)")
    except DAMAGE as fault:
        return Skipped(source, "malformed-file", f"cannot be parsed ({type(fault).__name__})")


def _read(source: Source, stream: BinaryIO) -> list[Header] | Skipped:
    start = stream.read(132)
    stream.seek(0)
    has_preamble = start[128:] == b"DICM"
    if not has_preamble and start[:4] not in (
        b"\x08\0\0\0",
        b"\x08\0\5\0",
        b"\x08\0\x08\0",
        b"\x02\0\0\0",
        b"\x02\0\x10\0",
    ):
        return Skipped(source, "not-dicom", "not a DICOM file")
    walked = walk(stream) if has_preamble else None
    if walked is None:
        stream.seek(0)
        walked = walk_any(stream)
    raw, implicit, little, declared, media_class = walked
    if media_class == tags.MEDIA_CLASS_DIR:
        return Skipped(source, "dicomdir", "directory of a disc, not needed")
    elements = Elements(raw, little=little)
    syntax, notes = _syntax(declared, implicit=implicit, little=little)
    rows, columns = elements.short(tags.ROWS), elements.short(tags.COLUMNS)
    sop_class = elements.text(tags.SOP_CLASS)
    modality = elements.text(tags.MODALITY)
    if not elements.text(tags.SERIES_UID) or not (sop_class or modality):
        return Skipped(source, "unreadable-file", "header ends early or names no series")
    if rows is None or columns is None or sop_class.startswith(NOT_IMAGES) or sop_class in NOT_IMAGE_CLASSES:
        return Skipped(source, "not-an-image", f"no image ({modality or 'unknown'} object)")
    place = DEFLATED if syntax == DEFLATED_SYNTAX else _pixel_place(stream, implicit=implicit, little=little)
    header = _header(source, elements, syntax, place, notes)
    if header.format.frames > 1 or sop_class in ENHANCED:
        from spineimg.dicom.enhanced import frames_of

        return frames_of(header)
    return [header]


def _syntax(declared: str, *, implicit: bool, little: bool) -> tuple[str, list[str]]:
    """The transfer syntax that was really used, and what had to be corrected."""
    used = IMPLICIT_LE if implicit else EXPLICIT_LE if little else EXPLICIT_BE
    if not declared:
        return used, ["file-meta-missing"]
    if declared in NATIVE - {DEFLATED_SYNTAX} and used != declared:
        return used, ["transfer-syntax-corrected"]
    return declared, []


def _pixel_place(stream: BinaryIO, *, implicit: bool, little: bool) -> PixelPlace:
    """Read the pixel element's own header; the stream stands before it."""
    head = stream.read(8)
    order = "<" if little else ">"
    if len(head) < 8 or struct.unpack(order + "HH", head[:4]) != (0x7FE0, 0x0010):
        return NO_PIXELS
    if implicit:
        length = struct.unpack(order + "L", head[4:])[0]
    elif head[4:6] in (b"OB", b"OW", b"UN"):
        length = struct.unpack(order + "L", stream.read(4))[0]
    else:
        length = struct.unpack(order + "H", head[6:])[0]
    return PixelPlace(stream.tell(), -1 if length == UNDEFINED else length)


def _header(source: Source, e: Elements, syntax: str, place: PixelPlace, notes: list[str]) -> Header:
    sop_class, modality = e.text(tags.SOP_CLASS), e.text(tags.MODALITY)
    if not modality:
        modality = MODALITY_OF_CLASS.get(sop_class, "")
        notes.append("type-inferred")
    elif not sop_class:
        notes.append("type-inferred")
    patient = _patient(e)
    position, orientation, spacing = (
        e.floats(tags.POSITION),
        e.floats(tags.ORIENTATION),
        e.floats(tags.SPACING),
    )
    description = e.text(tags.SERIES_DESCRIPTION)
    kernel, body_part = e.text(tags.KERNEL), e.text(tags.BODY_PART)
    if e.replaced:
        notes.append("character-set-replaced")
    images = e.number(tags.IMAGES_IN_ACQUISITION)
    return Header(
        source=source,
        frame=0,
        place=place,
        format=_format(e, syntax),
        study_uid=e.text(tags.STUDY_UID),
        series_uid=e.text(tags.SERIES_UID),
        sop_class=sop_class,
        sop_uid=e.text(tags.SOP_UID),
        modality=modality,
        image_type=tuple(part.strip().upper() for part in e.text(tags.IMAGE_TYPE).split("\\")),
        patient=patient,
        position=_vector(position),
        orientation=orientation if orientation and len(orientation) == 6 else None,
        spacing=(spacing[0], spacing[1]) if spacing and len(spacing) == 2 else None,
        imager_spacing=tags.IMAGER_SPACING in e.raw,
        slope=e.number(tags.SLOPE),
        intercept=e.number(tags.INTERCEPT),
        padding=_padding(e),
        thickness=e.number(tags.THICKNESS),
        declared_spacing=e.number(tags.SPACING_BETWEEN),
        frame_of_reference=e.text(tags.FRAME_OF_REFERENCE),
        description=description,
        kernel=kernel,
        body_part=body_part,
        study_date=e.text(tags.STUDY_DATE) or e.text(tags.ACQUISITION_DATE) or e.text(tags.SERIES_DATE),
        acquisition_time=e.text(tags.ACQUISITION_DATE) + e.text(tags.ACQUISITION_TIME),
        moment=Moment(
            temporal_position=e.text(tags.TEMPORAL_POSITION),
            echo=e.text(tags.ECHO_NUMBER) + "/" + e.text(tags.ECHO_TIME),
            b_value=str(e.double(tags.B_VALUE) or ""),
            acquisition=e.text(tags.ACQUISITION_NUMBER),
            sequence=e.text(tags.SEQUENCE_NAME),
            image_type=e.text(tags.IMAGE_TYPE),
            stack="",
        ),
        declared_images=int(images) if images and images == images else None,
        tilt_tag=e.number(tags.TILT),
        notes=tuple(notes),
    )


def _patient(e: Elements) -> Patient:
    """Identity; the name leaves this function as a digest only."""
    name = e.raw.get(tags.PATIENT_NAME) or b""
    if not name.isascii():
        e.text(tags.PATIENT_NAME)  # notes undecodable bytes
    birth = e.raw.get(tags.BIRTH_DATE) or b""
    digest = (
        hashlib.sha256(name.strip(b" \0") + b"|" + birth.strip(b" \0")).hexdigest() if name or birth else ""
    )
    return Patient(e.text(tags.PATIENT_ID), e.text(tags.PATIENT_ID_ISSUER), digest)


def _vector(values: tuple[float, ...] | None) -> Vector | None:
    return (values[0], values[1], values[2]) if values and len(values) == 3 else None


def _format(e: Elements, syntax: str) -> PixelFormat:
    allocated = e.short(tags.BITS_ALLOCATED) or 16
    stored = e.short(tags.BITS_STORED) or allocated
    high = e.short(tags.HIGH_BIT)
    frames = e.number(tags.FRAMES)
    return PixelFormat(
        rows=e.short(tags.ROWS) or 0,
        columns=e.short(tags.COLUMNS) or 0,
        samples=e.short(tags.SAMPLES) or 1,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=stored - 1 if high is None else high,
        signed=e.short(tags.PIXEL_REPRESENTATION) == 1,
        photometric=e.text(tags.PHOTOMETRIC),
        transfer_syntax=syntax,
        frames=max(1, int(frames)) if frames and frames == frames else 1,
    )


def _padding(e: Elements) -> tuple[int, int] | None:
    low = e.short(tags.PADDING)
    if low is None:
        return None
    high = e.short(tags.PADDING_LIMIT)
    return (low, low) if high is None else (min(low, high), max(low, high))
