"""Find the case folders of a cohort and group them by patient, then by date."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spineimg.core.case import Case
from spineimg.core.errors import InputRefused, SpineimgError
from spineimg.core.volume import Modality
from spineimg.storage.records import load_case_record, load_measurements, load_scores
from spineimg.trial.records import Problem


@dataclass(frozen=True, slots=True)
class Scan:
    """One case of a patient; ``folder`` relative to the cohort, with slashes."""

    folder: str
    date: datetime.date
    case: Case


@dataclass(frozen=True, slots=True)
class Patient:
    """All usable scans of one patient, earliest first, one a date; the first is the baseline."""

    key: str
    scans: tuple[Scan, ...]

    @property
    def baseline(self) -> Scan:
        """The first scan."""
        return self.scans[0]

    def day(self, date: datetime.date) -> int:
        """Days since the baseline scan."""
        return (date - self.baseline.date).days


@dataclass(frozen=True, slots=True)
class Cohort:
    """All patients by key, and every case that could not be used."""

    patients: tuple[Patient, ...]
    problems: tuple[Problem, ...]
    cases_found: int


def read_cohort(root: Path) -> Cohort:
    """Read every case folder below a folder.

    Parameters
    ----------
    root : Path
        Any tree; a folder with ``case.json`` is a case, what lies inside it is not looked at.

    Raises
    ------
    InputRefused
        ``no-cases`` when there is none.
    """
    scans: dict[str, list[Scan]] = {}
    problems: list[Problem] = []
    found = 0
    for folder in case_folders(root):
        found += 1
        name = folder.relative_to(root).as_posix()
        try:
            case = _read_case(folder)
        except (SpineimgError, OSError, ValueError) as error:
            problems.append(Problem(name, None, None, "case-unreadable", f"the case cannot be read: {error}"))
            continue
        date = _date(case.record.study_date)
        if case.record.patient_key is None or date is None:
            what = "patient_key" if case.record.patient_key is None else "study_date"
            problems.append(
                Problem(
                    name, None, what, "case-not-placed", f"the case has no {what}; give it and analyse again"
                )
            )
            continue
        scans.setdefault(case.record.patient_key, []).append(Scan(name, date, case))
    if not found:
        raise InputRefused(
            "no-cases", f"no case folder below {root}", "give the folder that holds the cases", root
        )
    patients = []
    for key in sorted(scans):
        kept, doubles = _one_a_date(scans[key])
        problems.extend(doubles)
        patients.append(Patient(key, kept))
    return Cohort(tuple(patients), tuple(problems), found)


def case_folders(root: Path) -> Iterator[Path]:
    """Every folder that holds ``case.json``, in order of name; hidden folders are temporary ones."""
    for here, folders, files in os.walk(root):
        if "case.json" in files:
            folders.clear()
            yield Path(here)
        folders[:] = sorted(f for f in folders if not f.startswith("."))


def _read_case(folder: Path) -> Case:
    return Case(
        load_case_record(folder / "case.json"),
        load_measurements(folder / "measurements.json"),
        load_scores(folder / "sins.json"),
    )


def _date(text: str | None) -> datetime.date | None:
    """Date of an ISO or DICOM date; None when it is none."""
    try:
        return datetime.date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _one_a_date(scans: list[Scan]) -> tuple[tuple[Scan, ...], list[Problem]]:
    """One scan a date: CT before MR, then the analysis made last; the others are reported."""
    kept: dict[datetime.date, Scan] = {}
    problems = []
    for scan in sorted(scans, key=_preference):
        first = kept.setdefault(scan.date, scan)
        if first is not scan:
            problems.append(
                Problem(
                    scan.folder,
                    None,
                    "study_date",
                    "same-date",
                    f"{first.folder} is of the same patient and date; this one is not used (CT goes "
                    "before MR, then "
                    "the analysis made last)",
                )
            )
    return tuple(kept[date] for date in sorted(kept)), problems


def _preference(scan: Scan) -> tuple[bool, list[int], str]:
    record = scan.case.record
    return record.modality is not Modality.CT, [-ord(c) for c in record.created], scan.folder
