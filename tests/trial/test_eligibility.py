"""Eligibility as a table: an unknown is never met, an undecided band never in or out in silence."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from spineimg.core.settings import Settings
from spineimg.trial.age import age_verdict
from spineimg.trial.clinical import ClinicalRow, read_clinical
from spineimg.trial.cohort import read_cohort
from spineimg.trial.events import read_events
from spineimg.trial.protocol import load_protocol
from spineimg.trial.run import Decided, decide
from tests.trial.conftest import CohortFolder, changed_score, changed_vertebra, level, patient

SCAN = datetime.date(2019, 6, 15)


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ({"birth_date": datetime.date(1970, 1, 1)}, "met"),
        ({"birth_date": datetime.date(2001, 6, 15)}, "met"),  # 18 today
        ({"birth_date": datetime.date(2001, 6, 16)}, "not_met"),  # 18 tomorrow
        ({"birth_date": datetime.date(1953, 6, 16)}, "met"),  # 65 until tomorrow
        ({"birth_date": datetime.date(1953, 6, 15)}, "not_met"),  # 66 today
        ({"birth_year": 1970}, "met"),
        ({"birth_year": 2000}, "met"),  # 18 or 19
        ({"birth_year": 2001}, "unknown"),  # 17 or 18
        ({"birth_year": 2002}, "not_met"),
        ({"birth_year": 1955}, "met"),  # 63 or 64
        ({"birth_year": 1954}, "unknown"),  # 64 or 65: the limit lies there
        ({"birth_year": 1953}, "unknown"),  # 65 or 66
        ({"birth_year": 1952}, "not_met"),
        ({"age_at_baseline": 18.0}, "met"),
        ({"age_at_baseline": 65.0}, "met"),
        ({"age_at_baseline": 66.0}, "not_met"),
        ({"age_at_baseline": 17.9}, "not_met"),
        ({"age_at_baseline": 50.0, "birth_year": 1990}, "unknown"),  # they contradict
        ({"age_at_baseline": 49.0, "birth_year": 1970}, "met"),
        ({}, "unknown"),
    ],
)
def test_age_of_18_to_65(given: dict[str, object], verdict: str) -> None:
    assert age_verdict(ClinicalRow("a", 2, given), SCAN, 18, 65)[0] == verdict


def test_age_without_a_row_is_unknown() -> None:
    assert age_verdict(None, SCAN, 18, 65)[0] == "unknown"


def run(cohort: CohortFolder, settings: Settings) -> Decided:
    clinical, events = cohort.tables()
    protocol = load_protocol(None)
    return decide(
        read_cohort(cohort.cases), read_clinical(clinical, protocol), read_events(events), protocol, settings
    )


def verdicts(trial: Decided) -> dict[str, str]:
    return {v.criterion: v.verdict for v in trial.record.patients[0].eligibility}


@pytest.mark.parametrize(
    ("clinical", "criterion", "verdict", "eligible"),
    [
        ({}, "female", "met", "yes"),
        ({"sex": "M"}, "female", "not_met", "no"),
        ({"sex": ""}, "female", "unknown", "unknown"),
        ({"sex": "?"}, "female", "unknown", "unknown"),
        ({"birth_date": "", "birth_year": "2001"}, "age", "unknown", "unknown"),
        ({"breast_cancer_histology": "no"}, "breast_cancer", "not_met", "no"),
        ({"breast_cancer_histology": ""}, "breast_cancer", "unknown", "unknown"),
        ({"metastasis_proof": "histology"}, "spinal_metastasis", "met", "yes"),
        ({"metastasis_proof": "none"}, "spinal_metastasis", "not_met", "no"),
        ({"other_malignancy": "yes"}, "no_other_malignancy", "not_met", "no"),
        ({"other_malignancy": ""}, "no_other_malignancy", "unknown", "unknown"),
        ({"withdrawn": "yes"}, "not_withdrawn", "not_met", "no"),
        ({"withdrawn": ""}, "not_withdrawn", "unknown", "unknown"),
        ({"sex": "M", "withdrawn": ""}, "female", "not_met", "no"),
    ],
)
def test_clinical_criteria(
    cohort: CohortFolder,
    quick: Settings,
    clinical: dict[str, str],
    criterion: str,
    verdict: str,
    eligible: str,
) -> None:
    cohort.add(patient(days=(0,)), **clinical)
    trial = run(cohort, quick)
    assert verdicts(trial)[criterion] == verdict
    assert trial.record.patients[0].eligible == eligible
    assert bool(trial.record.index_levels) == (eligible == "yes")


@pytest.mark.parametrize(
    ("state", "possible", "verdict"),
    [
        ("scored", {}, "met"),  # 9
        ("scored", {"pain": (0,), "posterolateral": (0,)}, "not_met"),  # 5: stable
        ("scored", {"alignment": (4,)}, "not_met"),  # 13: unstable
        ("scored", {"pain": (0, 1, 3)}, "unknown"),  # 6-9: band not decided
        ("scored", {"posterolateral": (1, 3)}, "met"),  # 9-11: a range, but decided
        ("scored", {"posterolateral": (1, 3), "alignment": (2,)}, "unknown"),  # 11-13
        ("candidate", {}, "unknown"),  # candidates only
        ("candidate", {"alignment": (4,)}, "unknown"),  # candidates only, whatever the total
        ("not_scored", {}, "unknown"),
    ],
)
def test_index_level(
    cohort: CohortFolder, quick: Settings, state: str, possible: dict[str, tuple[int, ...]], verdict: str
) -> None:
    cohort.add(patient(days=(0,)), {0: changed_score("L1", state, **possible)})
    trial = run(cohort, quick)
    assert verdicts(trial)["sins"] == verdict
    assert bool(trial.record.index_levels) == (verdict == "met")


def test_a_decided_level_is_followed_beside_an_undecided_one(cohort: CohortFolder, quick: Settings) -> None:
    cohort.add(
        patient(days=(0,), levels=(level("T8"), level("L1"))), {0: changed_score("T8", pain=(0, 1, 3))}
    )
    trial = run(cohort, quick)
    assert [str(i.level) for i in trial.record.index_levels] == ["L1"]
    levels = {row["level"]: row["index_level"] for row in trial.frames[0].rows}
    assert levels == {"T8": "unknown", "L1": "yes"}


@pytest.mark.parametrize(
    ("day", "value", "level_name", "total"),
    [
        (0, "mechanical", "L1", (9, 9)),
        (-10, "none", "L1", (6, 6)),
        (0, "mechanical", "", (9, 9)),  # of the whole patient
        (0, "mechanical", "L2", (6, 9)),  # another level
        (60, "mechanical", "L1", (6, 9)),  # too long after
        (0, "unknown", "L1", (6, 9)),
    ],
)
def test_pain_of_the_events_table_decides_a_total(
    cohort: CohortFolder, quick: Settings, day: int, value: str, level_name: str, total: tuple[int, int]
) -> None:
    cohort.add(patient(days=(0,)), {0: changed_score("L1", pain=(0, 1, 3))})
    cohort.event(day, "pain", level=level_name, value=value)
    row = run(cohort, quick).frames[0].rows[0]
    assert (row["total_low"], row["total_high"]) == total


def test_pain_that_contradicts_the_case_leaves_both_possible_and_is_reported(
    cohort: CohortFolder, quick: Settings
) -> None:
    cohort.add(patient(days=(0,)))
    cohort.event(0, "pain", value="none")
    trial = run(cohort, quick)
    assert [p.code for p in trial.record.problems] == ["pain-contradiction"]
    assert trial.record.patients[0].eligible == "unknown"  # 6 or 9


@pytest.mark.parametrize(
    ("kind", "day", "where", "verdict"),
    [
        ("cement", -100, "L1", "not_met"),
        ("stabilisation", -1, "", "not_met"),
        ("surgery", -1, "L2", "met"),
        ("radiotherapy", -1, "L1", "met"),
        ("cement", 10, "L1", "met"),
    ],
)
def test_earlier_stabilisation_at_the_level_excludes(
    cohort: CohortFolder, quick: Settings, kind: str, day: int, where: str, verdict: str
) -> None:
    cohort.add(patient(days=(0,)))
    cohort.event(day, kind, level=where)
    assert verdicts(run(cohort, quick))["no_earlier_stabilisation"] == verdict


def test_cement_that_only_the_scan_shows_excludes_too(cohort: CohortFolder, quick: Settings) -> None:
    cohort.add(patient(days=(0,)), {0: changed_vertebra("L1", not_scorable="cement")})
    assert verdicts(run(cohort, quick))["no_earlier_stabilisation"] == "not_met"


def test_a_patient_without_clinical_row_is_unknown_and_reported(
    cohort: CohortFolder, quick: Settings
) -> None:
    cohort.add(patient("p1", (0,)), skip_row="yes")
    cohort.add(patient("p2", (0,)))
    trial = run(cohort, quick)
    assert [p.eligible for p in trial.record.patients] == ["unknown", "yes"]
    assert [p.code for p in trial.record.problems] == ["no-clinical-row"]


def test_levels_of_ineligible_patients_stay_in_the_table(
    cohort: CohortFolder, quick: Settings, tmp_path: Path
) -> None:
    cohort.add(patient(days=(0,)), sex="M")
    rows = run(cohort, quick).frames[0].rows
    assert [(r["level"], r["index_level"], r["eligible"]) for r in rows] == [("L1", "no", "no")]
