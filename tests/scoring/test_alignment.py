"""Alignment: static limits by junction, normal ranges, the worse of the two junctions."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spineimg.core.levels import Level
from spineimg.core.measurements import Heights, StructureShares
from spineimg.core.settings.scoring import ScoringSettings
from spineimg.scoring import score
from spineimg.scoring.deformity import normal_range

SETTINGS = ScoringSettings()


def points(column: Any, level: Level) -> set[int]:
    return set(column.lesion(level).scored().of(level).components.alignment.possible)


def shifted(build: Any, upper: Level, low: float, high: float, way: str = "ap", **changes: Any) -> Any:
    return build.usual().segment(upper, **{f"translation_{way}_mm": build.est(low, high)}, **changes)


def usual_below(level: Level) -> Level:
    below = level.below()
    assert below is not None
    return Level.S1 if below is Level.SACRUM else below


CERVICAL = [Level(f"C{n}") for n in range(2, 7)]
THORACIC = [Level.C7, *(Level(f"T{n}") for n in range(1, 13))]
LUMBAR = [Level(f"L{n}") for n in range(1, 6)]


@pytest.mark.parametrize(
    ("upper", "limit"),
    [*((u, 3.5) for u in CERVICAL), *((u, 2.5) for u in THORACIC), *((u, 4.5) for u in LUMBAR)],
)
def test_static_limits_by_junction(build: Any, upper: Level, limit: float) -> None:
    for level in (upper, usual_below(upper)):
        assert points(shifted(build, upper, limit, limit + 1), level) == {4}  # the limit itself counts
        assert points(shifted(build, upper, limit - 1, limit - 0.1), level) == {0}
        assert points(shifted(build, upper, limit - 0.5, limit + 0.5), level) == {0, 4}
        assert points(shifted(build, upper, -limit - 1, -limit), level) == {4}  # backwards too
        assert points(shifted(build, upper, limit, limit + 1, "lateral"), level) == {4}  # and to a side


def test_a_limit_belongs_to_the_junction_not_to_the_level(build: Any) -> None:
    assert points(shifted(build, Level.C6, 3.0, 3.2), Level.C7) == {0}  # C6-C7: 3.5 mm
    assert points(shifted(build, Level.C7, 3.0, 3.2), Level.C7) == {4}  # C7-T1: 2.5 mm
    assert points(shifted(build, Level.T12, 3.0, 3.2), Level.L1) == {4}  # T12-L1: 2.5 mm
    assert points(shifted(build, Level.L1, 3.0, 3.2), Level.L1) == {0}  # L1-L2: 4.5 mm


@pytest.mark.parametrize(
    ("way", "low", "high", "expected"),
    [
        ("ap", 3.0, 3.0, {0}),
        ("ap", 3.1, 4, {4}),
        ("ap", 2, 4, {0, 4}),
        ("lateral", 7, 7, {0}),
        ("lateral", 7.1, 8, {4}),
    ],
)
def test_atlas_on_axis(build: Any, way: str, low: float, high: float, expected: set[int]) -> None:
    assert points(shifted(build, Level.C1, low, high, way), Level.C1) == expected


@pytest.mark.parametrize(
    ("depth", "shift", "expected"), [(28.0, 4.3, {4}), (28.0, 4.1, {0}), (40.0, 4.6, {4}), (None, 4.3, {0})]
)
def test_lumbar_limit_in_percent_of_the_depth_below(
    build: Any, depth: float | None, shift: float, expected: set[int]
) -> None:
    # 15 % of 28 mm are 4.2 mm; of 40 mm 6 mm, where 4.5 mm comes first.
    assert points(shifted(build, Level.L3, shift, shift, caudal_depth_mm=depth), Level.L3) == expected


@pytest.mark.parametrize(
    ("cause", "expected"),
    [("none", {4}), ("other", {4}), ("degenerative", {0, 4}), ("pars-defect", {0, 4}), ("unknown", {0, 4})],
)
def test_a_slip_with_another_cause_in_sight_is_open(build: Any, cause: Any, expected: set[int]) -> None:
    assert points(shifted(build, Level.L4, 6, 8, listhesis_cause=cause), Level.L4) == expected


def test_a_cause_without_a_slip_changes_nothing(build: Any) -> None:
    assert points(build.usual().segment(Level.L4, listhesis_cause="degenerative"), Level.L4) == {0}


def test_a_shift_that_could_not_be_measured_is_open(build: Any) -> None:
    column = build.usual().segment(Level.L1, translation_ap_mm=None)
    assert points(column, Level.L1) == {0, 4}
    level = column.lesion(Level.L1).scored().of(Level.L1)
    assert any("could not be measured" in fact.text for fact in level.components.alignment.evidence)


@pytest.mark.parametrize("upper", [*CERVICAL, *THORACIC, *LUMBAR])
def test_kyphosis_beyond_the_normal_range_may_be_new(build: Any, upper: Level) -> None:
    normal = normal_range(upper, SETTINGS)
    assert normal is not None
    for change, expected in ((-0.5, {0}), (0.0, {0}), (0.5, {0, 2})):
        angle = build.est(normal.limit_deg - 4, normal.limit_deg + change)
        assert points(build.usual().segment(upper, kyphosis_deg=angle), upper) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"), [(5, 10, {0}), (5, 10.1, {0, 2}), (-12, -8, {0, 2}), (-9, 9, {0})]
)
def test_scoliosis_beyond_ten_degrees_may_be_new(
    build: Any, low: float, high: float, expected: set[int]
) -> None:
    assert points(build.usual().segment(Level.L2, scoliosis_deg=build.est(low, high)), Level.L2) == expected


@pytest.mark.parametrize("name", ["kyphosis_deg", "scoliosis_deg"])
def test_an_angle_that_could_not_be_measured_is_open(build: Any, name: str) -> None:
    assert points(build.usual().segment(Level.L2, **{name: None}), Level.L2) == {0, 2}


def test_atlas_and_axis_have_no_endplates_between_them(build: Any) -> None:
    assert points(build.usual().segment(Level.C1, kyphosis_deg=None, scoliosis_deg=None), Level.C1) == {0}


@pytest.mark.parametrize(
    ("kyphosis", "scoliosis", "expected"),
    [((4, 6), (0, 2), {0, 2}), ((-9, -8), (0, 2), {0}), ((-9, -8), (4, 6), {0, 2}), ((-9, -8), (3, 5), {0})],
)
def test_an_angle_at_a_collapsed_level_may_be_new(
    build: Any, kyphosis: Any, scoliosis: Any, expected: set[int]
) -> None:
    # Normal means at L3: L2-L3 -5.9, L3-L4 -9.1 degrees; more lordosis than the mean is no kyphosis.
    column = build.usual().vertebra(Level.L3, height_loss_percent=build.est(25, 35))
    column = column.segment(Level.L3, kyphosis_deg=build.est(-12, -10), scoliosis_deg=build.est(0, 1))
    column = column.segment(Level.L2, kyphosis_deg=build.est(*kyphosis), scoliosis_deg=build.est(*scoliosis))
    assert points(column, Level.L3) == expected


def test_a_collapsed_neighbour_bends_the_junction_too(build: Any) -> None:
    # T12-L1: normal mean 3.7, up to 12.1 degrees; 5 more than the mean may be new beside a collapsed body.
    column = build.usual().segment(Level.T12, kyphosis_deg=build.est(7, 9))
    assert points(column, Level.T12) == {0}
    collapsed = column.vertebra(Level.L1, height_loss_percent=build.est(25, 35))
    assert points(collapsed, Level.T12) == {0, 2}
    assert points(collapsed.segment(Level.T12, kyphosis_deg=build.est(6, 8.5)), Level.T12) == {0}
    assert points(collapsed, Level.T11) == {0}
    assert points(column.vertebra(Level.L1, height_loss_percent=None), Level.T12) == {0}


def test_the_worse_junction_scores(build: Any) -> None:
    column = shifted(build, Level.L1, 6, 8).segment(Level.T12, kyphosis_deg=build.est(25, 30))
    assert points(column, Level.L1) == {4}
    open_above = shifted(build, Level.L1, 4, 5).segment(Level.T12, kyphosis_deg=build.est(25, 30))
    assert points(open_above, Level.L1) == {0, 2, 4}


def test_other_junctions_do_not_count(build: Any) -> None:
    assert points(shifted(build, Level.L3, 6, 8), Level.L2) == {0}


def test_a_junction_out_of_view_is_open(build: Any) -> None:
    column = build.column([Level.T12, Level.L1, Level.L2])
    assert points(column, Level.T12) == {0, 2, 4}
    assert points(column, Level.L2) == {0, 2, 4}
    assert points(column, Level.L1) == {0}
    assert points(shifted_run(build), Level.L2) == {4}  # the other junction is the worst that can be


def shifted_run(build: Any) -> Any:
    return build.column([Level.T12, Level.L1, Level.L2]).segment(Level.L1, translation_ap_mm=build.est(6, 8))


@pytest.mark.parametrize("level", [Level.S2, Level.S3, Level.S4, Level.S5])
def test_fused_segments_have_no_joint(build: Any, level: Level) -> None:
    assert points(build.usual(), level) == {0}


def test_s1_and_the_undivided_sacrum_have_one_junction(build: Any) -> None:
    assert points(build.usual(), Level.S1) == {0}
    assert points(build.column([Level.L5, Level.SACRUM]), Level.SACRUM) == {0}


@pytest.mark.parametrize(
    ("then", "now", "expected"),
    [
        ((0, 2), (18, 20), {2}),
        ((16, 18), (17, 19), {0}),
        ((10, 16), (15, 21), {0, 2}),
        ((18, 20), (0, 2), {0}),
    ],
)
def test_with_an_earlier_scan_the_change_decides(build: Any, then: Any, now: Any, expected: set[int]) -> None:
    column = build.usual().lesion(Level.L1)
    before = column.segment(Level.T12, kyphosis_deg=build.est(*then)).measured()
    after = column.segment(Level.T12, kyphosis_deg=build.est(*now)).measured()
    scores = score(after, {}, SETTINGS, before)
    level = scores.of(Level.L1)
    assert level is not None
    assert set(level.components.alignment.possible) == expected


def test_evidence_names_limit_source_place_and_picture(build: Any) -> None:
    level = shifted(build, Level.L1, 5.5, 6.5).lesion(Level.L1).scored().of(Level.L1)
    fact = next(f for f in level.components.alignment.evidence if "Shift of L1 on L2" in f.text)
    assert fact.text == (
        "Shift of L1 on L2 6.0 mm (5.5-6.5) forwards, translation from 4.5 mm or 15 % of the depth of L2 "
        "(5.0 mm) "
        "(White & Panjabi 1990): present; no other cause is seen."
    )
    assert (fact.value, fact.threshold, fact.unit) == (6.0, 4.5, "mm")
    assert "White & Panjabi 1990" in (fact.source or "")
    assert fact.lps_mm is not None
    assert fact.picture == "pictures/L1_sagittal.png"
    assert (
        level.components.alignment.evidence[-1].text == "The worst junction of L1 counts: alignment 4 points."
    )


def test_lumbar_normal_angles_are_those_of_the_cited_table(shared: Path) -> None:
    table = shared / "data" / "tables" / "published_spinal_alignment.csv"
    with table.open(encoding="utf-8", newline="") as file:
        rows = {r["measure"]: r for r in csv.DictReader(file) if r["group"] == "all"}
    for upper, lower in zip(LUMBAR, [*LUMBAR[1:], "S1"], strict=True):
        row, ours = rows[f"segmental_lordosis_{upper}-{lower}"], SETTINGS.normal_angle(str(upper))
        assert ours is not None
        assert (ours.mean_deg, ours.sd_deg) == (-float(row["mean"]), float(row["sd"]))
        assert "standing" in ours.source


@pytest.mark.parametrize(
    ("region", "uppers", "count"), [("kyphosis_T1_T5", range(1, 5), 5), ("kyphosis_T5_T12", range(5, 13), 8)]
)
def test_thoracic_normal_angles_share_the_cited_region(
    shared: Path, region: str, uppers: range, count: int
) -> None:
    table = shared / "data" / "tables" / "published_spinal_alignment.csv"
    with table.open(encoding="utf-8", newline="") as file:
        row = next(r for r in csv.DictReader(file) if r["measure"] == region)
    for number in uppers:
        ours = SETTINGS.normal_angle(f"T{number}")
        assert ours is not None
        assert ours.mean_deg == pytest.approx(float(row["mean"]) / count, abs=0.05)
        assert ours.sd_deg == pytest.approx(float(row["sd"]) / count**0.5, abs=0.05)


def test_every_junction_but_the_first_has_a_normal_range() -> None:
    assert [str(level) for level in Level if normal_range(level, SETTINGS) is None and level.is_vertebra] == [
        "C1"
    ]
    assert normal_range(Level.T13, SETTINGS) == normal_range(Level.T12, SETTINGS)
    assert normal_range(Level.L6, SETTINGS) == normal_range(Level.L5, SETTINGS)


def test_a_profile_can_give_its_own_ranges() -> None:
    row = {"upper": "L1", "mean_deg": 0.0, "sd_deg": 1.0, "source": "a recumbent series"}
    changed = replace(SETTINGS, normal_angles=(row,))  # type: ignore[arg-type]
    found = normal_range(Level.L1, changed)
    assert found is not None
    assert found.limit_deg == 2.0  # recumbent figures are not widened


def test_signs_of_degeneration_and_what_the_tumour_took_are_both_told(build: Any) -> None:
    shares = StructureShares(facet_left=build.est(60, 80), facet_right=build.est(0, 2))
    column = shifted(build, Level.L4, 6, 8).lesion(Level.L4, structures_percent=shares)
    found = column.scored().of(Level.L4).components.alignment
    assert found.possible == (4,)
    assert any("the tumour takes the left facet of L4" in fact.text for fact in found.evidence)
    old = column.segment(
        Level.L4, listhesis_cause="degenerative", degenerative_signs=("vacuum", "disc-narrowed")
    )
    open_one = old.scored().of(Level.L4)
    assert open_one.components.alignment.possible == (0, 4)
    said = " ".join(fact.text for fact in open_one.components.alignment.evidence)
    assert "the disc holds gas and the disc has lost height" in said
    assert "the left facet of L4" in said
    assert any("earlier scan, or a reader" in question.question for question in open_one.decide)


@pytest.mark.parametrize(("then", "expected"), [((0, 1), {4}), ((6, 8), {0, 4}), ((3, 5.9), {0, 4})])
def test_a_slip_that_grew_since_an_earlier_scan_counts(build: Any, then: Any, expected: set[int]) -> None:
    column = shifted(build, Level.L4, 6, 8, listhesis_cause="degenerative").lesion(Level.L4)
    before = column.segment(Level.L4, translation_ap_mm=build.est(*then)).measured()
    level = score(column.measured(), {}, SETTINGS, before).of(Level.L4)
    assert level is not None
    assert set(level.components.alignment.possible) == expected


def alone(build: Any, *levels: Level, **changes: Any) -> Any:
    """Alignment of T9 in a column of these levels, of which the segment T8-T9 is left."""
    column = build.column(levels).vertebra(Level.T10, **changes).lesion(Level.T9)
    column = replace(column, segments=column.segments[:1])
    return column.scored().of(Level.T9)


def test_an_unseen_junction_says_why_and_what_would_show_it(build: Any) -> None:
    nothing = Heights(None, None, None)
    cut = alone(build, Level.T8, Level.T9, Level.T10, complete=False, heights_mm=nothing)
    assert (
        "below T9 could not be measured: T10 is cut by the edge" in cut.components.alignment.evidence[0].text
    )
    whole = alone(build, Level.T8, Level.T9, Level.T10, complete=False)
    assert "posterior wall of T9 or T10 was not found" in whole.components.alignment.evidence[0].text
    last = alone(build, Level.T8, Level.T9)
    assert "no vertebra was found below it" in last.components.alignment.evidence[0].text
    assert last.decide[0].question.endswith("A scan that shows both decides.")


def test_what_costs_points_is_said_first_and_the_worst_angle_is_asked_for(build: Any) -> None:
    column = build.usual().segment(Level.T8, scoliosis_deg=build.est(9, 13)).lesion(Level.T9)
    column = column.segment(Level.T9, kyphosis_deg=build.est(24, 28))
    alignment = column.scored().of(Level.T9).components.alignment
    assert [fact.text.split(" of ")[0] for fact in alignment.evidence[:2]] == ["Kyphosis", "Scoliosis"]
    questions = {q.component: q.question for q in column.scored().of(Level.T9).decide}
    assert questions["alignment"].startswith("Is the kyphosis of T9-T10 new?")
