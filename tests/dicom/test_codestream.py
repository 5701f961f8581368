"""Compressed frames that claim another size or end early; the bytes are put together by hand."""

from __future__ import annotations

import pytest

from spineimg.dicom.codestream import frame_size, is_open_ended

JPEG_LS = bytes.fromhex("ffd8 fff7 000b 10 0040 0050 01 01 11 00 ffda")
"""Start, then a T.87 frame header: length 11, 16 bits, 64 rows, 80 columns, one component."""
JPEG_WITH_COMMENT = bytes.fromhex("ffd8 fffe 0004 4142 ff ffc3 000b 0c 0200 0100 01 01 11 00")
JPEG_2000 = bytes.fromhex("ff4f ff51 0029 0000 00000052 00000041 00000002 00000001")
"""SIZ with an image of 80 x 64 behind an offset of 2, 1."""


@pytest.mark.parametrize(
    ("stream", "size"),
    [
        (JPEG_LS, (64, 80)),
        (JPEG_WITH_COMMENT, (512, 256)),
        (JPEG_2000, (64, 80)),
        (JPEG_LS[:6], None),
        (b"\xff\xd8\xff\xfe\0\0\0\0\0\0\0\0", None),
        (b"RLE or whatever", None),
        (b"", None),
    ],
)
def test_the_size_is_read_from_the_stream(stream: bytes, size: tuple[int, int] | None) -> None:
    assert frame_size(stream) == size


def test_a_cut_stream_is_known_by_its_missing_end() -> None:
    assert is_open_ended(JPEG_LS)
    assert not is_open_ended(JPEG_LS + b"\xff\xd9")
    assert not is_open_ended(JPEG_LS + b"\xff\xd9\0")
    assert not is_open_ended(JPEG_2000)
