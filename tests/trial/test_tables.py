"""Both tables: each bad cell is told with line and column, all at once; unknown columns are refused."""

from __future__ import annotations

import datetime
from importlib import resources
from pathlib import Path

import pytest

from spineimg.core.errors import InputRefused
from spineimg.core.levels import Level
from spineimg.trial.clinical import read_clinical
from spineimg.trial.events import EventRow, read_events
from spineimg.trial.protocol import Protocol, load_protocol

PROTOCOL = load_protocol(None)


def csv_file(folder: Path, text: str, name: str = "clinical.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(
    ("header", "row", "problems"),
    [
        ("patient_key,sex", "a,X", [(2, "sex", "bad-value")]),
        ("patient_key,sex", "a,female", [(2, "sex", "bad-value")]),
        ("patient_key,birth_date", "a,1970-13-01", [(2, "birth_date", "bad-date")]),
        ("patient_key,birth_date", "a,01.02.1970", [(2, "birth_date", "bad-date")]),
        ("patient_key,birth_date", "a,1870-01-01", [(2, "birth_date", "bad-date")]),
        ("patient_key,birth_year", "a,70", [(2, "birth_year", "bad-number")]),
        ("patient_key,age_at_baseline", "a,old", [(2, "age_at_baseline", "bad-number")]),
        ("patient_key,age_at_baseline", "a,-3", [(2, "age_at_baseline", "bad-number")]),
        ("patient_key,age_at_baseline", "a,nan", [(2, "age_at_baseline", "bad-number")]),
        ("patient_key,withdrawn", "a,maybe", [(2, "withdrawn", "bad-value")]),
        (
            "patient_key,sex,withdrawn",
            "a,X,perhaps",
            [(2, "sex", "bad-value"), (2, "withdrawn", "bad-value")],
        ),
        ("patient_key,sex", ",F", [(2, "patient_key", "no-patient-key")]),
        ("patient_key,sex", "a,F,yes", [(2, None, "row-length")]),
        ("patient_key,sex", "a,F\na,F", [(3, "patient_key", "repeated-patient")]),
        ("patient_key,sex", "a,F\n\na,M", [(4, "patient_key", "repeated-patient")]),
        ("patient_key,birth_date,birth_year", "a,1970-01-01,1971", [(2, "birth_year", "cells-contradict")]),
        (
            "patient_key,birth_date,death_date",
            "a,1970-01-01,1960-01-01",
            [(2, "death_date", "cells-contradict")],
        ),
        (
            "patient_key,death_date,last_contact_date",
            "a,2020-01-01,2020-02-01",
            [(2, "last_contact_date", "contact-after-death")],
        ),
        ("patient_key,withdrawn,withdrawn_date", "a,no,2020-02-01", [(2, "withdrawn", "cells-contradict")]),
        ("patient_key,sex", "a,", []),
        ("patient_key,sex", " a , F ", []),
    ],
)
def test_clinical_problems_have_line_and_column(
    tmp_path: Path, header: str, row: str, problems: list[tuple[int, str | None, str]]
) -> None:
    found = read_clinical(csv_file(tmp_path, f"{header}\n{row}\n"), PROTOCOL)
    assert [(p.line, p.column, p.code) for p in found.problems] == problems
    assert all(p.file == "clinical.csv" and p.message for p in found.problems)


def test_every_bad_row_is_told_at_once_and_the_good_cells_stay(tmp_path: Path) -> None:
    text = "patient_key,sex,birth_date\na,X,1970-01-01\nb,F,never\nc,F,1971-02-03\n"
    found = read_clinical(csv_file(tmp_path, text), PROTOCOL)
    assert [(p.line, p.column) for p in found.problems] == [(2, "sex"), (3, "birth_date")]
    assert found.rows["a"].values == {"patient_key": "a", "birth_date": datetime.date(1970, 1, 1)}
    assert found.rows["b"].values == {"patient_key": "b", "sex": "F"}


def test_rows_that_contradict_each_other_leave_the_patient_unknown(tmp_path: Path) -> None:
    found = read_clinical(csv_file(tmp_path, "patient_key,sex\na,F\na,M\n"), PROTOCOL)
    assert found.rows["a"].values == {"patient_key": "a"}


def test_a_line_break_in_a_cell_does_not_shift_line_numbers(tmp_path: Path) -> None:
    found = read_clinical(csv_file(tmp_path, 'patient_key,sex\n"a\nb",F\nc,X\n'), PROTOCOL)
    assert [(p.line, p.column) for p in found.problems] == [(4, "sex")]


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("patient_key,sex,colour\na,F,red\n", "unknown-column", "colour"),
        ("patient_key;sex\na;F\n", "unknown-column", "patient_key;sex"),
        ("patient_key,,sex\na,,F\n", "unknown-column", "(no name)"),
        ("sex\nF\n", "missing-column", "patient_key"),
        ("patient_key,sex,sex\na,F,F\n", "repeated-column", "sex"),
        ("", "table-unreadable", "empty"),
        ('patient_key,sex\n"a,F\n', "table-unreadable", "clinical.csv"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, code: str, words: str) -> None:
    with pytest.raises(InputRefused) as caught:
        read_clinical(csv_file(tmp_path, text), PROTOCOL)
    assert caught.value.code == code
    assert words in caught.value.message


