"""The events table: treatments, pain and readers' verdicts, any number of rows a patient."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from spineimg.core.levels import Level
from spineimg.trial.cells import BadCell, CellReader, as_date, as_level, as_text, one_of
from spineimg.trial.records import Problem
from spineimg.trial.tables import read_table

EventKind = Literal["surgery", "cement", "stabilisation", "radiotherapy", "bone_drug", "pain", "adjudication"]
EVENT_KINDS: tuple[EventKind, ...] = (
    "surgery",
    "cement",
    "stabilisation",
    "radiotherapy",
    "bone_drug",
    "pain",
    "adjudication",
)
EVENT_COLUMNS: dict[str, tuple[Callable[[str], Any], str, str]] = {
    "patient_key": (as_text, "text", "pseudonym of the patient, as in case.json"),
    "level": (as_level, "level", "level; empty means the whole patient"),
    "date": (as_date, "date", "day of the event; of an adjudication, the day of the scan that was read"),
    "kind": (one_of(*EVENT_KINDS), "|".join(EVENT_KINDS), "what happened"),
    "value": (
        as_text,
        "text",
        "pain: mechanical|occasional|none|unknown; adjudication: fracture|no_fracture|progression",
    ),
}
"""Column: how a cell is read, what it holds, what it means."""

_VALUES: dict[str, tuple[str, ...]] = {
    "pain": ("mechanical", "occasional", "none", "unknown"),
    "adjudication": ("fracture", "no_fracture", "progression"),
}


_SACRAL = (Level.SACRUM, Level.S1, Level.S2, Level.S3, Level.S4, Level.S5)


@dataclass(frozen=True, slots=True)
class EventRow:
    """One row; ``level`` None is the whole patient; ``value`` counts with pain and adjudication."""

    patient_key: str
    level: Level | None
    date: datetime.date
    kind: EventKind
    value: str | None
    line: int

    def touches(self, level: Level) -> bool:
        """Whether the row is about a level.

        A row of the whole patient is about each; the undivided sacrum and its parts stand for each other.
        """
        same = self.level is level or (
            self.level in _SACRAL and level in _SACRAL and Level.SACRUM in (self.level, level)
        )
        return self.level is None or same


@dataclass(frozen=True, slots=True)
class Events:
    """The whole table; ``file`` None when none was given."""

    file: str | None
    rows: tuple[EventRow, ...]
    problems: tuple[Problem, ...]

    def by_patient(self) -> dict[str, tuple[EventRow, ...]]:
        """Rows of each patient by date."""
        grouped: dict[str, list[EventRow]] = {}
        for row in sorted(self.rows, key=lambda r: (r.date, r.line)):
            grouped.setdefault(row.patient_key, []).append(row)
        return {key: tuple(rows) for key, rows in grouped.items()}


def read_events(path: Path | None) -> Events:
    """Read the events table; a row with a bad cell is not used, and reported.

    Raises
    ------
    InputRefused
        ``table-unreadable``, ``unknown-column``, ``missing-column``, ``repeated-column``.
    """
    if path is None:
        return Events(None, (), ())
    table = read_table(path, tuple(EVENT_COLUMNS), ("patient_key", "date", "kind"))
    reader = CellReader(path, list(table.problems))
    rows: list[EventRow] = []
    for row in table.rows:
        before = len(reader.problems)
        found = {c: _cell(reader, row.line, row.cells, c) for c in EVENT_COLUMNS}
        for column in ("patient_key", "date", "kind"):
            if column not in row.cells:
                reader.report(row.line, column, "empty-cell", f"no {column}; the row is not used")
        allowed = _VALUES.get(str(found["kind"]))
        if allowed is not None and found["value"] not in allowed:
            given = "nothing" if found["value"] is None else repr(found["value"])
            reader.report(
                row.line,
                "value",
                "bad-value",
                f"{found['kind']} needs one of {', '.join(allowed)}, not {given}; the row is not used",
            )
        if found["kind"] == "adjudication" and "level" not in row.cells:
            reader.report(
                row.line, "level", "empty-cell", "an adjudication names its level; the row is not used"
            )
        if len(reader.problems) == before:
            rows.append(
                EventRow(
                    found["patient_key"],
                    found["level"],
                    found["date"],
                    found["kind"],
                    found["value"],
                    row.line,
                )
            )
    kept, contradictions = _without_contradictions(rows, path)
    return Events(path.name, tuple(kept), (*reader.problems, *contradictions))


def _cell(reader: CellReader, line: int, cells: dict[str, str], column: str) -> Any:
    if column not in cells:
        return None
    try:
        return EVENT_COLUMNS[column][0](cells[column])
    except BadCell as error:
        reader.report(line, column, error.code, f"{error}; the row is not used")
        return None


def _without_contradictions(rows: Iterable[EventRow], path: Path) -> tuple[list[EventRow], list[Problem]]:
    """Leave out pain and verdicts that contradict each other for one level and date."""
    groups: dict[tuple[str, str, Level | None, datetime.date], list[EventRow]] = {}
    for row in rows:
        groups.setdefault((row.patient_key, row.kind, row.level, row.date), []).append(row)
    kept: list[EventRow] = []
    problems: list[Problem] = []
    for (_, kind, level, date), group in groups.items():
        if kind in _VALUES and len({r.value for r in group}) > 1:
            lines = ", ".join(str(r.line) for r in group)
            problems.extend(
                Problem(
                    path.name,
                    r.line,
                    "value",
                    "cells-contradict",
                    f"{kind} of {level or 'the whole patient'} on {date} differs between lines "
                    f"{lines}; none is used",
                )
                for r in group
            )
        else:
            kept.extend(group)
    return sorted(kept, key=lambda r: r.line), problems
