"""levels.csv and steps.csv: each level and each step, traceable to scan, model and version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spineimg.core.levels import Level
from spineimg.trial.age import age_at
from spineimg.trial.baseline import BaselineLevel
from spineimg.trial.dictionary import LEVEL_COLUMNS, STEP_COLUMNS
from spineimg.trial.eligibility import Eligibility
from spineimg.trial.endpoints import Followed
from spineimg.trial.frames import Frame, frame
from spineimg.trial.joining import Subject
from spineimg.trial.populations import Schedule
from spineimg.trial.samples import body_involvement_percent


@dataclass(frozen=True, slots=True)
class Judged:
    """One patient with everything that was decided."""

    subject: Subject
    levels: tuple[BaselineLevel, ...]
    eligibility: Eligibility
    schedule: Schedule
    followed: Mapping[Level, Followed]


def level_table(patients: Iterable[Judged]) -> Frame:
    """One row a level with a lesion on a baseline scan."""
    rows = [_level(patient, level) for patient in patients for level in patient.levels]
    return frame("levels.csv", [c.name for c in LEVEL_COLUMNS], rows)


def step_table(followed: Sequence[Followed]) -> Frame:
    """One row an index level and step, with the verdicts of machine and reader."""
    rows: list[dict[str, Any]] = []
    for f in followed:
        case_of = {s.date: s.folder for s in f.subject.patient.scans}
        rows.extend(
            {
                "patient_key": f.subject.key,
                "level": str(f.level),
                "from_date": c.earlier.isoformat(),
                "to_date": c.later.isoformat(),
                "from_case": case_of[c.earlier],
                "to_case": case_of[c.later],
                "machine": c.machine,
                "reader": c.reader,
                "counted": c.kind,
                "reason": c.reason,
            }
            for c in f.changes
        )
    return frame("steps.csv", [c.name for c in STEP_COLUMNS], rows)


def _level(patient: Judged, level: BaselineLevel) -> dict[str, Any]:
    subject, schedule = patient.subject, patient.schedule
    scan = subject.patient.baseline
    record = scan.case.record
    age = age_at(subject.clinical, scan.date)
    followed = patient.followed.get(level.level)
    row: dict[str, Any] = {
        "patient_key": subject.key,
        "level": str(level.level),
        "eligible": patient.eligibility.eligible,
        "index_level": _index(patient, level),
        "state": level.state,
        "total_low": level.total.low,
        "total_high": level.total.high,
        "treated_before": level.treated,
        "baseline_date": scan.date.isoformat(),
        "visits": len(subject.patient.scans),
        "per_protocol": "yes" if schedule.kept else "no",
        "missed_windows": " ".join(schedule.missed) or None,
        "age_years": None if age is None else round(age.middle_years, 2),
        "age_source": None if age is None else age.source,
        "case": scan.folder,
        "modality": record.modality.value,
        "series_uid": record.series.uid,
        "engine_name": record.engine.name,
        "engine_version": record.engine.version,
        "engine_weights_sha256": record.engine.weights_sha256,
        "spineimg_version": record.spineimg_version,
        "settings_digest": record.settings_digest,
        "revision": record.revision,
    }
    return row if followed is None else {**row, **_fate(followed)}


def _index(patient: Judged, level: BaselineLevel) -> str:
    if level.level in patient.followed:
        return "yes"
    possible = level.in_range != "not_met" and level.treated is None and patient.eligibility.eligible != "no"
    return "unknown" if possible else "no"


def _fate(followed: Followed) -> dict[str, Any]:
    row: dict[str, Any] = {
        "body_involvement_percent": body_involvement_percent(followed),
        "radiotherapy_day": followed.radiotherapy_day,
        "adjudicated_steps": sum(c.reader is not None for c in followed.changes),
        "undetermined_steps": sum(c.kind == "undetermined" for c in followed.changes),
    }
    for outcome, machine in zip(followed.outcomes, followed.machine_outcomes, strict=True):
        row |= {
            f"{outcome.endpoint}_status": outcome.status,
            f"{outcome.endpoint}_left_days": outcome.left_days,
            f"{outcome.endpoint}_right_days": outcome.right_days,
            f"{outcome.endpoint}_cause": outcome.cause,
            f"{outcome.endpoint}_machine": machine.status,
        }
    return row
