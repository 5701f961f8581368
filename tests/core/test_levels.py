"""Levels: order, ids, neighbours, regions."""

from __future__ import annotations

import itertools

import pytest

from spineimg.core.levels import LEVELS, Level, Region

# Ids of the VerSe convention, as the case folder publishes them.
VERSE_IDS = {
    **{f"C{n}": n for n in range(1, 8)},
    **{f"T{n}": 7 + n for n in range(1, 13)},
    **{f"L{n}": 19 + n for n in range(1, 7)},
    "sacrum": 26,
    "S1": 26,
    "coccyx": 27,
    "T13": 28,
    "S2": 29,
    "S3": 30,
    "S4": 31,
    "S5": 32,
}
HEAD_TO_FOOT = (
    "C1 C2 C3 C4 C5 C6 C7 T1 T2 T3 T4 T5 T6 T7 T8 T9 T10 T11 T12 T13 L1 L2 L3 L4 L5 L6 sacrum S1 S2 S3 "
    "S4 S5 coccyx"
)


def test_levels_stand_head_to_foot() -> None:
    assert " ".join(str(level) for level in sorted(Level)) == HEAD_TO_FOOT
    assert Level.T12 < Level.T13 < Level.L1
    assert Level.L5 < Level.L6 < Level.S1
    assert max(Level.C1, Level.L5) is Level.L5


@pytest.mark.parametrize("level", list(Level))
def test_ids_are_those_of_verse_and_lead_back(level: Level) -> None:
    assert level.verse_id == VERSE_IDS[level.value]
    back = Level.from_verse_id(level.verse_id)
    assert back is (Level.SACRUM if level is Level.S1 else level)  # 26 is the undivided sacrum


@pytest.mark.parametrize("number", [0, -1, 33, 255])
def test_other_ids_name_no_level(number: int) -> None:
    with pytest.raises(KeyError):
        Level.from_verse_id(number)


@pytest.mark.parametrize(
    ("level", "region", "is_vertebra"),
    [
        (Level.C1, Region.CERVICAL, True),
        (Level.C7, Region.CERVICAL, True),
        (Level.T1, Region.THORACIC, True),
        (Level.T13, Region.THORACIC, True),
        (Level.L1, Region.LUMBAR, True),
        (Level.L6, Region.LUMBAR, True),
        (Level.SACRUM, Region.SACRAL, False),
        (Level.S1, Region.SACRAL, False),
        (Level.S5, Region.SACRAL, False),
        (Level.COCCYX, Region.SACRAL, False),
    ],
)
def test_regions(level: Level, region: Region, is_vertebra: bool) -> None:
    assert level.region is region
    assert level.is_vertebra is is_vertebra


def test_the_usual_column_is_a_chain() -> None:
    assert len(LEVELS) == 25
    for upper, lower in itertools.pairwise(LEVELS):
        assert upper.below() is lower
        assert lower.above() is upper
    assert LEVELS[0].above() is None
    assert LEVELS[-1].below() is None


@pytest.mark.parametrize(
    ("level", "above", "below"),
    [
        (Level.T13, Level.T12, Level.L1),
        (Level.L6, Level.L5, Level.SACRUM),
        (Level.S1, Level.L5, Level.S2),
        (Level.S2, Level.S1, Level.S3),
        (Level.S5, Level.S4, None),
        (Level.COCCYX, Level.SACRUM, None),
    ],
)
def test_neighbours_of_levels_outside_the_usual_column(
    level: Level, above: Level, below: Level | None
) -> None:
    assert level.above() is above
    assert level.below() is below


def test_levels_do_not_compare_with_other_things() -> None:
    with pytest.raises(TypeError):
        _ = Level.L1 < "L2"
