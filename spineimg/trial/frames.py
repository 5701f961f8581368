"""A result table: its columns, its rows, and how a cell is written."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Frame:
    """A table that is written as CSV; ``columns`` fixes the order, None is an empty cell."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]

    def csv(self) -> str:
        """Text of the file: comma, one header line, ten significant digits."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([as_cell(row.get(c)) for c in self.columns] for row in self.rows)
        return out.getvalue()

    def where(self, **values: Any) -> list[Mapping[str, Any]]:
        """Rows in which some columns have given values."""
        return [r for r in self.rows if all(r.get(c) == v for c, v in values.items())]


def as_cell(value: Any) -> str:
    """A value as text; whole numbers without a point, no NaN and no infinity."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) or hasattr(value, "dtype"):
        number = float(value)
        if not math.isfinite(number):
            return ""
        return str(int(number)) if number == int(number) and abs(number) < 1e15 else f"{number:.10g}"
    return str(value)


def frame(name: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Frame:
    """Build a table.

    Raises
    ------
    ValueError
        When a row holds a column that the table has not: nothing is dropped.
    """
    kept = tuple(rows)
    for row in kept:
        if unknown := set(row) - set(columns):
            raise ValueError(f"{name}: no column {', '.join(sorted(unknown))}")
    return Frame(name, tuple(columns), kept)
