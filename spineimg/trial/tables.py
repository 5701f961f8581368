"""Read a CSV or Parquet table as text cells with their line numbers; the header is line 1."""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spineimg.core.errors import InputRefused
from spineimg.trial.libraries import library
from spineimg.trial.records import Problem


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its line, and the text of each cell that is not empty."""

    line: int
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose columns are all known; rows that do not fit the header are in ``problems``."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]


def read_table(path: Path, known: Sequence[str], required: Sequence[str]) -> Table:
    """Read a table; unknown columns are refused by name, empty cells are left out of the row.

    Parameters
    ----------
    path : Path
        ``.csv`` (comma, UTF-8) or ``.parquet``.
    known, required : sequence of str
        Columns that may stand in it, and those that must.

    Raises
    ------
    InputRefused
        ``table-unreadable``, ``unknown-column``, ``missing-column``, ``repeated-column``.
    """
    if path.suffix.lower() in (".parquet", ".pq"):
        columns, lines = _read_parquet(path)
    else:
        columns, lines = _read_csv(path)
    _check_columns(path, columns, known, required)
    rows, problems = [], []
    for line, values in lines:
        if len(values) != len(columns):
            problems.append(
                Problem(
                    path.name,
                    line,
                    None,
                    "row-length",
                    f"{len(values)} cells under {len(columns)} columns; the row is not used",
                )
            )
            continue
        rows.append(Row(line, {c: v for c, v in zip(columns, values, strict=True) if v}))
    return Table(path, tuple(columns), tuple(rows), tuple(problems))


def _check_columns(path: Path, columns: list[str], known: Sequence[str], required: Sequence[str]) -> None:
    unknown = [c or "(no name)" for c in columns if c not in known]
    if unknown:
        raise InputRefused(
            "unknown-column",
            f"{path}: unknown column{'s' if len(unknown) > 1 else ''} {', '.join(unknown)}",
            f"known are {', '.join(known)}; further ones are named by the protocol as covariates",
            path,
        )
    repeated = sorted({c for c in columns if columns.count(c) > 1})
    if repeated:
        raise InputRefused(
            "repeated-column", f"{path}: column {', '.join(repeated)} stands twice", "keep one of them", path
        )
    missing = [c for c in required if c not in columns]
    if missing:
        raise InputRefused(
            "missing-column",
            f"{path}: no column {', '.join(missing)}",
            "add it; a covariate or criterion of the protocol needs its column (is this another "
            "trial's protocol?)",
            path,
        )


def _read_csv(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        columns: list[str] = []
        lines: list[tuple[int, list[str]]] = []
        start = 1
        for values in reader:
            cells = [v.strip() for v in values]
            if not columns:
                columns = cells
            elif any(cells):
                lines.append((start, cells))
            start = reader.line_num + 1
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputRefused(
            "table-unreadable", f"{path}: {error}", "give a CSV with commas, saved as UTF-8, or Parquet", path
        ) from error
    if not columns:
        raise InputRefused(
            "table-unreadable", f"{path}: the table is empty", "its first line names the columns", path
        )
    return columns, lines


def _read_parquet(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    parquet, arrow = library("pyarrow.parquet"), library("pyarrow")
    try:
        table = parquet.read_table(path)
    except (OSError, arrow.ArrowException) as error:
        raise InputRefused(
            "table-unreadable", f"{path}: {error}", "give a Parquet file, or CSV saved as UTF-8", path
        ) from error
    columns = [str(c) for c in table.column_names]
    values = [table.column(i).to_pylist() for i in range(len(columns))]
    lines = [(number + 2, [_as_text(v) for v in row]) for number, row in enumerate(zip(*values, strict=True))]
    return columns, [(n, row) for n, row in lines if any(row)]


def _as_text(value: Any) -> str:
    """One Parquet value as the CSV cell that means the same."""
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime.datetime):
        midnight = value.replace(tzinfo=None).time() == datetime.time()
        return value.date().isoformat() if midnight else value.isoformat()
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
