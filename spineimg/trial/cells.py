"""One cell of a table as a value, or the sentence that says why it is none."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from spineimg.core.levels import Level
from spineimg.trial.records import Problem
from spineimg.trial.tables import Row

T = TypeVar("T")


class BadCell(ValueError):
    """A cell that holds something else than its column allows: ``code`` and sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def as_date(text: str) -> datetime.date:
    """ISO date, not in a year before 1900."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise BadCell("bad-date", f"{text!r} is no date YYYY-MM-DD")
    try:
        date = datetime.date.fromisoformat(text)
    except ValueError as error:
        raise BadCell("bad-date", f"{text!r} is no day of the calendar") from error
    if date.year < 1900:
        raise BadCell("bad-date", f"{text!r} lies before 1900")
    return date


def as_year(text: str) -> int:
    """Four-digit year."""
    if not re.fullmatch(r"(19|20)\d{2}", text):
        raise BadCell("bad-number", f"{text!r} is no year between 1900 and 2099")
    return int(text)


def as_number(text: str) -> float:
    """Finite number with a decimal point."""
    try:
        number = float(text)
    except ValueError as error:
        raise BadCell("bad-number", f"{text!r} is no number") from error
    if not math.isfinite(number):
        raise BadCell("bad-number", f"{text!r} is no finite number")
    return number


def as_age(text: str) -> float:
    """Age in years, 0 to 120."""
    age = as_number(text)
    if not 0 <= age <= 120:
        raise BadCell("bad-number", f"an age of {text} years")
    return age


def as_level(text: str) -> Level:
    """Name of a level as in the case folder (C1 ... S5, sacrum)."""
    try:
        return Level(text) if text == "sacrum" else Level(text.upper())
    except ValueError as error:
        raise BadCell("unknown-level", f"{text!r} is no level; C1 to S5 or sacrum") from error


def as_text(text: str) -> str:
    """Any text."""
    return text


def one_of(*values: str) -> Callable[[str], str]:
    """Reader of a cell that holds one of some words."""

    def read(text: str) -> str:
        if text not in values:
            raise BadCell("bad-value", f"{text!r} is none of {', '.join(values)}")
        return text

    return read


@dataclass(slots=True)
class CellReader:
    """Reads one row after another and collects every problem, so that all are told at once."""

    path: Path
    problems: list[Problem]

    def cell(self, row: Row, column: str, read: Callable[[str], T]) -> T | None:
        """Value of a cell; None where it is empty or bad (then a problem is kept)."""
        text = row.cells.get(column)
        if text is None:
            return None
        try:
            return read(text)
        except BadCell as error:
            self.report(row.line, column, error.code, f"{error}; taken as unknown")
            return None

    def report(self, line: int, column: str | None, code: str, message: str) -> None:
        """Keep a problem of this table."""
        self.problems.append(Problem(self.path.name, line, column, code, message))
