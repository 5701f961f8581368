"""The reasoning of one score, as a reader sees it."""

from __future__ import annotations

from typing import Any

import pytest

from spineimg.core.errors import UsageError
from spineimg.core.levels import Level
from spineimg.core.measurements import Heights
from spineimg.core.settings.scoring import ScoringSettings
from spineimg.scoring import explain


def test_explain_has_total_components_citations_and_the_decisive_question(build: Any) -> None:
    column = build.usual().lesion(Level.L1).segment(Level.L1, translation_ap_mm=build.est(4, 5))
    text = explain(column.measured(), column.scored(), Level.L1)
    assert text.startswith("L1: SINS 5-12 of 18, stable (0-6) or potentially unstable (7-12)\n")
    for heading in (
        "Location: 3",
        "Pain: 0, 1 or 3 (open)",
        "Bone lesion: 2",
        "Alignment: 0 or 4 (open)",
        "Collapse: 0",
    ):
        assert f"\n{heading}\n" in text
    for citation in ("Fisher 2010", "Genant 1993", "White & Panjabi 1990", "ours, see docs/settings.md"):
        assert citation in text
    assert "Sum: 3 + 0|1|3 + 2 + 0|4 + 0 + 0 = 5-12" in text
    assert "  ? To decide: Is there pain at L1" in text
    assert "Points that an answer can take away: alignment (up to 4) then pain (up to 3)." in text
    assert "anterior 25.0 mm (24.8-25.2), expected 25.0 (24.8-25.2); middle 24.0 mm" in " ".join(text.split())
    assert "\nPatient: 5-12, from L1; candidates do not count.\n" in text


def test_a_candidate_says_why(build: Any) -> None:
    column = build.usual().lesion(Level.L1, status="doubtful", look_alike="enostosis")
    text = explain(column.measured(), column.scored(), Level.L1)
    assert "Candidate only: the lesion of L1 is doubtful: it looks like enostosis." in text
    assert "First to decide: Is the lesion of L1 a metastasis? A reader decides" in text
    assert "Patient:" not in text


def test_a_level_without_a_score_is_refused_and_the_others_are_named(build: Any) -> None:
    column = build.usual().lesion(Level.L1).lesion(Level.T5)
    with pytest.raises(UsageError) as caught:
        explain(column.measured(), column.scored(), Level.L2)
    assert caught.value.code == "level-not-scored"
    assert "T5 and L1" in caught.value.remedy


def test_a_changed_threshold_changes_score_and_evidence(build: Any) -> None:
    column = build.usual().lesion(Level.L1, lytic_percent=build.est(85, 95))
    level = column.scored(ScoringSettings(lytic_percent=99.0)).of(Level.L1)
    assert level.components.bone_lesion.possible == (1,)
    assert "lytic from 99 %" in level.components.bone_lesion.evidence[0].text


def test_a_level_that_is_not_scored_does_not_begin_with_a_total(build: Any) -> None:
    column = build.usual().lesion(Level.L1).vertebra(Level.L1, not_scorable="cement")
    text = explain(column.measured(), column.scored(), Level.L1)
    assert text.startswith("L1: not scored, cement in L1\n")


def test_the_patients_total_names_both_levels_that_it_comes_from(build: Any) -> None:
    column = build.usual().lesion(Level.L1).with_pain(Level.L1, "none").lesion(Level.T5)
    column = column.segment(Level.T5, translation_ap_mm=None)
    text = explain(column.measured(), column.scored(), Level.T5)
    assert "\nPatient: 5-10, at least as L1 (5), at most as T5 (3-10); candidates do not count.\n" in text


def test_a_body_taller_than_expected_is_said(build: Any) -> None:
    heights = Heights(build.near(30.0), build.near(24.0), build.near(26.0))
    column = build.usual().lesion(Level.L1).vertebra(Level.L1, heights_mm=heights)
    text = explain(column.measured(), column.scored(), Level.L1)
    assert "taller than expected (anterior): look whether the mask takes in a disc" in " ".join(text.split())
