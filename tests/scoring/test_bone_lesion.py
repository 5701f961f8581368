"""Bone lesion: lytic from 80 %, blastic up to 20 % by volume over all lesions of the level."""

from __future__ import annotations

from typing import Any

import pytest

from spineimg.core.levels import Level


def points(column: Any) -> set[int]:
    return set(column.scored().of(Level.L1).components.bone_lesion.possible)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (85, 95, {2}),
        (80, 80, {2}),  # the limit itself is lytic
        (79.9, 79.9, {1}),
        (79, 85, {1, 2}),
        (70, 80, {1, 2}),
        (30, 70, {1}),
        (20.1, 20.1, {1}),
        (20, 20, {0}),  # the limit itself is blastic
        (15, 25, {0, 1}),
        (20, 25, {0, 1}),
        (0, 10, {0}),
        (0, 100, {0, 1, 2}),
    ],
)
def test_points_follow_the_interval_of_the_lytic_share(
    build: Any, low: float, high: float, expected: set[int]
) -> None:
    assert points(build.usual().lesion(Level.L1, lytic_percent=build.est(low, high))) == expected


def test_several_lesions_are_pooled_by_volume(build: Any) -> None:
    lytic = {"lytic_percent": build.near(100.0, 0.0), "volume_ml": build.near(9.0)}
    blastic = {"lytic_percent": build.near(0.0, 0.0), "volume_ml": build.near(1.0)}
    assert points(build.usual().lesion(Level.L1, **lytic).lesion(Level.L1, **blastic)) == {
        2
    }  # 90 % by volume
    blastic["volume_ml"] = build.near(9.0)
    assert points(build.usual().lesion(Level.L1, **lytic).lesion(Level.L1, **blastic)) == {1}  # 50 %
    lytic["volume_ml"] = build.near(1.0)
    assert points(build.usual().lesion(Level.L1, **lytic).lesion(Level.L1, **blastic)) == {0}  # 10 %


@pytest.mark.parametrize(
    ("quality", "expected"),
    [
        (("lytic",), {2}),
        (("mixed",), {1}),
        (("blastic",), {0}),
        (("lytic", "mixed", "blastic"), {0, 1, 2}),
        ((), {0, 1, 2}),
    ],
)
def test_without_a_share_the_qualities_count(build: Any, quality: Any, expected: set[int]) -> None:
    assert points(build.usual().lesion(Level.L1, lytic_percent=None, quality=quality)) == expected


def test_unlike_lesions_without_shares_pool_to_anything_between(build: Any) -> None:
    column = build.usual().lesion(Level.L1, lytic_percent=None, quality=("lytic",))
    assert points(column.lesion(Level.L1, lytic_percent=None, quality=("blastic",))) == {0, 1, 2}


def test_on_mr_quality_is_open_and_the_evidence_says_why(build: Any) -> None:
    column = build.usual().lesion(Level.L1, lytic_percent=None, quality=("lytic", "mixed", "blastic"))
    level = column.scored().of(Level.L1)
    (fact,) = level.components.bone_lesion.evidence
    assert "MR" in fact.text
    assert fact.value is None
    assert any(q.component == "bone_lesion" for q in level.decide)


def test_a_doubtful_lesion_counts_in_and_out(build: Any) -> None:
    blastic = {"lytic_percent": build.est(0, 5), "volume_ml": build.near(60.0)}
    column = build.usual().lesion(Level.L1)
    assert points(column.lesion(Level.L1, **blastic)) == {0}
    assert points(column.lesion(Level.L1, **blastic, status="doubtful")) == {0, 2}
    assert points(column.lesion(Level.L1, **blastic, status="unlikely")) == {2}


def test_the_sentence_has_value_limits_and_the_patients_own_bone(build: Any) -> None:
    (fact,) = build.usual().lesion(Level.L1).scored().of(Level.L1).components.bone_lesion.evidence
    assert fact.text == (
        "The lesion of L1 is 90 % (85-95) lytic by volume against the patient's own healthy bone, 180 HU "
        "(172-188); lytic from 80 %, blastic up to 20 % (ours): bone lesion 2 points."
    )
    assert (fact.value, fact.threshold, fact.unit, fact.picture) == (90.0, 80.0, "%", "pictures/L1_axial.png")
    assert fact.lps_mm == (3.0, 2.0, -600.0)
