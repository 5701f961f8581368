"""What a compressed frame itself claims to be, before a decoder takes memory for it."""

from __future__ import annotations

JPEG2000_START = b"\xff\x4f\xff\x51"
JPEG_START = b"\xff\xd8"
JPEG_END = b"\xff\xd9"
FRAME_MARKERS = frozenset(
    {*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0), 0xF7}
)
"""Start of frame: JPEG (ITU-T T.81, table B.1) and JPEG-LS (T.87)."""


def frame_size(stream: bytes) -> tuple[int, int] | None:
    """Rows and columns by the code stream of JPEG, JPEG-LS or JPEG 2000; None where it does not say."""
    if stream[:4] == JPEG2000_START and len(stream) >= 24:
        # T.800 A.5.1: length, capabilities, then Xsiz, Ysiz, XOsiz, YOsiz of four bytes each
        x, y, x0, y0 = (int.from_bytes(stream[at : at + 4], "big") for at in range(8, 24, 4))
        return y - y0, x - x0
    if stream[:2] != JPEG_START:
        return None
    at = 2
    while at + 9 <= len(stream) and stream[at] == 0xFF:
        marker = stream[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
        elif marker in FRAME_MARKERS:
            return int.from_bytes(stream[at + 5 : at + 7], "big"), int.from_bytes(
                stream[at + 7 : at + 9], "big"
            )
        else:
            at += 2 + int.from_bytes(stream[at + 2 : at + 4], "big")
    return None


def is_open_ended(stream: bytes) -> bool:
    """Whether a JPEG or JPEG-LS stream lacks its end marker (padding behind it aside)."""
    return stream[:2] == JPEG_START and not stream.rstrip(b"\0").endswith(JPEG_END)
