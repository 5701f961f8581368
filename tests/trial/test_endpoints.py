"""Outcomes as a table: events in their interval, competing events, censoring, adjudication."""

from __future__ import annotations

import datetime

import pytest

from spineimg.core.estimate import Estimate
from spineimg.core.levels import Level
from spineimg.core.settings import Settings
from spineimg.core.track import Match, Track, TrackedCase
from spineimg.storage.records import dump_json
from spineimg.trial.records import Outcome
from spineimg.trial.run import Decided
from spineimg.trial.samples import first_of_patient
from tests.trial.conftest import BASELINE, CohortFolder, changed_vertebra, level, patient
from tests.trial.test_eligibility import run

Seen = tuple[str, int, int | None, str | None]
DAYS = (0, 90, 180, 270)


def outcome(trial: Decided, endpoint: str = "new_or_progression", number: int = 0) -> Seen:
    o = [x for x in trial.record.outcomes if x.endpoint == endpoint][number]
    return o.status, o.left_days, o.right_days, o.cause


def death(day: int) -> dict[str, str]:
    return {"death_date": (BASELINE + datetime.timedelta(days=day)).isoformat()}


@pytest.mark.parametrize(
    ("fracture_day", "collapse", "new", "either"),
    [
        (float("inf"), 0, ("censored", 270, None, None), ("censored", 270, None, None)),
        (100, 0, ("event", 90, 180, "new"), ("event", 90, 180, "new")),
        (100, 2, ("censored", 270, None, None), ("event", 90, 180, "progression")),
        (90, 0, ("event", 0, 90, "new"), ("event", 0, 90, "new")),
        (300, 0, ("censored", 270, None, None), ("censored", 270, None, None)),
    ],
)
def test_an_event_lies_between_two_scans(
    cohort: CohortFolder, quick: Settings, fracture_day: float, collapse: int, new: Seen, either: Seen
) -> None:
    cohort.add(patient(days=DAYS, levels=(level(fracture_day=fracture_day, collapse=collapse),)))
    trial = run(cohort, quick)
    assert outcome(trial, "new") == new
    assert outcome(trial) == either


@pytest.mark.parametrize(
    ("events", "died", "expected"),
    [
        ([], 300, ("competing", 270, 300, "death")),
        ([("cement", 120)], None, ("competing", 90, 120, "cement")),
        ([("surgery", 120)], 300, ("competing", 90, 120, "surgery")),
        ([("stabilisation", 200), ("cement", 120)], None, ("competing", 90, 120, "cement")),
        ([("radiotherapy", 120), ("bone_drug", 10)], None, ("censored", 270, None, None)),
    ],
)
def test_competing_events_count_at_their_own_date(
    cohort: CohortFolder, quick: Settings, events: list[tuple[str, int]], died: int | None, expected: Seen
) -> None:
    cohort.add(patient(days=DAYS), **(death(died) if died else {}))
    for kind, day in events:
        cohort.event(day, kind)
    assert outcome(run(cohort, quick)) == expected


@pytest.mark.parametrize(
    ("procedure_day", "where", "expected"),
    [
        (200, "L1", ("event", 90, 180, "new")),  # the fracture was seen before
        (120, "L1", ("competing", 90, 120, "cement")),  # images after it are not compared
        (120, "L2", ("event", 90, 180, "new")),  # another level
        (120, "", ("competing", 90, 120, "cement")),  # of no level: counts for each, and is reported
    ],
)
def test_a_procedure_ends_the_comparison_at_its_level(
    cohort: CohortFolder, quick: Settings, procedure_day: int, where: str, expected: Seen
) -> None:
    cohort.add(patient(days=DAYS, levels=(level(fracture_day=100),)))
    cohort.event(procedure_day, "cement", level=where)
    trial = run(cohort, quick)
    assert outcome(trial) == expected
    assert [p.code for p in trial.record.problems] == (["procedure-without-level"] if not where else [])


def test_a_level_cut_off_is_censored_at_its_last_complete_scan(cohort: CohortFolder, quick: Settings) -> None:
    cut = changed_vertebra("L1", complete=False)
    cohort.add(patient(days=DAYS), {180: cut, 270: cut})
    assert outcome(run(cohort, quick)) == ("censored", 90, None, None)


def test_a_gap_is_bridged_and_widens_the_interval(cohort: CohortFolder, quick: Settings) -> None:
    gap = changed_vertebra("L1", complete=False)
    cohort.add(patient(days=DAYS, levels=(level(fracture_day=100),)), {180: gap})
    assert outcome(run(cohort, quick)) == ("event", 90, 270, "new")


def test_a_doubtful_name_leaves_the_step_undetermined(cohort: CohortFolder, quick: Settings) -> None:
    doubt = changed_vertebra("L1", name_possible=(Level.T12, Level.L1))
    cohort.add(patient(days=(0, 90), levels=(level(fracture_day=50),)), {90: doubt})
    trial = run(cohort, quick)
    assert outcome(trial)[0] == "censored"
    assert trial.frames[0].rows[0]["undetermined_steps"] == 1


def test_an_event_of_open_kind_counts_only_as_new_or_progression(
    cohort: CohortFolder, quick: Settings
) -> None:
    straddles = changed_vertebra("L1", height_loss_percent=Estimate(20.0, 14.0, 26.0))
    cohort.add(patient(days=(0, 90), levels=(level(fracture_day=50),)), {0: straddles})
    trial = run(cohort, quick)
    assert outcome(trial) == ("event", 0, 90, "kind_undetermined")
    assert outcome(trial, "new")[0] == "censored"