def test_a_file_in_another_encoding_or_none_at_all_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clinical.csv"
    path.write_bytes("patient_key,sex\nM\xfcller,F\n".encode("latin-1"))
    for wrong in (path, tmp_path / "none.csv"):
        with pytest.raises(InputRefused, match="table-unreadable"):
            read_clinical(wrong, PROTOCOL)


def with_column_covariate(folder: Path) -> Protocol:
    shipped = (resources.files("spineimg.trial") / "protocols" / "nct03365973.toml").read_text(
        encoding="utf-8"
    )
    path = folder / "p.toml"
    path.write_text(shipped + '\n[[covariates]]\nname = "bmi"\nsource = "column"\ncolumn = "bmi"\n')
    return load_protocol(path)


def test_a_covariate_of_the_protocol_is_a_column_and_its_absence_another_protocol(tmp_path: Path) -> None:
    protocol = with_column_covariate(tmp_path)
    found = read_clinical(csv_file(tmp_path, "patient_key,bmi\na,23.5\nb,fat\n"), protocol)
    assert found.rows["a"].values["bmi"] == 23.5
    assert [(p.line, p.column, p.code) for p in found.problems] == [(3, "bmi", "bad-number")]
    with pytest.raises(InputRefused) as caught:
        read_clinical(csv_file(tmp_path, "patient_key,sex\na,F\n"), protocol)
    assert caught.value.code == "missing-column"
    assert "another trial's protocol" in caught.value.remedy


def test_parquet_says_the_same_as_csv(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "clinical.parquet"
    columns = {
        "patient_key": ["a", "b"],
        "sex": ["F", "X"],
        "birth_date": [datetime.date(1970, 1, 1), None],
        "birth_year": [None, 1960.0],
        "death_date": [datetime.datetime(2020, 5, 1), None],  # noqa: DTZ001
        "withdrawn": [False, None],
    }
    parquet.write_table(arrow.table(columns), path)
    found = read_clinical(path, PROTOCOL)
    assert found.rows["a"].values == {
        "patient_key": "a",
        "sex": "F",
        "birth_date": datetime.date(1970, 1, 1),
        "death_date": datetime.date(2020, 5, 1),
        "withdrawn": "no",
    }
    assert found.rows["b"].values == {"patient_key": "b", "birth_year": 1960}
    assert [(p.line, p.column) for p in found.problems] == [(3, "sex")]
    (tmp_path / "bad.parquet").write_bytes(b"no parquet")
    with pytest.raises(InputRefused, match="table-unreadable"):
        read_clinical(tmp_path / "bad.parquet", PROTOCOL)


HEADER = "patient_key,level,date,kind,value"


@pytest.mark.parametrize(
    ("row", "problems"),
    [
        ("a,L1,2020-01-01,radiotherapy,", []),
        ("a,,2020-01-01,bone_drug,denosumab", []),
        ("a,l1,2020-01-01,cement,", []),
        ("a,sacrum,2020-01-01,surgery,", []),
        ("a,L9,2020-01-01,surgery,", [(2, "level", "unknown-level")]),
        ("a,L1,2020-02-30,surgery,", [(2, "date", "bad-date")]),
        ("a,L1,,surgery,", [(2, "date", "empty-cell")]),
        ("a,L1,2020-01-01,operation,", [(2, "kind", "bad-value")]),
        (",L1,2020-01-01,surgery,", [(2, "patient_key", "empty-cell")]),
        ("a,L1,2020-01-01,pain,bad", [(2, "value", "bad-value")]),
        ("a,L1,2020-01-01,pain,", [(2, "value", "bad-value")]),
        ("a,L1,2020-01-01,adjudication,maybe", [(2, "value", "bad-value")]),
        ("a,,2020-01-01,adjudication,fracture", [(2, "level", "empty-cell")]),
        (
            "a,L9,yesterday,operation,",
            [(2, "level", "unknown-level"), (2, "date", "bad-date"), (2, "kind", "bad-value")],
        ),
        (
            "a,L1,2020-01-01,pain,none\na,L1,2020-01-01,pain,mechanical",
            [(2, "value", "cells-contradict"), (3, "value", "cells-contradict")],
        ),
        (
            "a,L1,2020-01-01,adjudication,fracture\na,L1,2020-01-01,adjudication,no_fracture",
            [(2, "value", "cells-contradict"), (3, "value", "cells-contradict")],
        ),
    ],
)
def test_event_problems_have_line_and_column(
    tmp_path: Path, row: str, problems: list[tuple[int, str, str]]
) -> None:
    found = read_events(csv_file(tmp_path, f"{HEADER}\n{row}\n", "events.csv"))
    assert [(p.line, p.column, p.code) for p in found.problems] == problems
    assert len(found.rows) == (0 if problems else 1)


def test_no_events_table_is_no_event() -> None:
    assert read_events(None).rows == ()


@pytest.mark.parametrize(
    ("row", "level", "touched"),
    [
        (None, Level.L1, True),
        (Level.L1, Level.L1, True),
        (Level.L1, Level.L2, False),
        (Level.SACRUM, Level.S1, True),
        (Level.S2, Level.SACRUM, True),
        (Level.S1, Level.S2, False),
    ],
)
def test_which_levels_a_row_is_about(row: Level | None, level: Level, touched: bool) -> None:
    event = EventRow("a", row, datetime.date(2020, 1, 1), "cement", None, 2)
    assert event.touches(level) == touched
