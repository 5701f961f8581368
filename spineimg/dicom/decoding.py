"""Stored samples of one image: native bytes as they are, compressed frames through pydicom's plugins."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import Decoder as PydicomDecoder
from pydicom.pixels.decoders.base import get_decoder

from spineimg.dicom.codestream import frame_size, is_open_ended
from spineimg.dicom.header import DEFLATED, Header
from spineimg.dicom.refusal import refuse
from spineimg.dicom.walking import EXPLICIT_BE, NATIVE

PLUGINS = ("pyjpegls", "pylibjpeg", "pydicom", "gdcm")
"""The plugins of pydicom's decoders, the most robust and fastest first."""


class Decoder:
    """Decodes images one after the other; keeps the last file's bytes, which frames of one file share."""

    def __init__(self) -> None:
        self._path = ""
        self._data = b""
        self._decoders: dict[str, PydicomDecoder] = {}
        self._plugins: dict[str, str] = {}

    def stored(self, header: Header) -> NDArray[Any]:
        """Samples as stored, unsigned view, (rows, columns); little matters which bits are used.

        Raises
        ------
        InputRefused
            truncated-pixels, undecodable-pixels, codec-not-available.
        """
        data = self._bytes(header)
        if header.format.transfer_syntax in NATIVE:
            return _native(header, data)
        return self._compressed(header, data)

    def _bytes(self, header: Header) -> bytes:
        source = header.source
        if self._path == source.path:
            return self._data
        if header.place == DEFLATED:
            with source.open() as stream:
                data = dcmread(stream, force=True).get("PixelData")
            if data is None:
                raise refuse("no-pixel-data", f"{source.name} has no pixel data", header)
        else:
            with source.open() as stream:
                stream.seek(header.place.offset)
                data = stream.read(header.place.length)
        self._path, self._data = source.path, data
        return data  # type: ignore[no-any-return]

    def _compressed(self, header: Header, data: bytes) -> NDArray[Any]:
        pixel = header.format
        decoder = self._decoder(header)
        options: dict[str, Any] = {
            "raw": True,
            "rows": pixel.rows,
            "columns": pixel.columns,
            "samples_per_pixel": 1,
            "bits_allocated": pixel.bits_allocated,
            "bits_stored": pixel.bits_stored,
            "pixel_representation": int(pixel.signed),
            "photometric_interpretation": pixel.photometric or "MONOCHROME2",
            "number_of_frames": pixel.frames,
            "pixel_keyword": "PixelData",
            "decoding_plugin": self._plugins[pixel.transfer_syntax],
        }
        try:
            stream = get_frame(data, header.frame, number_of_frames=pixel.frames)
            if frame_size(stream) not in (None, (pixel.rows, pixel.columns)):
                raise ValueError("frame of another size")
            if is_open_ended(stream):
                # pyjpegls reads on for minutes behind a cut stream; gdcm stops
                options["decoding_plugin"] = "gdcm"
            array, _ = decoder.as_array(data, index=header.frame, **options)
        except Exception as fault:
            # the plugins raise anything from ValueError to RuntimeError on a broken stream
            code = "truncated-pixels" if _ends_early(data) else "undecodable-pixels"
            raise refuse(
                code, f"{header.source.name} cannot be decoded ({decoder.UID.name})", header
            ) from fault
        return array.view(np.dtype(f"u{array.dtype.itemsize}"))

    def _decoder(self, header: Header) -> PydicomDecoder:
        syntax = header.format.transfer_syntax
        if syntax not in self._decoders:
            try:
                decoder = get_decoder(syntax)
            except NotImplementedError as fault:
                raise refuse(
                    "codec-not-available", f"no decoder for transfer syntax {syntax}", header
                ) from fault
            if not decoder.is_available:
                raise refuse("codec-not-available", f"no decoder installed for {decoder.UID.name}", header)
            self._decoders[syntax] = decoder
            available = decoder.available_plugins
            self._plugins[syntax] = next((p for p in PLUGINS if p in available), available[0])
        return self._decoders[syntax]


def _native(header: Header, data: bytes) -> NDArray[Any]:
    pixel = header.format
    count = pixel.rows * pixel.columns
    width = pixel.bits_allocated // 8
    start = header.frame * count * width
    if len(data) < start + count * width:
        raise refuse(
            "truncated-pixels", f"{header.source.name} has fewer bytes than its matrix needs", header
        )
    order = ">" if pixel.transfer_syntax == EXPLICIT_BE else "<"
    samples = np.frombuffer(data, np.dtype(f"{order}u{width}"), count, start).reshape(
        pixel.rows, pixel.columns
    )
    native = "<" if sys.byteorder == "little" else ">"
    return samples if order == native or width == 1 else samples.astype(f"u{width}")


def _ends_early(data: bytes) -> bool:
    """Whether an item of encapsulated data claims more bytes than are left."""
    at = 0
    while at + 8 <= len(data):
        tag, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if tag != b"\xfe\xff\x00\xe0":
            return False
        at += 8 + length
    return at > len(data)
