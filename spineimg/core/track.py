"""One patient over time; the fields are those of ``track.json``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from spineimg.core.estimate import Estimate
from spineimg.core.labelmap import Caveat
from spineimg.core.levels import Level
from spineimg.core.measurements import Heights
from spineimg.core.scores import Band, Total

Verdict = Literal["yes", "no", "undetermined"]
Changed = Literal["changed", "unchanged", "undetermined"]
TreatmentKind = Literal["surgery", "cement", "stabilisation", "radiotherapy", "bone_drug"]
EventKind = Literal[
    "new_fracture",
    "progression",
    "fracture_kind_open",
    "new_lesion",
    "sclerosing",
    "crossed_7",
    "crossed_13",
    "surgery",
    "cement",
    "stabilisation",
]
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
    event: Verdict = "undetermined"
    """Extra: new fracture or progression; ``yes`` too for a fracture of which only that is open."""
    height_verdict: Changed = "undetermined"
    """Extra: whether any height changed, up or down, against the smallest detectable change."""
    area_change_points: Estimate | None = None
    """Extra: fall of the body's mid-sagittal area, percent of the earlier one; positive = lost."""
    alignment_from: tuple[int, ...] = ()
    alignment_to: tuple[int, ...] = ()
    """Extra: points for alignment then and now; now judged with the earlier scan, which decides de novo."""
    posterolateral_from: tuple[int, ...] = ()
    posterolateral_to: tuple[int, ...] = ()
    """Extra: points for posterolateral involvement."""
    not_compared: tuple[str, ...] = ()
    """Extra: what of this level could not be compared, each with its reason."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One level on one scan; ``case`` is its index. None: not measured there."""

    case: int
    complete: bool
    heights_mm: Heights
    fall_points: Estimate | None
    """Largest fall of a height since the first scan that shows the level complete, percent of its own."""
    lesion_volume_ml: Estimate | None
    total: Total | None
    band: tuple[Band, ...]


@dataclass(frozen=True, slots=True)
class LevelEvent:
    """First time that something happened at a level: after ``after``, not later than ``by`` (ISO dates).

    A treatment has one date, which stands in both, and ``visit`` None; else ``visit`` is the case that shows
    it first.
    ``competing``: surgery, cement or stabilisation, after which images of the level are not compared.
    """

    kind: EventKind
    after: str
    by: str
    visit: int | None
    competing: bool


@dataclass(frozen=True, slots=True)
class Treatment:
    """What was done, where and when; ``level`` None is the whole patient, ``date`` ISO."""

    level: Level | None
    kind: TreatmentKind
    date: str


@dataclass(frozen=True, slots=True)
class LevelTrack:
    """One level over all its intervals."""

    level: Level
    intervals: tuple[Interval, ...]
    visits: tuple[Visit, ...] = ()
    """Extra: the level on every scan, earliest first."""
    events: tuple[LevelEvent, ...] = ()
    """Extra: first occurrence of each event, by date."""


@dataclass(frozen=True, slots=True)
class Track:
    """One patient over time."""

    patient_key: str
    cases: tuple[TrackedCase, ...]
    matches: tuple[Match, ...]
    levels: tuple[LevelTrack, ...]
    caveats: tuple[Caveat, ...]
    treatments: tuple[Treatment, ...] = ()
    """Extra: what the user said was done between the scans."""
