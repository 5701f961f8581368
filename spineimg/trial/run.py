"""From a folder of cases and two tables to the folder that answers the trial's question."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from spineimg.core.settings import Settings
from spineimg.trial.agreement_tables import AGREEMENT, adjudicated, revised
from spineimg.trial.analyses import Results, analyse_all
from spineimg.trial.baseline import baseline_levels
from spineimg.trial.changes import shows_complete
from spineimg.trial.clinical import Clinical, read_clinical
from spineimg.trial.cohort import Cohort, read_cohort
from spineimg.trial.eligibility import judge
from spineimg.trial.endpoints import Followed, follow
from spineimg.trial.events import Events, read_events
from spineimg.trial.frames import Frame, frame
from spineimg.trial.joining import Subject, join
from spineimg.trial.level_table import Judged, level_table, step_table
from spineimg.trial.populations import schedule
from spineimg.trial.protocol import Protocol, load_protocol
from spineimg.trial.records import Analysis, IndexLevel, PatientRecord, Problem, TrialRecord
from spineimg.trial.writing import refuse_existing, write_trial


@dataclass(frozen=True, slots=True)
class Decided:
    """Who is in the trial and what became of each level; no statistics yet (``record`` has no analyses)."""

    record: TrialRecord
    patients: tuple[Judged, ...]
    frames: tuple[Frame, ...]
    cases_found: int
    tracks_found: int
    clinical_rows: int


@dataclass(frozen=True, slots=True)
class Trial(Decided):
    """A whole trial: its record, its tables, and what the report draws from."""

    results: Results


def run_trial(
    cohort: Path, clinical: Path, events: Path | None, protocol: Path | None, out: Path, settings: Settings
) -> Trial:
    """Analyse a trial and write its folder, whole or not at all.

    Parameters
    ----------
    cohort : Path
        Any folder tree with case folders.
    clinical : Path
        Clinical table, CSV or Parquet, one row a patient.
    events : Path or None
        Events table: treatments, pain, adjudications.
    protocol : Path or None
        Protocol (TOML); None: NCT03365973.
    out : Path
        Folder to write; refused when it exists.
    settings : Settings
        All settings; those of trial, tracking and scoring are used.

    Returns
    -------
    Trial
        What was written.

    Raises
    ------
    SpineimgError
        ``out-exists``, ``no-cases``, ``protocol-*``, ``table-unreadable``, ``unknown-column``,
        ``missing-column``, ``repeated-column``, ``trial-libraries-missing``. Everything else that is wrong
        with the input is in the record's ``problems``.
    """
    refuse_existing(out)
    rules = load_protocol(protocol)
    trial = analyse_trial(
        read_cohort(cohort), read_clinical(clinical, rules), read_events(events), rules, settings
    )
    agreement = _agreement(trial, cohort, settings)
    trial = _with_agreement(trial, agreement)
    write_trial(trial, out, settings)
    return trial


def analyse_trial(
    cohort: Cohort, clinical: Clinical, events: Events, protocol: Protocol, settings: Settings
) -> Trial:
    """Analyse a trial that is read; nothing is written."""
    decided = decide(cohort, clinical, events, protocol, settings)
    followed = followed_of(decided.patients)
    kept = followed_of(p for p in decided.patients if p.schedule.kept)
    results = analyse_all({"eligible": followed, "per_protocol": kept}, protocol, settings.trial)
    return Trial(
        record=replace(decided.record, analyses=results.analyses),
        patients=decided.patients,
        frames=decided.frames,
        cases_found=decided.cases_found,
        tracks_found=decided.tracks_found,
        clinical_rows=decided.clinical_rows,
        results=results,
    )


def decide(
    cohort: Cohort, clinical: Clinical, events: Events, protocol: Protocol, settings: Settings
) -> Decided:
    """Judge every patient and follow every index level."""
    subjects, unmatched = join(cohort, clinical, events)
    problems = [*cohort.problems, *clinical.problems, *events.problems, *unmatched]
    patients: list[Judged] = []
    for subject in subjects:
        judged, found = _judge(subject, protocol, settings, events.file or "")
        patients.append(judged)
        problems.extend(found)
    followed = followed_of(patients)
    record = TrialRecord(
        protocol=protocol.as_json(),
        patients=tuple(
            PatientRecord(p.subject.key, p.schedule.visits, p.eligibility.verdicts, p.eligibility.eligible)
            for p in patients
        ),
        index_levels=tuple(IndexLevel(f.subject.key, f.level, f.baseline.total) for f in followed),
        outcomes=tuple(o for f in followed for o in f.outcomes),
        analyses=(),
        problems=tuple(problems),
    )
    frames = (level_table(patients), step_table(followed))
    counts = cohort.cases_found, cohort.tracks_found, len(clinical.rows)
    return Decided(record, tuple(patients), frames, *counts)


def followed_of(patients: Iterable[Judged]) -> list[Followed]:
    """Every index level, those of a patient together."""
    return [f for p in patients for f in p.followed.values()]


def _judge(
    subject: Subject, protocol: Protocol, settings: Settings, events_file: str
) -> tuple[Judged, list[Problem]]:
    levels, problems = baseline_levels(subject, protocol, settings.scoring, events_file)
    eligibility = judge(subject, levels, protocol)
    followed: dict[object, Followed] = {}
    found = list(problems)
    for level in eligibility.index_levels:
        one, more = follow(subject, level, protocol.endpoints, settings.tracking, events_file)
        followed[level.level] = one
        found.extend(more)
    found.extend(_unused(subject, followed, protocol, events_file))
    found.extend(_nothing_in_common(subject))
    judged = Judged(
        subject,
        levels,
        eligibility,
        schedule(subject, protocol.visits),
        {f.level: f for f in followed.values()},
    )
    return judged, found


def _nothing_in_common(subject: Subject) -> list[Problem]:
    """Later scans that show no vertebra of the baseline scan whole: nothing can be compared with them."""
    levels = [v.level for v in subject.patient.baseline.case.measurements.vertebrae]
    return [
        Problem(
            scan.folder,
            None,
            None,
            "no-common-level",
            f"the scan of {scan.date} shows no vertebra of the baseline scan whole; no level is compared "
            "with it: check that patient and region are the same",
        )
        for scan in subject.patient.scans[1:]
        if not any(shows_complete(scan, level) for level in levels)
    ]


def _unused(subject: Subject, followed: Iterable[object], protocol: Protocol, file: str) -> list[Problem]:
    """Rows of the events table that could be meant otherwise, or reach nobody."""
    levels = set(followed)
    problems = []
    for row in subject.events:
        if row.kind == "adjudication" and row.level not in levels:
            problems.append(
                Problem(
                    file,
                    row.line,
                    "level",
                    "adjudication-not-index",
                    f"{row.level} of {subject.key} is no index level; the verdict is not used",
                )
            )
        if row.kind in protocol.endpoints.competing_procedures and row.level is None:
            problems.append(
                Problem(
                    file,
                    row.line,
                    "level",
                    "procedure-without-level",
                    f"{row.kind} of {subject.key} names no level; it counts for every level",
                )
            )
    return problems


def _agreement(trial: Trial, cohort: Path, settings: Settings) -> Frame:
    followed = followed_of(trial.patients)
    rows = [
        *adjudicated(followed, settings.trial),
        *revised([p.subject.patient for p in trial.patients], cohort, settings.trial),
    ]
    return frame("agreement.csv", AGREEMENT, rows)


def _with_agreement(trial: Trial, agreement: Frame) -> Trial:
    analyses = []
    for (comparison, population), group in itertools.groupby(
        agreement.rows, key=lambda r: (r["comparison"], r["population"])
    ):
        rows = list(group)
        analyses.append(
            Analysis(
                name=f"agreement: {comparison}",
                population=population,
                unit="level",
                n=max(r["n"] for r in rows),
                events=0,
                competing=0,
                method="Cohen's kappa (asymptotic limits), ICC(2,1), Bland-Altman with repeated measures",
                library="statsmodels (kappa), spineimg",
                table=agreement.name,
            )
        )
    record = replace(trial.record, analyses=(*trial.record.analyses, *analyses))
    return replace(trial, record=record, frames=(*trial.frames, agreement))
