"""Vertebral levels: their order, regions, neighbours and mask ids."""

from __future__ import annotations

import enum
import functools


class Region(enum.Enum):
    """Part of the column."""

    CERVICAL = "cervical"
    THORACIC = "thoracic"
    LUMBAR = "lumbar"
    SACRAL = "sacral"


@functools.total_ordering
class Level(enum.Enum):
    """A level from C1 to S5; T13 stands between T12 and L1, L6 between L5 and S1.

    ``SACRUM`` is the undivided sacrum; it takes the place of S1.
    """

    C1 = "C1"
    C2 = "C2"
    C3 = "C3"
    C4 = "C4"
    C5 = "C5"
    C6 = "C6"
    C7 = "C7"
    T1 = "T1"
    T2 = "T2"
    T3 = "T3"
    T4 = "T4"
    T5 = "T5"
    T6 = "T6"
    T7 = "T7"
    T8 = "T8"
    T9 = "T9"
    T10 = "T10"
    T11 = "T11"
    T12 = "T12"
    T13 = "T13"
    L1 = "L1"
    L2 = "L2"
    L3 = "L3"
    L4 = "L4"
    L5 = "L5"
    L6 = "L6"
    SACRUM = "sacrum"
    S1 = "S1"
    S2 = "S2"
    S3 = "S3"
    S4 = "S4"
    S5 = "S5"
    COCCYX = "coccyx"

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Level):
            return NotImplemented
        return _ORDER[self] < _ORDER[other]

    def __str__(self) -> str:
        return self.value

    @property
    def verse_id(self) -> int:
        """Mask id of the VerSe convention."""
        return _VERSE_ID[self]

    @property
    def region(self) -> Region:
        """Cervical, thoracic, lumbar or sacral."""
        if self.value.startswith("C") and self is not Level.COCCYX:
            return Region.CERVICAL
        if self.value.startswith("T"):
            return Region.THORACIC
        return Region.LUMBAR if self.value.startswith("L") else Region.SACRAL

    @property
    def is_vertebra(self) -> bool:
        """True for the presacral vertebrae C1 to L6."""
        return self < Level.SACRUM

    def below(self) -> Level | None:
        """Caudal neighbour in usual anatomy (no T13, no L6; the undivided sacrum stands below L5)."""
        if self in _SACRAL_SEGMENTS:
            number = _SACRAL_SEGMENTS.index(self) + 1
            return _SACRAL_SEGMENTS[number] if number < len(_SACRAL_SEGMENTS) else None
        place = _USUAL.index(self) + 1 if self in _USUAL else _USUAL.index(_STANDS_FOR[self]) + 1
        return _USUAL[place] if place < len(_USUAL) else None

    def above(self) -> Level | None:
        """Cranial neighbour in usual anatomy."""
        if self in _SACRAL_SEGMENTS:
            number = _SACRAL_SEGMENTS.index(self)
            return _SACRAL_SEGMENTS[number - 1] if number > 0 else Level.L5
        place = _USUAL.index(self) if self in _USUAL else _USUAL.index(_STANDS_FOR[self]) + 1
        return _USUAL[place - 1] if place > 0 else None

    @classmethod
    def from_verse_id(cls, verse_id: int) -> Level:
        """Level of a mask id; 26 is the undivided sacrum.

        Raises
        ------
        KeyError
            When the id names no level.
        """
        return _FROM_ID[verse_id]


_ORDER = {level: place for place, level in enumerate(Level)}
_VERSE_ID = {
    **{level: number for number, level in enumerate([m for m in Level if m.value[0] == "C"][:7], 1)},
    **{Level(f"T{n}"): 7 + n for n in range(1, 13)},
    **{Level(f"L{n}"): 19 + n for n in range(1, 7)},
    Level.SACRUM: 26,
    Level.S1: 26,
    Level.COCCYX: 27,
    Level.T13: 28,
    Level.S2: 29,
    Level.S3: 30,
    Level.S4: 31,
    Level.S5: 32,
}
_FROM_ID = {number: level for level, number in _VERSE_ID.items() if level is not Level.S1}
_SACRAL_SEGMENTS = [Level.S1, Level.S2, Level.S3, Level.S4, Level.S5]
_STANDS_FOR = {
    Level.T13: Level.T12,
    Level.L6: Level.L5,
    **dict.fromkeys((*_SACRAL_SEGMENTS, Level.COCCYX), Level.SACRUM),
}
_USUAL = [m for m in Level if m not in _STANDS_FOR]

LEVELS: tuple[Level, ...] = tuple(_USUAL)
"""C1 to L5 and the sacrum, head to foot: the usual column."""
