"""Bring scans, clinical rows and events of one patient together; what doesn't fit is reported."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, replace

from spineimg.trial.clinical import Clinical, ClinicalRow
from spineimg.trial.cohort import Cohort, Patient
from spineimg.trial.events import EventRow, Events
from spineimg.trial.records import Problem


@dataclass(frozen=True, slots=True)
class Subject:
    """One patient with all that is known and usable."""

    patient: Patient
    clinical: ClinicalRow | None
    events: tuple[EventRow, ...]

    @property
    def key(self) -> str:
        """The patient's pseudonym."""
        return self.patient.key

    @property
    def death_day(self) -> int | None:
        """Days from baseline to death."""
        death = self.clinical.date("death_date") if self.clinical is not None else None
        return None if death is None else self.patient.day(death)

    def day(self, date: datetime.date) -> int:
        """Days since the baseline scan."""
        return self.patient.day(date)


def join(
    cohort: Cohort, clinical: Clinical, events: Events
) -> tuple[tuple[Subject, ...], tuple[Problem, ...]]:
    """Join the three by patient.

    Returns
    -------
    subjects : tuple of Subject
        Every patient with at least one usable scan, by key.
    problems : tuple of Problem
        Rows of patients without scans, patients without row, scans and events after death or withdrawal.
    """
    problems: list[Problem] = []
    keys = {p.key for p in cohort.patients}
    by_patient = events.by_patient()
    for given in clinical.rows.values():
        if given.patient_key not in keys:
            problems.append(_unknown_patient(clinical.file, given.line, given.patient_key))
    for event in events.rows:
        if event.patient_key not in keys:
            problems.append(_unknown_patient(events.file or "", event.line, event.patient_key))
    subjects = []
    for patient in cohort.patients:
        row = clinical.rows.get(patient.key)
        if row is None:
            problems.append(
                Problem(
                    patient.baseline.folder,
                    None,
                    "patient_key",
                    "no-clinical-row",
                    f"{patient.key} has no row in {clinical.file}; its clinical criteria stay unknown",
                )
            )
        row, dead = _death_after_baseline(patient, row, clinical.file)
        kept, late = _scans_in_time(patient, row, clinical.file)
        rows, after = _events_in_time(by_patient.get(patient.key, ()), row, events.file or "")
        problems.extend((*dead, *late, *after))
        subjects.append(Subject(kept, row, rows))
    return tuple(subjects), tuple(problems)


def _unknown_patient(file: str, line: int, key: str) -> Problem:
    return Problem(
        file, line, "patient_key", "unknown-patient", f"no case of patient {key}; the row is not used"
    )


def _death_after_baseline(
    patient: Patient, row: ClinicalRow | None, file: str
) -> tuple[ClinicalRow | None, list[Problem]]:
    death = row.date("death_date") if row is not None else None
    if row is None or death is None or death >= patient.baseline.date:
        return row, []
    values = {c: v for c, v in row.values.items() if c != "death_date"}
    problem = Problem(
        file,
        row.line,
        "death_date",
        "scan-after-death",
        f"death {death} before the first scan ({patient.baseline.folder}, {patient.baseline.date}): "
        "one of the dates, or "
        "the patient, is wrong; the date of death is unknown",
    )
    return replace(row, values=values), [problem]


def _scans_in_time(patient: Patient, row: ClinicalRow | None, file: str) -> tuple[Patient, list[Problem]]:
    """Leave out scans after death or withdrawal (never the baseline)."""
    problems: list[Problem] = []
    scans = patient.scans
    for column, code in (("death_date", "scan-after-death"), ("withdrawn_date", "scan-after-withdrawal")):
        end = row.date(column) if row is not None else None
        if row is None or end is None:
            continue
        late = [s for s in scans[1:] if s.date > end]
        scans = tuple(s for s in scans if s not in late)
        problems.extend(
            Problem(
                file, row.line, column, code, f"scan {s.folder} of {s.date} after {end}; the scan is not used"
            )
            for s in late
        )
    return Patient(patient.key, scans), problems


def _events_in_time(
    rows: Iterable[EventRow], clinical: ClinicalRow | None, file: str
) -> tuple[tuple[EventRow, ...], list[Problem]]:
    death = clinical.date("death_date") if clinical is not None else None
    rows = tuple(rows)
    if death is None:
        return rows, []
    problems = [
        Problem(
            file,
            r.line,
            "date",
            "event-after-death",
            f"{r.kind}{'' if r.value is None else ' ' + r.value} on {r.date} after death on {death}; "
            "the row is not used",
        )
        for r in rows
        if r.date > death
    ]
    return tuple(r for r in rows if r.date <= death), problems
