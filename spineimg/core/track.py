"""One patient over time; the fields are those of ``track.json``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from spineimg.core.estimate import Estimate
from spineimg.core.labelmap import Caveat
from spineimg.core.levels import Level
from spineimg.core.scores import Band, Total

Verdict = Literal["yes", "no", "undetermined"]
LesionResponse = Literal["new", "larger", "smaller", "sclerosing", "stable", "undetermined", "none"]


@dataclass(frozen=True, slots=True)
class TrackedCase:
    """A case of the track; ``path`` as the user gave it."""

    path: str
    study_date: str
    revision: int


@dataclass(frozen=True, slots=True)
class Match:
    """Which level of a case a level of the first case was found to be; agreement 0-1."""

    case: int
    level: Level
    matched_level: Level | None
    shift_mm: float | None
    agreement: float | None


@dataclass(frozen=True, slots=True)
class HeightChange:
    """Fall of each height in points of the earlier scan's own height; positive = lost."""

    anterior: Estimate | None
    middle: Estimate | None
    posterior: Estimate | None


@dataclass(frozen=True, slots=True)
class Interval:
    """One level between two consecutive scans (``from`` and ``to`` in JSON: indices into cases)."""

    from_: int
    to: int
    days: int
    height_change_points: HeightChange
    height_loss_change_points: Estimate | None
    smallest_detectable_points: float | None
    new_fracture: Verdict
    progression: Verdict
    genant_from: tuple[int, ...]
    genant_to: tuple[int, ...]
    lesion_volume_change_ml: Estimate | None
    lesion_response: LesionResponse
    sins_from: Total | None
    sins_to: Total | None
    band_from: tuple[Band, ...]
    band_to: tuple[Band, ...]
    crossed: tuple[int, ...]
    """Limits (7, 13) that the whole range crossed."""
    reason: str | None


@dataclass(frozen=True, slots=True)
class LevelTrack:
    """One level over all its intervals."""

    level: Level
    intervals: tuple[Interval, ...]


@dataclass(frozen=True, slots=True)
class Track:
    """One patient over time."""

    patient_key: str
    cases: tuple[TrackedCase, ...]
    matches: tuple[Match, ...]
    levels: tuple[LevelTrack, ...]
    caveats: tuple[Caveat, ...]
