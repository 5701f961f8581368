"""Pain per level and date: read, settled for one scan, scored; contradictions are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from spineimg.core.errors import InputRefused, SpineimgError, UsageError
from spineimg.core.levels import Level
from spineimg.core.scores import Pain
from spineimg.core.settings.scoring import ScoringSettings
from spineimg.scoring import parse_level, parse_pain, read_pain_file, settle_pain

SETTINGS = ScoringSettings()


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("L1", Level.L1),
        ("l1", Level.L1),
        (" Th12 ", Level.T12),
        ("TH 5", Level.T5),
        ("D10", Level.T10),
        ("C07", Level.C7),
        ("T13", Level.T13),
        ("L6", Level.L6),
        ("Sacrum", Level.SACRUM),
        ("s2", Level.S2),
        ("coccyx", Level.COCCYX),
    ],
)
def test_levels_are_read_as_people_write_them(text: str, level: Level) -> None:
    assert parse_level(text) is level


@pytest.mark.parametrize("text", ["", "L7", "C8", "T14", "S6", "X1", "L", "1", "lumbar"])
def test_a_name_of_no_level_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_level(text)
    assert caught.value.code == "level-unknown"
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("word", "points"),
    [("mechanical", (3,)), ("occasional", (1,)), ("none", (0,)), ("unknown", (0, 1, 3)), (None, (0, 1, 3))],
)
def test_points_for_pain(build: Any, word: str | None, points: tuple[int, ...]) -> None:
    column = build.usual().lesion(Level.L1)
    if word is not None:
        column = column.with_pain(Level.L1, word)
    score = column.scored().of(Level.L1)
    assert score.components.pain.possible == points
    assert (score.pain is None) == (word is None)
    assert len(score.components.pain.evidence) == 1


def test_pain_is_parsed_in_any_case_and_says_where_it_came_from() -> None:
    (entry,) = parse_pain(["l1 = Mechanical"], date="20260131")
    assert entry.level is Level.L1
    assert entry.pain == Pain("mechanical", "2026-01-31", "command line")


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ("L1", "pain-syntax"),
        ("L1:mechanical", "pain-syntax"),
        ("L1=severe", "pain-value-unknown"),
        ("L1=", "pain-value-unknown"),
        ("L9=none", "level-unknown"),
    ],
)
def test_bad_words_are_refused_with_a_way_out(item: str, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_pain([item])
    assert caught.value.code == code
    assert caught.value.remedy


def test_the_refusal_of_severe_names_word_level_and_choices() -> None:
    with pytest.raises(UsageError) as caught:
        parse_pain(["L1=severe"])
    assert "'severe'" in caught.value.message
    assert "L1" in caught.value.message
    assert "mechanical, occasional, none or unknown" in caught.value.remedy


def test_a_typing_error_gets_a_hint() -> None:
    with pytest.raises(UsageError, match="did you mean mechanical"):
        parse_pain(["L1=mechanicl"])


@pytest.mark.parametrize(
    "pair", [("mechanical", "none"), ("occasional", "mechanical"), ("none", "occasional")]
)
def test_two_kinds_for_one_level_and_date_are_refused(pair: tuple[str, str]) -> None:
    with pytest.raises(UsageError) as caught:
        parse_pain([f"L1={word}" for word in pair])
    assert caught.value.code == "pain-conflict"
    assert "L1" in caught.value.message


@pytest.mark.parametrize(
    "items", [["L1=none", "L1=none"], ["L1=unknown", "L1=none"], ["L1=none", "L2=mechanical"]]
)
def test_what_does_not_contradict_is_accepted(items: list[str]) -> None:
    settled = settle_pain(parse_pain(items), None, SETTINGS)
    assert settled[Level.L1].value == "none"


def test_a_csv_of_levels_and_dates(tmp_path: Path) -> None:
    file = tmp_path / "pain.csv"
    file.write_text(
        "Level,value,date\nL1,mechanical,2026-01-05\nL1,none,2026-06-01\nT10,Occasional,\n", encoding="utf-8"
    )
    entries = read_pain_file(file)
    assert [(e.level, e.pain.value, e.pain.date, e.pain.source) for e in entries] == [
        (Level.L1, "mechanical", "2026-01-05", "pain.csv"),
        (Level.L1, "none", "2026-06-01", "pain.csv"),
        (Level.T10, "occasional", None, "pain.csv"),
    ]


@pytest.mark.parametrize(
    "content",
    [
        {"L1": "mechanical"},
        [{"level": "L1", "value": "mechanical"}],
        [{"level": "L1", "value": "mechanical", "date": None}],
    ],
)
def test_json_as_an_object_or_as_records(tmp_path: Path, content: Any) -> None:
    file = tmp_path / "pain.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    (entry,) = read_pain_file(file)
    assert (entry.level, entry.pain.value, entry.pain.date) == (Level.L1, "mechanical", None)


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("a.csv", "level,value,colour\nL1,none,red\n", "pain-file-columns"),
        ("a.csv", "level,date\nL1,2026-01-01\n", "pain-file-columns"),
        ("a.csv", "", "pain-file-columns"),
        ("a.csv", "level,value\nL1,none,extra\n", "pain-file-damaged"),
        ("a.csv", "level,value\nL1,severe\n", "pain-value-unknown"),
        ("a.csv", "level,value\nL9,none\n", "level-unknown"),
        ("a.csv", "level,value,date\nL1,none,yesterday\n", "date-invalid"),
        ("a.csv", "level,value,date\nL1,none,2026-01-01\nL1,mechanical,2026-01-01\n", "pain-conflict"),
        ("a.json", "{", "pain-file-damaged"),
        ("a.json", '"L1"', "pain-file-damaged"),
        ("a.json", '[{"level": "L1", "value": 3}]', "pain-file-damaged"),
        ("a.json", '[{"level": "L1", "value": "none", "who": "me"}]', "pain-file-columns"),
    ],
)
def test_a_bad_file_is_refused_by_name(tmp_path: Path, name: str, text: str, code: str) -> None:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputRefused) as caught:
        read_pain_file(file)
    assert caught.value.code == code
    assert caught.value.where == file
    assert name in str(caught.value)


def test_a_file_that_is_not_there_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no-such-path"):
        read_pain_file(tmp_path / "none.csv")
    other = tmp_path / "pain.xlsx"
    other.write_bytes(b"PK")
    with pytest.raises(UsageError, match="pain-file-kind"):
        read_pain_file(other)


def dated(*reports: tuple[str, str | None]) -> list[Any]:
    return [entry for word, date in reports for entry in parse_pain([f"L1={word}"], date)]


@pytest.mark.parametrize(
    ("reports", "scan", "expected"),
    [
        ([("mechanical", None)], "2026-01-01", "mechanical"),
        ([("mechanical", None)], None, "mechanical"),
        ([("mechanical", "2026-01-01"), ("none", "2026-06-01")], "2026-01-03", "mechanical"),
        ([("mechanical", "2026-01-01"), ("none", "2026-06-01")], "2026-05-30", "none"),
        ([("mechanical", "2026-01-01")], "2026-01-31", "mechanical"),  # 30 days: still counts
        ([("mechanical", "2026-01-01")], "2026-02-01", "unknown"),  # 31 days: says nothing
        (
            [("none", "2025-12-31"), ("mechanical", None)],
            "2026-01-01",
            "mechanical",
        ),  # given for this very scan
        ([("unknown", "2026-01-01"), ("none", "2026-01-01")], "2026-01-01", "none"),
    ],
)
def test_the_report_that_belongs_to_the_scan_counts(reports: Any, scan: str | None, expected: str) -> None:
    assert settle_pain(dated(*reports), scan, SETTINGS)[Level.L1].value == expected


def test_pain_that_is_too_old_says_so() -> None:
    pain = settle_pain(dated(("mechanical", "2025-01-01")), "2026-01-01", SETTINGS)[Level.L1]
    assert pain.value == "unknown"
    assert pain.source is not None
    assert "mechanical on 2025-01-01" in pain.source


def test_a_dated_report_contradicts_an_undated_one_of_the_scan_day() -> None:
    with pytest.raises(UsageError, match="pain-conflict"):
        settle_pain(dated(("mechanical", None), ("none", "2026-01-01")), "2026-01-01", SETTINGS)


def test_several_dates_need_the_date_of_the_scan() -> None:
    with pytest.raises(UsageError, match="pain-needs-date"):
        settle_pain(dated(("mechanical", "2026-01-01"), ("none", "2026-06-01")), None, SETTINGS)


@pytest.mark.parametrize("word", ["mechanical", "occasional"])
def test_pain_at_a_level_that_was_not_imaged_is_refused(build: Any, word: str) -> None:
    column = build.column([Level.T12, Level.L1, Level.L2]).lesion(Level.L1).with_pain(Level.C3, word)
    with pytest.raises(SpineimgError) as caught:
        column.scored()
    assert caught.value.code == "pain-level-not-imaged"
    assert "C3" in caught.value.message
    assert "T12 to L2" in caught.value.message


@pytest.mark.parametrize("word", ["none", "unknown"])
def test_no_pain_at_a_level_that_was_not_imaged_does_no_harm(build: Any, word: str) -> None:
    column = build.column([Level.T12, Level.L1, Level.L2]).lesion(Level.L1).with_pain(Level.C3, word)
    assert column.scored().of(Level.L1) is not None


@pytest.mark.parametrize(("given", "imaged"), [(Level.S2, Level.SACRUM), (Level.SACRUM, Level.S1)])
def test_the_sacrum_and_its_parts_stand_in_for_each_other(build: Any, given: Level, imaged: Level) -> None:
    column = build.column([Level.L5, imaged]).lesion(imaged).with_pain(given, "mechanical")
    assert column.scored().of(imaged).components.pain.possible == (3,)


def test_parts_of_an_undivided_sacrum_that_differ_are_refused(build: Any) -> None:
    column = build.column([Level.L5, Level.SACRUM]).lesion(Level.SACRUM)
    with pytest.raises(UsageError, match="pain-conflict"):
        column.with_pain(Level.S1, "mechanical").with_pain(Level.S2, "none").scored()
