"""What ``trial.json`` holds; the field names are those of the contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from spineimg.core.levels import Level
from spineimg.core.scores import Total

SCHEMA = "spineimg/trial/1"
CriterionVerdict = Literal["met", "not_met", "unknown"]
Eligible = Literal["yes", "no", "unknown"]
EndpointName = Literal["new", "new_or_progression"]
Status = Literal["event", "competing", "censored"]
Unit = Literal["level", "patient"]

ENDPOINTS: tuple[EndpointName, ...] = ("new_or_progression", "new")
UNITS: tuple[Unit, ...] = ("level", "patient")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing in the input that could not be used as it stands; ``line`` counts from 1 with the header."""

    file: str
    line: int | None
    column: str | None
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Visit:
    """One scan of a patient; ``case`` relative to the cohort, ``window`` None outside every window."""

    date: str
    case: str
    window: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """One criterion for one patient, and why."""

    criterion: str
    verdict: CriterionVerdict
    reason: str


@dataclass(frozen=True, slots=True)
class PatientRecord:
    """One patient of the cohort."""

    patient_key: str
    visits: tuple[Visit, ...]
    eligibility: tuple[Verdict, ...]
    eligible: Eligible


@dataclass(frozen=True, slots=True)
class IndexLevel:
    """A level of an eligible patient whose fate the trial follows."""

    patient_key: str
    level: Level
    baseline_total: Total


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an index level, in days since the baseline scan.

    An event lies in (``left_days``, ``right_days``], the two scans. Otherwise ``left_days`` is the last
    scan that shows the level complete; ``right_days`` is the day of the competing event, or None when
    censored.
    """

    patient_key: str
    level: Level
    endpoint: EndpointName
    status: Status
    left_days: int
    right_days: int | None
    cause: str | None


@dataclass(frozen=True, slots=True)
class Analysis:
    """One analysis: on whom, how, by what, and the table beside that holds its numbers."""

    name: str
    population: str
    unit: Unit
    n: int
    events: int
    competing: int
    method: str
    library: str
    table: str | None


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """The whole of ``trial.json``."""

    protocol: dict[str, Any]
    patients: tuple[PatientRecord, ...]
    index_levels: tuple[IndexLevel, ...]
    outcomes: tuple[Outcome, ...]
    analyses: tuple[Analysis, ...]
    problems: tuple[Problem, ...]
