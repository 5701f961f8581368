"""Visits in their windows, and who kept them all: the population per protocol."""

from __future__ import annotations

from dataclasses import dataclass

from spineimg.trial.joining import Subject
from spineimg.trial.protocol import VisitPlan
from spineimg.trial.records import Visit

POPULATIONS = ("eligible", "per_protocol")


@dataclass(frozen=True, slots=True)
class Schedule:
    """One patient's visits against the plan; ``kept`` when no due window was missed."""

    visits: tuple[Visit, ...]
    due: tuple[str, ...]
    missed: tuple[str, ...]
    followed_until: str

    @property
    def kept(self) -> bool:
        """Whether the patient belongs to the population per protocol."""
        return not self.missed


def schedule(subject: Subject, plan: VisitPlan) -> Schedule:
    """Place each visit in its window, and find the windows that were missed.

    A window is due when it closes up to the end of follow-up: death, else withdrawal, else last contact,
    else (the table gives none) the last scan.
    """
    patient = subject.patient
    visits = tuple(
        Visit(s.date.isoformat(), s.folder, plan.window(subject.day(s.date))) for s in patient.scans
    )
    ends = [
        (subject.clinical.date(column), column)
        for column in ("death_date", "withdrawn_date", "last_contact_date")
        if subject.clinical is not None and subject.clinical.date(column) is not None
    ]
    end, what = ends[0] if ends else (patient.scans[-1].date, "last scan")
    last = subject.day(end) if end is not None else 0
    due = tuple(f"day-{day}" for day in plan.planned_days() if day + plan.window_days <= last)
    seen = {v.window for v in visits}
    return Schedule(visits, due, tuple(w for w in due if w not in seen), f"{what} (day {last})")
