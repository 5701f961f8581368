"""The benchmark through the network tells a wrong mask from a wrong name."""

from __future__ import annotations

import pytest
from sins_benchmark.network import match, naming

from spineimg.core.levels import Level
from spineimg.core.measurements import Density, Heights, Measurements, VertebraMeasurement

TRUTH = {
    "vertebrae": [
        {"level": "C5", "centre_lps_mm": (0.0, 0.0, 0.0)},
        {"level": "C6", "centre_lps_mm": (0.0, 0.0, -17.0)},
        {"level": "C7", "centre_lps_mm": (0.0, 0.0, -34.0)},
    ]
}
NOTHING = Heights(None, None, None)


def vertebra(level: Level, height_mm: float, *possible: Level) -> VertebraMeasurement:
    return VertebraMeasurement(
        level, level.verse_id, True, (level, *possible), 0.9, (0.0, 0.0, height_mm),
        ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)), NOTHING, NOTHING,
        *(None, None), (), *(None,) * 5, Density(None, None), (),
    )  # fmt: skip


def seen(*vertebrae: VertebraMeasurement) -> Measurements:
    return Measurements(vertebrae, (), ())


def test_a_merged_body_stands_at_one_place_only() -> None:
    ours = seen(vertebra(Level.C6, -8.0), vertebra(Level.C7, -34.0))
    assert match(TRUTH, ours) == {"C5": Level.C6, "C7": Level.C7}


def test_a_far_pair_pushes_no_near_one_away() -> None:
    ours = seen(vertebra(Level.C4, 60.0), vertebra(Level.C5, 1.0), vertebra(Level.C6, -16.0))
    assert match(TRUTH, ours) == {"C5": Level.C5, "C6": Level.C6}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (vertebra(Level.C5, 0.0), "right"),
        (vertebra(Level.C5, 0.0, Level.C6), "flagged"),
        (vertebra(Level.C6, 0.0, Level.C5), "flagged"),
        (vertebra(Level.C6, 0.0), "silent"),
    ],
)
def test_a_wrong_name_is_flagged_or_silent(found: VertebraMeasurement, said: str) -> None:
    ours = seen(found)
    assert naming(match(TRUTH, ours), ours) == {"C5": said}
