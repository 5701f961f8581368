"""What was done to the patient between the scans, and what it ends."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import get_args

from spineimg.core.errors import UsageError
from spineimg.core.levels import Level
from spineimg.core.track import Treatment, TreatmentKind
from spineimg.scoring import parse_level

KINDS: tuple[TreatmentKind, ...] = get_args(TreatmentKind)
ENDING: tuple[TreatmentKind, ...] = ("surgery", "cement", "stabilisation")
"""After these the images of a level are not compared: competing events (trial.md)."""


def parse_treatments(words: Sequence[str]) -> tuple[Treatment, ...]:
    """Treatments from ``LEVEL=KIND@DATE`` words; ``all=KIND@DATE`` is the whole patient.

    Raises
    ------
    UsageError
        ``treatment-syntax``, ``level-unknown``; surgery, cement and stabilisation need a level.
    """
    return tuple(sorted((_treatment(word) for word in words), key=lambda one: one.date))


def _treatment(word: str) -> Treatment:
    place, _, rest = word.partition("=")
    name, _, day = rest.partition("@")
    kind = next((one for one in KINDS if one == name.strip().lower()), None)
    try:
        date = datetime.date.fromisoformat(day.strip())
    except ValueError:
        date = None
    if kind is None or date is None:
        raise UsageError(
            "treatment-syntax",
            f"'{word}' is not LEVEL=KIND@DATE",
            f"write L1=cement@2025-06-01; KIND is {', '.join(KINDS)}; LEVEL may be all",
        )
    level = None if place.strip().lower() == "all" else parse_level(place)
    if level is None and kind in ENDING:
        raise UsageError("treatment-syntax", f"'{word}' names no level", f"say at which level the {kind} was")
    return Treatment(level, kind, date.isoformat())


def ended_by(level: Level, treatments: Sequence[Treatment], date: datetime.date) -> Treatment | None:
    """First surgery, cement or stabilisation of a level up to and including a day, or None."""
    day = date.isoformat()
    return next((t for t in treatments if t.level is level and t.kind in ENDING and t.date <= day), None)
