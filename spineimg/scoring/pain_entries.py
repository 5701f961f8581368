"""Pain as people report it: per level and date, from the command line, CSV or JSON."""

from __future__ import annotations

import csv
import datetime
import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from spineimg.core.errors import InputRefused, SpineimgError, UsageError
from spineimg.core.levels import Level
from spineimg.core.scores import Pain, PainKind
from spineimg.core.settings.scoring import ScoringSettings
from spineimg.scoring.level_names import parse_level

PAIN_KINDS: tuple[PainKind, ...] = get_args(PainKind)
COMMAND_LINE = "command line"
_WORDS = "mechanical, occasional, none or unknown"
_COLUMNS = ("level", "value", "date")


@dataclass(frozen=True, slots=True)
class PainEntry:
    """Pain of one level as somebody reported it."""

    level: Level
    pain: Pain


def parse_pain(
    items: Sequence[str], date: str | None = None, source: str = COMMAND_LINE
) -> tuple[PainEntry, ...]:
    """Pain from ``LEVEL=KIND`` words, any case.

    Parameters
    ----------
    items : sequence of str
        Such as ``L1=mechanical``.
    date : str or None
        ISO date of all of them; None: they belong to the scan that is scored.
    source : str
        Who gave them.

    Raises
    ------
    UsageError
        ``pain-syntax``, ``level-unknown``, ``pain-value-unknown`` or ``pain-conflict``.
    """
    entries = []
    for item in items:
        name, sign, word = item.partition("=")
        if not sign:
            raise UsageError(
                "pain-syntax", f"'{item}' is not LEVEL=KIND", f"write L1=mechanical; KIND is {_WORDS}"
            )
        entries.append(PainEntry(parse_level(name), Pain(_kind(word, name.strip()), _date(date), source)))
    refuse_conflicts(entries)
    return tuple(entries)


def read_pain_file(path: Path) -> tuple[PainEntry, ...]:
    """Pain per level and date from CSV (columns level, value, date) or JSON.

    JSON is a list of such records, or an object from level to value. No date: the scan that is scored.

    Raises
    ------
    UsageError
        ``no-such-path`` or ``pain-file-kind``.
    InputRefused
        ``pain-file-damaged``, ``pain-file-columns``, ``level-unknown``, ``pain-value-unknown``,
        ``date-invalid`` or ``pain-conflict``, each with the file.
    """
    if not path.is_file():
        raise UsageError("no-such-path", f"no pain file {path}", "give the path of a CSV or JSON file", path)
    readers = {".csv": _csv_rows, ".json": _json_rows}
    if path.suffix.lower() not in readers:
        raise UsageError("pain-file-kind", f"{path} is neither CSV nor JSON", "name it .csv or .json", path)
    try:
        rows = readers[path.suffix.lower()](path)
        entries = tuple(_entry(row, path) for row in rows)
        refuse_conflicts(entries)
    except SpineimgError as error:
        if isinstance(error, InputRefused):
            raise
        raise InputRefused(error.code, f"{error.message}, in {path}", error.remedy, path) from None
    except (ValueError, UnicodeDecodeError, csv.Error) as error:
        raise InputRefused(
            "pain-file-damaged",
            f"{path} cannot be read: {error}",
            "write columns level, value, date, or JSON records of them",
            path,
        ) from None
    return entries


def refuse_conflicts(entries: Iterable[PainEntry]) -> None:
    """Refuse two different kinds of pain for one level and date; ``unknown`` contradicts nothing.

    Raises
    ------
    UsageError
        ``pain-conflict``.
    """
    said: dict[tuple[Level, str | None], PainKind] = {}
    for entry in entries:
        if entry.pain.value == "unknown":
            continue
        first = said.setdefault((entry.level, entry.pain.date), entry.pain.value)
        if first != entry.pain.value:
            when = f" on {entry.pain.date}" if entry.pain.date else ""
            raise UsageError(
                "pain-conflict",
                f"pain at {entry.level}{when} is given as {first} and as {entry.pain.value}",
                "keep one of the two",
            )


