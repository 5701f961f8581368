"""Input that contradicts itself: reported with its row, never used in silence, never dropped in silence."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from spineimg.core.case import CaseRecord
from spineimg.core.levels import Level
from spineimg.core.measurements import Measurements
from spineimg.core.scores import SinsScores
from spineimg.core.settings import Settings
from spineimg.core.volume import Modality
from spineimg.storage.records import dump_json, load_case_record
from spineimg.trial.run import Decided
from tests.trial.conftest import BASELINE, CohortFolder, changed_vertebra, level, patient
from tests.trial.test_eligibility import run
from tests.trial.test_endpoints import outcome

Records = tuple[CaseRecord, Measurements, SinsScores]
Setup = Callable[[CohortFolder], None]
DAYS = (0, 90, 180)
REMEDY = re.compile(r"not used|is used|unknown|analyse|no level is compared|cannot be read")


def day(number: int) -> str:
    return (BASELINE + datetime.timedelta(days=number)).isoformat()


def recase(folder: Path, **values: object) -> None:
    """Change fields of case.json."""
    path = folder / "case.json"
    path.write_text(dump_json(dataclasses.replace(load_case_record(path), **values)), encoding="utf-8")  # type: ignore[arg-type]


def fracture_after_death(c: CohortFolder) -> None:
    c.add(patient(days=DAYS, levels=(level(fracture_day=150),)), death_date=day(120))


def death_before_the_first_scan(c: CohortFolder) -> None:
    c.add(patient(days=DAYS), death_date=day(-5))


def event_after_death(c: CohortFolder) -> None:
    c.add(patient(days=DAYS), death_date=day(200))
    c.event(210, "adjudication", value="fracture")


def scan_after_withdrawal(c: CohortFolder) -> None:
    c.add(patient(days=DAYS), withdrawn="yes", withdrawn_date=day(100))


def row_of_an_unknown_patient(c: CohortFolder) -> None:
    c.add(patient(days=DAYS))
    c.clinical.append({"patient_key": "nobody", "sex": "F"})


def event_of_an_unknown_patient(c: CohortFolder) -> None:
    c.add(patient(days=DAYS))
    c.event(10, "cement", key="nobody")


def two_cases_of_one_date(c: CohortFolder) -> None:
    c.add(patient(days=DAYS))
    recase(c.cases / "p1" / "day180", study_date=day(90))


def ct_and_mr_of_one_date(c: CohortFolder) -> None:
    c.add(patient(days=DAYS))
    recase(c.cases / "p1" / "day0", modality=Modality.MR)
    recase(c.cases / "p1" / "day90", study_date=day(0))


def no_common_vertebra(c: CohortFolder) -> None:
    def neck(case: CaseRecord, seen: Measurements, scores: SinsScores) -> Records:
        one = dataclasses.replace(seen.vertebrae[0], level=Level.C5)
        return case, dataclasses.replace(seen, vertebrae=(one,)), scores

    c.add(patient(days=(0, 90)), {90: neck})


def case_without_key(c: CohortFolder) -> None:
    c.add(patient(days=DAYS))
    recase(c.cases / "p1" / "day90", patient_key=None)


def case_without_date(c: CohortFolder) -> None:
    c.add(patient(days=DAYS))
    recase(c.cases / "p1" / "day90", study_date=None)


def damaged_case(c: CohortFolder) -> None:
    c.add(patient(days=DAYS))
    (c.cases / "p1" / "day90" / "sins.json").write_text("{", encoding="utf-8")


def incomplete_case(c: CohortFolder) -> None:
    c.add(patient(days=DAYS))
    (c.cases / "p1" / "day90" / "measurements.json").unlink()


@pytest.mark.parametrize(
    ("setup", "problem", "seen"),
    [
        (
            fracture_after_death,
            ("clinical.csv", 2, "death_date", "scan-after-death"),
            ("competing", 90, 120, "death"),
        ),
        (
            death_before_the_first_scan,
            ("clinical.csv", 2, "death_date", "scan-after-death"),
            ("censored", 180, None, None),
        ),
        (event_after_death, ("events.csv", 2, "date", "event-after-death"), ("competing", 180, 200, "death")),
        (scan_after_withdrawal, ("clinical.csv", 2, "withdrawn_date", "scan-after-withdrawal"), None),
        (
            row_of_an_unknown_patient,
            ("clinical.csv", 3, "patient_key", "unknown-patient"),
            ("censored", 180, None, None),
        ),
        (
            event_of_an_unknown_patient,
            ("events.csv", 2, "patient_key", "unknown-patient"),
            ("censored", 180, None, None),
        ),
        (two_cases_of_one_date, ("p1/day90", None, "study_date", "same-date"), ("censored", 90, None, None)),
        (ct_and_mr_of_one_date, ("p1/day0", None, "study_date", "same-date"), ("censored", 180, None, None)),
        (no_common_vertebra, ("p1/day90", None, None, "no-common-level"), ("censored", 0, None, None)),
        (
            case_without_key,
            ("p1/day90", None, "patient_key", "case-not-placed"),
            ("censored", 180, None, None),
        ),
        (
            case_without_date,
            ("p1/day90", None, "study_date", "case-not-placed"),
            ("censored", 180, None, None),
        ),
        (damaged_case, ("p1/day90", None, None, "case-unreadable"), ("censored", 180, None, None)),
        (incomplete_case, ("p1/day90", None, None, "case-unreadable"), ("censored", 180, None, None)),
    ],
)
def test_what_cannot_be_used_is_reported_with_its_row(
    cohort: CohortFolder,
    quick: Settings,
    setup: Setup,
    problem: tuple[str, int | None, str | None, str],
    seen: tuple[str, int, int | None, str | None] | None,
) -> None:
    setup(cohort)
    trial: Decided = run(cohort, quick)
    assert [(p.file, p.line, p.column, p.code) for p in trial.record.problems] == [problem]
    assert REMEDY.search(trial.record.problems[0].message), "says what was done, or what to do"
    if seen is None:
        assert not trial.record.outcomes
    else:
        assert outcome(trial) == seen


def test_of_two_cases_of_one_date_the_one_analysed_last_counts(cohort: CohortFolder, quick: Settings) -> None:
    cohort.add(patient(days=(0, 90, 180)))
    recase(cohort.cases / "p1" / "day180", study_date=day(90), created="2030-01-01T00:00:00+00:00")
    visits = run(cohort, quick).record.patients[0].visits
    assert [v.case for v in visits] == ["p1/day0", "p1/day180"]


def test_cases_are_sorted_by_date_however_their_folders_are_called(
    cohort: CohortFolder, quick: Settings
) -> None:
    cohort.add(patient(days=(0, 90, 180), levels=(level(fracture_day=100),)))
    (cohort.cases / "p1" / "day0").rename(cohort.cases / "p1" / "z")
    trial = run(cohort, quick)
    assert [v.case for v in trial.record.patients[0].visits] == ["p1/z", "p1/day90", "p1/day180"]
    assert outcome(trial) == ("event", 90, 180, "new")


def test_no_common_level_leaves_the_level_censored_at_baseline(cohort: CohortFolder, quick: Settings) -> None:
    gone = changed_vertebra("L1", complete=False)
    cohort.add(patient(days=(0, 90)), {90: gone})
    assert outcome(run(cohort, quick)) == ("censored", 0, None, None)


def test_a_revision_inside_a_case_is_no_case_of_its_own(cohort: CohortFolder, quick: Settings) -> None:
    cohort.add(patient(days=(0,)))
    inner = cohort.cases / "p1" / "day0" / "revisions" / "0000"
    inner.mkdir(parents=True)
    (inner / "case.json").write_bytes((cohort.cases / "p1" / "day0" / "case.json").read_bytes())
    trial = run(cohort, quick)
    assert trial.cases_found == 1
    assert not trial.record.problems


@pytest.mark.parametrize(
    ("days", "clinical", "kept", "windows"),
    [
        ((0, 90, 180), {"last_contact_date": day(190)}, "yes", ["baseline", "day-90", "day-180"]),
        ((0, 180), {"last_contact_date": day(190)}, "no", ["baseline", "day-180"]),
        ((0, 130, 180), {"last_contact_date": day(190)}, "no", ["baseline", None, "day-180"]),
        ((0, 90), {"death_date": day(150)}, "yes", ["baseline", "day-90"]),
        ((0, 90), {"last_contact_date": day(400)}, "no", ["baseline", "day-90"]),
        ((0, 90), {}, "yes", ["baseline", "day-90"]),
    ],
)
def test_a_missed_window_breaks_per_protocol_never_eligibility(
    cohort: CohortFolder,
    quick: Settings,
    days: tuple[int, ...],
    clinical: dict[str, str],
    kept: str,
    windows: list[str | None],
) -> None:
    cohort.add(patient(days=days), **clinical)
    trial = run(cohort, quick)
    assert trial.record.patients[0].eligible == "yes"
    assert [v.window for v in trial.record.patients[0].visits] == windows
    assert trial.frames[0].rows[0]["per_protocol"] == kept
