"""Whole tracks of drawn columns: vertebrae found again, events named, nothing dropped."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from spineimg.core.errors import InputRefused
from spineimg.core.levels import Level
from spineimg.core.settings.tracking import TrackingSettings
from spineimg.core.volume import Modality
from spineimg.tracking import anchor, own_level, track, track_csv
from spineimg.tracking.detectable import Seen, smallest_detectable

SETTINGS = TrackingSettings(shape_spacing_mm=2.0)
LEVELS = [Level.T11, Level.T12, Level.L1, Level.L2, Level.L3]
LATER = {"date": "2026-04-01", "path": "followup"}
TURN = (7.0, -4.0, 9.0)
BROKEN = {"heights": {Level.L1: (16.0, 20.0, 23.0)}, "loss": {Level.L1: (27.0, 40.0)}}


@pytest.fixture(scope="module")
def baseline(drawn):
    return drawn(LEVELS)


@pytest.fixture(scope="module")
def fractured(drawn):
    return drawn(LEVELS, turn_deg=TURN, **BROKEN, **LATER)


def intervals(result):
    return {one.level: one.intervals for one in result.levels}


def test_the_level_that_fractured_is_found_and_no_other(baseline, fractured):
    result = track([baseline, fractured], SETTINGS)
    assert {k: v[0].new_fracture for k, v in intervals(result).items()} == {
        level: "yes" if level is Level.L1 else "no" for level in LEVELS
    }
    event = intervals(result)[Level.L1][0]
    assert event.days == 90
    assert event.height_loss_change_points.value == pytest.approx(100 * 8 / 24)
    assert event.smallest_detectable_points > 0
    scans = [Seen(Modality.CT, 2.0, collapsed) for collapsed in (False, True)]
    measured = smallest_detectable("height", scans, Level.L1).measured
    assert ("smallest-detectable-provisional" in {c.code for c in result.caveats}) is not measured


def test_every_vertebra_is_found_again_in_a_turned_patient(baseline, fractured):
    rows = track([baseline, fractured], SETTINGS).matches
    assert [(m.case, m.level, m.matched_level) for m in rows] == [(1, level, level) for level in LEVELS]
    assert min(m.agreement for m in rows) > 0.9
    assert max(m.shift_mm for m in rows) < 0.5


@pytest.mark.parametrize("moved", [1, -1])
def test_a_count_off_by_one_is_caught_and_corrected(drawn, baseline, moved):
    result = track([baseline, drawn(LEVELS, moved=moved, turn_deg=TURN, **LATER)], SETTINGS)
    assert "level-names-shifted" in {c.code for c in result.caveats}
    names = {m.level: m.matched_level.verse_id - m.level.verse_id for m in result.matches}
    assert names == dict.fromkeys(LEVELS, moved)
    assert {v[0].new_fracture for v in intervals(result).values()} == {"no"}


def test_a_fracture_is_found_under_the_first_scans_name_when_the_count_is_off(drawn, baseline):
    later = drawn(LEVELS, moved=1, **BROKEN, **LATER)
    result = track([baseline, later], SETTINGS)
    assert intervals(result)[Level.L1][0].new_fracture == "yes"
    assert own_level(result, 1, Level.L1) is Level.L2


def test_with_other_shapes_no_verdict_is_given(drawn, baseline):
    """Another spine under the same names: no vertebra is the one it is called."""
    other = drawn([Level.T5, Level.T6, Level.T7, Level.T8, Level.T9], moved=6, **LATER)
    result = track([baseline, other], SETTINGS)
    assert {v[0].new_fracture for v in intervals(result).values()} == {"undetermined"}
    assert all("identity" in v[0].reason for v in intervals(result).values())


@pytest.mark.parametrize(
    ("fields", "word"), [({"cut": [Level.L1]}, "cut by"), ({"cemented": [Level.L1]}, "cement")]
)
def test_what_came_between_leaves_the_level_undetermined(drawn, baseline, fields, word):
    later = drawn(LEVELS, **BROKEN, **fields, **LATER)
    result = intervals(track([baseline, later], SETTINGS))
    assert (result[Level.L1][0].new_fracture, result[Level.L1][0].progression) == (
        "undetermined",
        "undetermined",
    )
    assert word in result[Level.L1][0].reason
    assert result[Level.L1][0].height_loss_change_points is None
    assert result[Level.L2][0].new_fracture == "no"


def test_a_level_out_of_view_stays_in_the_table(drawn, baseline):
    result = intervals(track([baseline, drawn(LEVELS[2:], **LATER)], SETTINGS))
    assert result[Level.T11][0].new_fracture == "undetermined"
    assert "not in view" in result[Level.T11][0].reason
    assert result[Level.L3][0].new_fracture == "no"


def test_no_common_vertebra_is_refused(drawn):
    points = [drawn([Level.T3], spacing_mm=4.0), drawn([Level.L3], spacing_mm=4.0, **LATER)]
    with pytest.raises(InputRefused, match="no-common-level"):
        track(points, SETTINGS)


def test_a_scan_that_cuts_the_level_is_bridged(drawn, baseline, fractured):
    between = drawn(LEVELS[:2], date="2026-02-01", path="between")
    result = intervals(track([baseline, between, fractured], SETTINGS))
    found = [(i.from_, i.to, i.new_fracture) for i in result[Level.L1]]
    assert found == [(0, 1, "undetermined"), (0, 2, "yes"), (1, 2, "undetermined")]


def test_backward_gives_the_opposite(drawn, baseline):
    small = {"heights": {Level.L1: (22.0, 23.0, 24.0)}}
    forward = intervals(track([baseline, drawn(LEVELS, **small, **LATER)], SETTINGS))
    earlier = drawn(LEVELS, **small)
    backward = intervals(track([earlier, drawn(LEVELS, **LATER)], SETTINGS))
    for level in LEVELS:
        for site in ("anterior", "middle", "posterior"):
            there = getattr(forward[level][0].height_change_points, site).value
            back = getattr(backward[level][0].height_change_points, site).value
            assert (1 - there / 100) * (1 - back / 100) == pytest.approx(1)


def test_an_anchor_maps_there_and_back(baseline, fractured):
    found = anchor((baseline, fractured), (Level.L1, Level.L1), SETTINGS)
    points = np.array([[0.0, 0.0, -640.0], [10.0, 20.0, -650.0]])
    there = found.to_later_lps_mm(points)
    np.testing.assert_allclose(found.to_earlier_lps_mm(there), points, atol=1e-6)
    assert found.found.agreement > 0.9


def test_the_table_has_one_row_per_level_and_interval(baseline, fractured):
    result = track([baseline, fractured], SETTINGS)
    rows = list(csv.DictReader(io.StringIO(track_csv(result))))
    assert [row["level"] for row in rows] == [level.value for level in LEVELS]
    assert rows[2]["new_fracture"] == "yes"
    assert rows[2]["from"] == "2026-01-01"
    assert rows[0]["sins_from_low"] == ""
