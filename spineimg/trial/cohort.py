"""Find the case folders of a cohort and group them by patient, then by date."""

from __future__ import annotations

import dataclasses
import datetime
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from spineimg.core.case import Case
from spineimg.core.errors import InputRefused, SpineimgError
from spineimg.core.levels import Level
from spineimg.core.measurements import VertebraMeasurement
from spineimg.core.track import Track
from spineimg.core.volume import Modality
from spineimg.storage.records import load_case_record, load_measurements, load_scores, load_track
from spineimg.trial.records import Problem


@dataclass(frozen=True, slots=True)
class Scan:
    """One case of a patient; ``folder`` relative to the cohort, with slashes.

    ``names``: what this scan calls each level of the baseline, as a follow-up found it by shape (None: not
    found); None where no follow-up was made, then equal names are taken for the same level.
    """

    folder: str
    date: datetime.date
    case: Case
    names: Mapping[Level, Level | None] | None = None

    def vertebra(self, level: Level) -> VertebraMeasurement | None:
        """The vertebra that the baseline calls by this name."""
        own = level if self.names is None else self.names.get(level)
        return None if own is None else self.case.measurements.vertebra(own)


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
    tracks_found: int = 0


def read_cohort(root: Path) -> Cohort:
    """Read every case folder below a folder.

    Parameters
    ----------
    root : Path
        Any tree; a folder with ``case.json`` is a case, what lies inside it is not looked at. A folder with
        ``track.json`` (made by ``spineimg track``) tells which level is which on the scans of its patient.

    Raises
    ------
    InputRefused
        ``no-cases`` when there is none.
    """
    scans: dict[str, list[Scan]] = {}
    problems: list[Problem] = []
    found = 0
    for folder in folders_with(root, "case.json"):
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
    tracks, unread = read_tracks(root)
    problems.extend(unread)
    patients, used = [], 0
    for key in sorted(scans):
        kept, doubles = _one_a_date(scans[key])
        problems.extend(doubles)
        named, stale = named_by_track(kept, tracks.get(key, ()))
        problems.extend(stale)
        used += any(s.names is not None for s in named)
        patients.append(Patient(key, named))
    return Cohort(tuple(patients), tuple(problems), found, used)


def folders_with(root: Path, name: str) -> Iterator[Path]:
    """Every folder that holds a file, in order of name; hidden folders are temporary ones."""
    for here, folders, files in os.walk(root):
        if name in files:
            yield Path(here)
        if name in files or "case.json" in files:
            folders.clear()
        folders[:] = sorted(f for f in folders if not f.startswith("."))


def read_tracks(root: Path) -> tuple[dict[str, tuple[Track, ...]], list[Problem]]:
    """Follow-ups below a folder by patient."""
    tracks: dict[str, tuple[Track, ...]] = {}
    problems = []
    for folder in folders_with(root, "track.json"):
        try:
            track = load_track(folder / "track.json")
        except (SpineimgError, OSError, ValueError) as error:
            name = folder.relative_to(root).as_posix()
            problems.append(
                Problem(name, None, None, "track-unreadable", f"the track cannot be read: {error}")
            )
            continue
        tracks[track.patient_key] = (*tracks.get(track.patient_key, ()), track)
    return tracks, problems


def named_by_track(
    scans: tuple[Scan, ...], tracks: Sequence[Track]
) -> tuple[tuple[Scan, ...], list[Problem]]:
    """Give each scan the names that a follow-up of just these scans found.

    A track of other dates or revisions is not used, and reported: its matches may be out of date.
    """
    own = [(s.date.isoformat(), s.case.record.revision) for s in scans]
    for track in tracks:
        if [(c.study_date, c.revision) for c in track.cases] == own:
            matched: list[dict[Level, Level | None]] = [{} for _ in scans]
            for match in track.matches:
                matched[match.case][match.level] = match.matched_level
            return tuple(
                s if n == 0 else dataclasses.replace(s, names=matched[n]) for n, s in enumerate(scans)
            ), []
    problems = [
        Problem(
            scans[0].folder,
            None,
            None,
            "track-not-used",
            f"a track of {track.patient_key} has other scans or revisions than the cohort; levels are taken "
            "by name",
        )
        for track in tracks
    ]
    return scans, problems


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
