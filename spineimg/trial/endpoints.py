"""From scans, procedures, death and readers' verdicts to the outcome of every index level."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from spineimg.core.levels import Level
from spineimg.core.settings.tracking import TrackingSettings
from spineimg.trial.baseline import BaselineLevel
from spineimg.trial.changes import Change, ChangeKind, level_changes, shows_complete
from spineimg.trial.events import EventRow
from spineimg.trial.joining import Subject
from spineimg.trial.protocol import EndpointRule
from spineimg.trial.records import ENDPOINTS, EndpointName, Outcome, Problem

COUNTS: dict[EndpointName, tuple[ChangeKind, ...]] = {
    "new": ("new",),
    "new_or_progression": ("new", "progression", "kind_undetermined"),
}
"""Which changes are an event of which endpoint."""


@dataclass(frozen=True, slots=True)
class Followed:
    """One index level over the whole follow-up.

    ``outcomes`` by the verdicts that count, ``machine_outcomes`` as if no reader had adjudicated;
    ``radiotherapy_day`` may lie before baseline (negative).
    """

    subject: Subject
    baseline: BaselineLevel
    changes: tuple[Change, ...]
    outcomes: tuple[Outcome, ...]
    machine_outcomes: tuple[Outcome, ...]
    radiotherapy_day: int | None

    @property
    def level(self) -> Level:
        """The level."""
        return self.baseline.level

    def outcome(self, endpoint: EndpointName) -> Outcome:
        """Outcome for one endpoint."""
        return next(o for o in self.outcomes if o.endpoint == endpoint)


@dataclass(frozen=True, slots=True)
class _Ends:
    """Day and cause of the earliest competing event of a level."""

    day: int | None
    cause: str | None


def follow(
    subject: Subject,
    baseline: BaselineLevel,
    rule: EndpointRule,
    settings: TrackingSettings,
    events_file: str,
) -> tuple[Followed, tuple[Problem, ...]]:
    """Follow one index level.

    Parameters
    ----------
    subject : Subject
        The patient.
    baseline : BaselineLevel
        The level on the baseline scan.
    rule : EndpointRule
        Procedures that compete.
    settings : TrackingSettings
        Limits of new fracture and progression.
    events_file : str
        Named in problems.
    """
    level = baseline.level
    procedure, problems = _procedure(subject, level, rule)
    scans = [
        s for s in subject.patient.scans if procedure.day is None or subject.day(s.date) <= procedure.day
    ]
    verdicts, unplaced = _adjudications(subject, level, [s.date for s in scans], events_file)
    changes = level_changes(scans, level, verdicts, settings)
    ends = _earlier(procedure, _Ends(subject.death_day, "death"))
    last = max(
        [subject.day(s.date) for s in scans if shows_complete(s, level)]
        + [subject.day(c.later) for c in changes]
        + [0]
    )
    outcomes = tuple(
        _outcome(subject, level, e, [(c, c.kind) for c in changes], (last, ends)) for e in ENDPOINTS
    )
    machine = tuple(
        _outcome(subject, level, e, [(c, c.machine) for c in changes], (last, ends)) for e in ENDPOINTS
    )
    radiotherapy = [
        subject.day(r.date) for r in subject.events if r.kind == "radiotherapy" and r.touches(level)
    ]
    followed = Followed(subject, baseline, changes, outcomes, machine, min(radiotherapy, default=None))
    return followed, (*problems, *unplaced)


def _outcome(
    subject: Subject,
    level: Level,
    endpoint: EndpointName,
    changes: Sequence[tuple[Change, ChangeKind]],
    end: tuple[int, _Ends],
) -> Outcome:
    last, ends = end
    for change, kind in changes:
        if kind in COUNTS[endpoint]:
            left, right = subject.day(change.earlier), subject.day(change.later)
            return Outcome(subject.key, level, endpoint, "event", left, right, kind)
    if ends.day is not None:
        return Outcome(subject.key, level, endpoint, "competing", last, ends.day, ends.cause)
    return Outcome(subject.key, level, endpoint, "censored", last, None, None)


def _earlier(first: _Ends, second: _Ends) -> _Ends:
    if second.day is None or (first.day is not None and first.day <= second.day):
        return first
    return second


def _procedure(subject: Subject, level: Level, rule: EndpointRule) -> tuple[_Ends, list[Problem]]:
    """Earliest competing procedure at the level: from the events table, else the scan that first shows it."""
    rows = [
        r
        for r in subject.events
        if r.kind in rule.competing_procedures and r.touches(level) and subject.day(r.date) >= 0
    ]
    entered = min(((subject.day(r.date), r.kind) for r in rows), default=None)
    for scan in subject.patient.scans:
        vertebra = scan.vertebra(level)
        seen = vertebra.not_scorable if vertebra is not None else None
        day = subject.day(scan.date)
        if seen in ("cement", "implant") and (entered is None or day < entered[0]):
            cause = "cement" if seen == "cement" else "stabilisation"
            if cause not in rule.competing_procedures:
                break
            problem = Problem(
                scan.folder,
                None,
                None,
                "procedure-not-in-events",
                f"{seen} at {level} on {scan.date}, but no row of the events table says so; taken as "
                f"{cause} on that day",
            )
            return _Ends(day, cause), [problem]
    return (_Ends(None, None) if entered is None else _Ends(*entered)), []


def _adjudications(
    subject: Subject, level: Level, dates: Sequence[datetime.date], file: str
) -> tuple[list[EventRow], list[Problem]]:
    """Verdicts whose date is that of a later scan before any procedure; the others are reported."""
    rows = [r for r in subject.events if r.kind == "adjudication" and r.level is level]
    kept = [r for r in rows if r.date in dates[1:]]
    problems = [
        Problem(
            file,
            r.line,
            "date",
            "adjudication-not-placed",
            f"{r.value} of {level} on {r.date}: "
            + (
                "the baseline scan has no earlier one to compare with"
                if r.date in dates
                else "no scan of that date before a procedure at the level"
            )
            + "; the verdict is not used",
        )
        for r in rows
        if r not in kept
    ]
    return kept, problems