def settle_pain(
    entries: Sequence[PainEntry], study_date: str | None, settings: ScoringSettings
) -> dict[Level, Pain]:
    """One pain per level: of the reports, the one that belongs to this scan.

    A report without date belongs to the scan. Of dated ones the nearest counts; further away than
    ``settings.pain_days`` the pain is unknown, and its source says why. Where the scan has no date, a level
    with reports of several dates is refused.

    Raises
    ------
    UsageError
        ``pain-conflict`` (also between a report without date and one of the study date), ``pain-needs-date``.
    """
    day = _date(study_date)
    here = [PainEntry(e.level, Pain(e.pain.value, e.pain.date or day, e.pain.source)) for e in entries]
    refuse_conflicts(here)
    explicit = {e.level for e in entries if e.pain.date is None}
    settled: dict[Level, Pain] = {}
    for level in sorted({entry.level for entry in here}):
        reports = [entry.pain for entry in here if entry.level is level]
        if level in explicit:
            reports = [pain for pain in reports if pain.date == day]
        settled[level] = _nearest(level, reports, day, settings)
    return settled


def _nearest(level: Level, reports: Sequence[Pain], day: str | None, settings: ScoringSettings) -> Pain:
    known = [pain for pain in reports if pain.value != "unknown"] or list(reports)
    if day is None:
        if len({pain.date for pain in known}) > 1:
            raise UsageError(
                "pain-needs-date",
                f"pain at {level} is given for several dates, and the scan has none",
                "give the date of the scan with --date",
            )
        return known[0]
    scan = datetime.date.fromisoformat(day)

    def distance(pain: Pain) -> int:
        return abs((datetime.date.fromisoformat(pain.date or day) - scan).days)

    best = min(known, key=distance)
    if distance(best) > settings.pain_days:
        source = (
            f"{best.source}: {best.value} on {best.date}, more than {settings.pain_days} days from the scan"
        )
        return Pain("unknown", best.date, source)
    return best


def _kind(word: str, level: str) -> PainKind:
    text = word.strip().lower()
    for kind in PAIN_KINDS:
        if text == kind:
            return kind
    near = difflib.get_close_matches(text, PAIN_KINDS, 1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise UsageError(
        "pain-value-unknown", f"no pain '{word.strip()}', given for {level}", f"{hint}use {_WORDS}"
    )


def _date(text: str | None) -> str | None:
    """ISO date of an ISO or DICOM date."""
    if text is None or not text.strip():
        return None
    try:
        return datetime.date.fromisoformat(text.strip()).isoformat()
    except ValueError:
        raise UsageError("date-invalid", f"no date '{text}'", "write YYYY-MM-DD") from None


def _entry(row: Mapping[str, str], path: Path) -> PainEntry:
    return PainEntry(
        parse_level(row["level"]), Pain(_kind(row["value"], row["level"]), _date(row.get("date")), path.name)
    )


def _refuse_columns(names: Iterable[str], path: Path) -> None:
    found = set(names)
    wrong = sorted(found - set(_COLUMNS)) or sorted({"level", "value"} - found)
    if wrong:
        state = "unknown" if wrong[0] in found else "missing"
        raise InputRefused(
            "pain-file-columns",
            f"{state} column '{wrong[0]}' in {path}",
            f"the columns are {', '.join(_COLUMNS)}",
            path,
        )


def _csv_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        _refuse_columns([str(name).strip().lower() for name in reader.fieldnames or ()], path)
        reader.fieldnames = [str(name).strip().lower() for name in reader.fieldnames or ()]
        rows = list(reader)
    for row in rows:
        if None in row or None in row.values():
            raise ValueError("a row has more or fewer cells than the header")
    return rows


def _json_rows(path: Path) -> list[dict[str, str]]:
    content: Any = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(content, dict):
        content = [{"level": level, "value": value} for level, value in content.items()]
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise ValueError("neither a list of records nor an object from level to value")
    for row in content:
        _refuse_columns(row, path)
        if not all(
            isinstance(cell, str) for name, cell in row.items() if not (name == "date" and cell is None)
        ):
            raise ValueError("level, value and date are texts")
    return content