def test_cement_seen_but_not_entered_competes_and_is_reported(cohort: CohortFolder, quick: Settings) -> None:
    cohort.add(patient(days=DAYS), {180: changed_vertebra("L1", not_scorable="cement")})
    trial = run(cohort, quick)
    assert outcome(trial) == ("competing", 90, 180, "cement")
    assert [p.code for p in trial.record.problems] == ["procedure-not-in-events"]


@pytest.mark.parametrize(
    ("fracture_day", "verdict", "counted", "machine"),
    [
        (100, "no_fracture", "censored", "event"),
        (100, "progression", "event", "event"),
        (float("inf"), "fracture", "event", "censored"),
        (float("inf"), "no_fracture", "censored", "censored"),
    ],
)
def test_a_reader_overrides_the_machine_and_both_are_kept(
    cohort: CohortFolder, quick: Settings, fracture_day: float, verdict: str, counted: str, machine: str
) -> None:
    cohort.add(patient(days=DAYS, levels=(level(fracture_day=fracture_day),)))
    cohort.event(180, "adjudication", value=verdict)
    trial = run(cohort, quick)
    row = trial.frames[0].rows[0]
    assert (row["new_or_progression_status"], row["new_or_progression_machine"]) == (counted, machine)
    step = next(s for s in trial.frames[1].rows if s["reader"] is not None)
    assert step["to_case"] == "p1/day180"
    assert step["machine"] == ("new" if fracture_day == 100 else "none")


def test_a_reader_may_judge_a_scan_that_the_machine_could_not(cohort: CohortFolder, quick: Settings) -> None:
    cohort.add(patient(days=(0, 90)), {90: changed_vertebra("L1", complete=False)})
    cohort.event(90, "adjudication", value="fracture")
    assert outcome(run(cohort, quick)) == ("event", 0, 90, "new")


@pytest.mark.parametrize(
    ("day", "where", "code"),
    [
        (0, "L1", "adjudication-not-placed"),  # nothing to compare the baseline with
        (100, "L1", "adjudication-not-placed"),  # no scan of that day
        (90, "L2", "adjudication-not-index"),
    ],
)
def test_a_verdict_that_fits_no_scan_is_reported(
    cohort: CohortFolder, quick: Settings, day: int, where: str, code: str
) -> None:
    cohort.add(patient(days=DAYS))
    cohort.event(day, "adjudication", level=where, value="fracture")
    trial = run(cohort, quick)
    assert [(p.code, p.line) for p in trial.record.problems] == [(code, 2)]
    assert outcome(trial)[0] == "censored"


def made(status: str, left: int, right: int | None, cause: str | None) -> Outcome:
    return Outcome("p", Level.L1, "new", status, left, right, cause)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ([("event", 90, 180, "new"), ("event", 0, 90, "new")], ("event", 0, 90, "new")),
        ([("competing", 90, 300, "death"), ("event", 90, 180, "new")], ("event", 90, 180, "new")),
        (
            [("competing", 90, 300, "death"), ("competing", 270, 300, "death")],
            ("competing", 270, 300, "death"),
        ),
        ([("competing", 90, 120, "cement"), ("censored", 270, None, None)], ("censored", 270, None, None)),
        (
            [("competing", 90, 120, "cement"), ("competing", 180, 200, "surgery")],
            ("competing", 180, 200, "surgery"),
        ),
        ([("censored", 90, None, None), ("censored", 180, None, None)], ("censored", 180, None, None)),
    ],
)
def test_first_event_of_a_patient(levels: list[Seen], expected: Seen) -> None:
    found = first_of_patient([made(*seen) for seen in levels])
    assert (found.status, found.left_days, found.right_days, found.cause) == expected


def a_track(cohort: CohortFolder, days: tuple[int, ...], names: dict[int, dict[str, str | None]]) -> None:
    """Write a follow-up whose scans call the levels otherwise."""
    cases = tuple(
        TrackedCase(f"day{d}", (BASELINE + datetime.timedelta(days=d)).isoformat(), 0) for d in days
    )
    found = tuple(
        Match(k, Level(name), None if own is None else Level(own), None, None)
        for k, pairs in names.items()
        for name, own in pairs.items()
    )
    folder = cohort.cases / "p1" / "track"
    folder.mkdir()
    (folder / "track.json").write_text(dump_json(Track("p1", cases, found, (), ())), encoding="utf-8")


def test_a_follow_up_says_which_level_is_which(cohort: CohortFolder, quick: Settings) -> None:
    """The second scan calls the fractured L1 by the name T12: by name alone nothing happened at L1."""
    off_by_one = patient(days=(0, 90), levels=(level("T12", fracture_day=50), level("L1")))
    cohort.add(off_by_one)
    by_name = run(cohort, quick)
    assert [o.status for o in by_name.record.outcomes if str(o.level) == "L1"] == ["censored"] * 2
    a_track(cohort, (0, 90), {1: {"L1": "T12", "T12": None}})
    tracked = run(cohort, quick)
    assert tracked.tracks_found == 1
    # What counts here is whose height is compared, not that two vertebrae differ.
    assert [o.left_days for o in tracked.record.outcomes if str(o.level) == "T12"] == [0, 0]
    assert [o.status for o in tracked.record.outcomes if str(o.level) == "L1"] == ["event"] * 2


def test_a_follow_up_of_other_scans_is_not_used_and_reported(cohort: CohortFolder, quick: Settings) -> None:
    cohort.add(patient(days=(0, 90)))
    a_track(cohort, (0, 91), {1: {"L1": "T12"}})
    trial = run(cohort, quick)
    assert (trial.tracks_found, [p.code for p in trial.record.problems]) == (0, ["track-not-used"])
    (cohort.cases / "p1" / "track" / "track.json").write_text("{}", encoding="utf-8")
    assert [p.code for p in run(cohort, quick).record.problems] == ["track-unreadable"]
