"""From a file to the raw bytes of the wanted elements, stopping before the pixels.

`walk` drives pydicom's element generator itself: `dcmread` builds three data sets per file, which costs more
than the walk (scripts/benchmark_pipeline.py measures it). The unusual goes to `walk_any`, which is `dcmread`.
"""

from __future__ import annotations

from typing import BinaryIO, NamedTuple

from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.filereader import data_element_generator

from spineimg.dicom import tags

DEFLATED_SYNTAX = "1.2.840.10008.1.2.1.99"
IMPLICIT_LE = "1.2.840.10008.1.2"
EXPLICIT_LE = "1.2.840.10008.1.2.1"
EXPLICIT_BE = "1.2.840.10008.1.2.2"
NATIVE = frozenset({IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE, DEFLATED_SYNTAX})

PREAMBLE_BYTES = 132
MEDIA_CLASS = 0x00020002
SYNTAX = 0x00020010
PIXELS = frozenset({0x7FE00010, 0x7FE00009, 0x7FE00008})


class Walked(NamedTuple):
    """Raw values of the wanted elements, and how they were written."""

    raw: dict[int, bytes]
    implicit: bool
    little: bool
    declared: str
    """Transfer syntax by the meta group; empty where there is none."""
    media_class: str


def walk(stream: BinaryIO) -> Walked | None:
    """Read the wanted elements of a file with preamble; None where it needs `walk_any`.

    The stream is left before the pixel element.
    """
    stream.seek(PREAMBLE_BYTES)
    meta = _values(
        data_element_generator(stream, is_implicit_VR=False, is_little_endian=True, stop_when=_after_meta)
    )
    declared = _uid(meta.get(SYNTAX))
    if not declared or declared == DEFLATED_SYNTAX:
        return None
    implicit, little = declared == IMPLICIT_LE, declared != EXPLICIT_BE
    peek = stream.read(6)
    stream.seek(-len(peek), 1)
    if implicit == (peek[4:].isalpha() and peek[4:].isupper()):
        return None  # not written as declared
    raw = _values(
        data_element_generator(
            stream, implicit, little, stop_when=_at_pixels, specific_tags=tags.WANTED_NUMBERS
        )
    )
    return Walked(raw, implicit, little, declared, _uid(meta.get(MEDIA_CLASS)))


def walk_any(stream: BinaryIO) -> Walked:
    """Read the wanted elements of any file that pydicom can make sense of."""
    dataset = dcmread(stream, force=True, stop_before_pixels=True, specific_tags=list(tags.WANTED_NUMBERS))
    implicit, little = dataset.original_encoding
    for element in dataset.values():
        if isinstance(element, RawDataElement):  # pydicom switches where the declared syntax is wrong
            implicit, little = element.is_implicit_VR, element.is_little_endian
            break
    raw = {int(tag): element.value for tag, element in dataset.items() if isinstance(element.value, bytes)}
    meta = dataset.file_meta
    declared, media = (str(meta.get(name, "")) for name in ("TransferSyntaxUID", "MediaStorageSOPClassUID"))
    return Walked(raw, bool(implicit), bool(little), declared, media)


def _values(elements: object) -> dict[int, bytes]:
    return {int(e.tag): e.value for e in elements if type(e.value) is bytes}  # type: ignore[attr-defined]


def _uid(raw: bytes | None) -> str:
    return (raw or b"").decode("ascii", "replace").strip(" \0")


def _after_meta(tag: int, vr: str | None, length: int) -> bool:
    return tag >> 16 != 2


def _at_pixels(tag: int, vr: str | None, length: int) -> bool:
    return tag in PIXELS
