"""Scored, candidate, not scored; the patient's total; the questions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from spineimg.core.levels import Level
from spineimg.core.scores import Total
from spineimg.core.settings.scoring import ScoringSettings
from spineimg.scoring import score


def test_a_column_without_lesions_has_no_levels_and_no_total(build: Any) -> None:
    scores = build.usual().scored()
    assert scores.levels == ()
    assert (scores.patient.total, scores.patient.band, scores.patient.level) == (None, (), None)


def test_levels_stand_head_to_foot(build: Any) -> None:
    scores = build.usual().lesion(Level.L3).lesion(Level.C2).lesion(Level.T8).scored()
    assert [s.level for s in scores.levels] == [Level.C2, Level.T8, Level.L3]


@pytest.mark.parametrize(
    ("lesion", "vertebra", "state", "word"),
    [
        ({"status": "likely"}, {}, "scored", None),
        ({"status": "likely"}, {"name_possible": (Level.T12, Level.L1)}, "scored", None),
        ({"status": "doubtful"}, {}, "candidate", "doubtful"),
        ({"status": "doubtful", "look_alike": "haemangioma"}, {}, "candidate", "haemangioma"),
        ({"status": "likely"}, {"complete": False}, "candidate", "edge of the field of view"),
        ({"status": "doubtful"}, {"complete": False}, "candidate", "edge of the field of view"),
        ({"status": "unlikely", "look_alike": "schmorl-node"}, {}, "not_scored", "schmorl node"),
        ({"status": "likely"}, {"not_scorable": "cement"}, "not_scored", "cement"),
        ({"status": "likely"}, {"not_scorable": "implant"}, "not_scored", "implant"),
        ({"status": "doubtful"}, {"not_scorable": "cement", "complete": False}, "not_scored", "cement"),
    ],
)
def test_state_and_its_reason(build: Any, lesion: Any, vertebra: Any, state: str, word: str | None) -> None:
    level = build.usual().lesion(Level.L1, **lesion).vertebra(Level.L1, **vertebra).scored().of(Level.L1)
    assert level.state == state
    assert (level.reason is None) == (word is None)
    assert word is None or word in level.reason


def test_cement_without_a_lesion_is_listed_all_the_same(build: Any) -> None:
    (level,) = build.usual().vertebra(Level.T7, not_scorable="cement").scored().levels
    assert (level.level, level.state, level.reason) == (Level.T7, "not_scored", "cement in T7")
    assert level.components.bone_lesion.possible == (0, 1, 2)
    assert level.components.posterolateral.possible == (0, 1, 3)
    assert level.decide == ()


def test_a_lesion_in_a_level_that_was_not_measured_is_not_scored(build: Any) -> None:
    level = build.column([Level.L1, Level.L2]).lesion(Level.T12).scored().of(Level.T12)
    assert level.state == "not_scored"
    assert level.reason == "T12 could not be measured"


def test_the_coccyx_is_not_in_the_table(build: Any) -> None:
    level = build.usual().lesion(Level.COCCYX).scored().of(Level.COCCYX)
    assert level.state == "not_scored"
    assert "coccyx" in level.reason


def test_the_patients_total_is_the_largest_minimum_and_the_largest_maximum(build: Any) -> None:
    column = build.usual()
    column = column.lesion(Level.L1).with_pain(Level.L1, "mechanical")  # 3 + 3 + 2 = 8, decided
    column = column.lesion(Level.L3).segment(
        Level.L3, translation_ap_mm=build.est(4, 5)
    )  # 2 + 0..3 + 2 + 0..4
    scores = column.scored()
    assert scores.of(Level.L1).total == Total(8, 8)
    assert scores.of(Level.L3).total == Total(4, 11)
    assert scores.patient.total == Total(8, 11)
    assert scores.patient.level is Level.L3
    assert scores.patient.band == ("potentially_unstable",)


@pytest.mark.parametrize("change", [{"status": "doubtful"}, {"status": "unlikely"}])
def test_candidates_and_unlikely_lesions_never_raise_the_patients_total(build: Any, change: Any) -> None:
    alone = build.usual().lesion(Level.T8).with_pain(Level.T8, "none")
    beside = alone.lesion(Level.L1, **change).with_pain(Level.L1, "mechanical")
    assert beside.scored().patient == alone.scored().patient


def test_a_decided_level_asks_nothing(build: Any) -> None:
    level = build.usual().lesion(Level.L1).with_pain(Level.L1, "none").scored().of(Level.L1)
    assert level.total == Total(5, 5)
    assert level.band == ("stable",)
    assert level.decide == ()


def test_the_first_question_narrows_the_total_most(build: Any) -> None:
    column = build.usual().lesion(Level.L3, lytic_percent=build.est(75, 85))  # bone 1-2; pain open 0-3
    column = column.segment(Level.L3, translation_ap_mm=build.est(4, 5))  # alignment 0-4
    level = column.scored().of(Level.L3)
    assert [q.component for q in level.decide] == ["alignment", "pain", "bone_lesion"]
    spans = [
        c.possible[-1] - c.possible[0]
        for q in level.decide
        for n, c in level.components.items()
        if n == q.component
    ]
    assert spans == sorted(spans, reverse=True)
    assert all(q.question.rstrip(".").count("?") >= 1 for q in level.decide)


def test_every_component_has_evidence_that_ends_like_a_sentence(build: Any) -> None:
    run = (
        build.usual()
        .lesion(Level.L1)
        .lesion(Level.T5, status="doubtful")
        .vertebra(Level.T7, not_scorable="implant")
    )
    for level in run.scored().levels:
        for _, component in level.components.items():
            assert component.evidence
            assert all(fact.text.endswith(".") and fact.source for fact in component.evidence)


def test_where_nobody_looked_for_lesions_no_level_is_free_of_them(build: Any) -> None:
    measured = replace(build.usual().measured(), lesions_searched=False)
    scores = score(measured, {}, ScoringSettings())
    assert [s.level for s in scores.levels] == [v.level for v in measured.vertebrae]
    assert scores.patient.total is None
    for level in scores.levels:
        assert level.state == "candidate"
        assert level.reason is not None
        assert "not looked for" in level.reason
        assert level.components.bone_lesion.possible == (0, 1, 2)
        assert level.components.posterolateral.possible == (0, 1, 3)
        assert "is likely a metastasis" not in level.components.bone_lesion.evidence[0].text
