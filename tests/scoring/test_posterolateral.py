"""Posterolateral involvement: a structure counts from 25 % on, or when its cortex is broken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from spineimg.core.levels import Level
from spineimg.core.measurements import StructureShares


def component(build: Any, level: Level = Level.T12, broken: tuple[str, ...] = (), **shares: Any) -> Any:
    none = build.est(0, 4)
    everything = StructureShares(none, none, none, none, none, none)
    column = build.usual().lesion(
        level, structures_percent=replace(everything, **shares), cortex_broken=broken
    )
    return column.scored().of(level).components.posterolateral


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ((0, 4), (0, 4), {0}),
        ((25, 25), (0, 4), {1}),  # the limit itself counts
        ((24.9, 24.9), (0, 4), {0}),
        ((20, 30), (0, 4), {0, 1}),
        ((30, 50), (30, 50), {3}),
        ((30, 50), (20, 30), {1, 3}),
        ((20, 30), (20, 30), {0, 1, 3}),
    ],
)
@pytest.mark.parametrize("structure", ["pedicle", "facet", "costovertebral"])
def test_sides_count_by_the_interval_of_each_share(
    build: Any, structure: str, left: tuple[float, float], right: tuple[float, float], expected: set[int]
) -> None:
    shares = {f"{structure}_left": build.est(*left), f"{structure}_right": build.est(*right)}
    assert set(component(build, **shares).possible) == expected


def test_different_structures_of_two_sides_are_bilateral(build: Any) -> None:
    shares = {"pedicle_left": build.est(40, 60), "costovertebral_right": build.est(40, 60)}
    assert component(build, **shares).possible == (3,)


def test_two_structures_of_one_side_are_unilateral(build: Any) -> None:
    shares = {"pedicle_left": build.est(40, 60), "facet_left": build.est(40, 60)}
    assert component(build, **shares).possible == (1,)


def test_a_broken_cortex_counts_below_the_limit_of_the_share(build: Any) -> None:
    found = component(build, broken=("pedicle_left",), pedicle_left=build.est(5, 12))
    assert found.possible == (1,)
    assert any("cortex broken" in fact.text for fact in found.evidence)


def test_a_speck_that_seems_to_break_the_cortex_leaves_it_open(build: Any) -> None:
    found = component(build, broken=("pedicle_left",), pedicle_left=build.est(2, 9))
    assert set(found.possible) == {0, 1}
    assert any(
        fact.text.startswith("Left pedicle") and "may only feign" in fact.text for fact in found.evidence
    )


def test_a_broken_posterior_wall_is_not_posterolateral(build: Any) -> None:
    assert component(build, broken=("posterior_wall",)).possible == (0,)


def test_a_structure_that_cannot_be_measured_is_open_not_free(build: Any) -> None:
    found = component(build, facet_right=None)
    assert found.possible == (0, 1)
    assert any("Right facet of T12: not measurable" in fact.text for fact in found.evidence)


@pytest.mark.parametrize(
    ("level", "expected"), [(Level.L1, {0}), (Level.C5, {0}), (Level.T1, {0, 1, 3}), (Level.T12, {0, 1, 3})]
)
def test_costovertebral_joints_are_of_t1_to_t12_only(build: Any, level: Level, expected: set[int]) -> None:
    found = component(build, level, costovertebral_left=None, costovertebral_right=None)
    assert set(found.possible) == expected


def test_shares_of_several_lesions_add_up(build: Any) -> None:
    none = build.est(0, 0)
    shares = StructureShares(build.est(15, 15), none, none, none, none, none)
    column = build.usual().lesion(Level.T12, structures_percent=shares)
    assert column.scored().of(Level.T12).components.posterolateral.possible == (0,)
    both = column.lesion(Level.T12, structures_percent=shares)
    assert both.scored().of(Level.T12).components.posterolateral.possible == (1,)
    doubtful = column.lesion(Level.T12, structures_percent=shares, status="doubtful")
    assert doubtful.scored().of(Level.T12).components.posterolateral.possible == (0, 1)


def test_the_evidence_names_structure_and_share(build: Any) -> None:
    found = component(build, pedicle_left=build.est(30, 45, 38))
    assert (
        found.evidence[0].text
        == "Left pedicle of T12 replaced by 38 % (30-45), at least 25 % (ours): involved."
    )
    assert (found.evidence[0].value, found.evidence[0].threshold) == (38, 25.0)
    assert found.evidence[-1].text.endswith("posterolateral 1 point.")


def test_bone_that_lacks_without_a_mask_opens_the_structure(build: Any) -> None:
    lacking = StructureShares(pedicle_left=build.est(45, 70))
    column = build.usual().vertebra(Level.L1, structures_missing_percent=lacking).lesion(Level.L1)
    found = column.scored().of(Level.L1).components.posterolateral
    assert found.possible == (0, 1)
    assert any("lacks 58 % (45-70)" in fact.text for fact in found.evidence)
    little = StructureShares(pedicle_left=build.est(10, 70))
    column = build.usual().vertebra(Level.L1, structures_missing_percent=little).lesion(Level.L1)
    assert column.scored().of(Level.L1).components.posterolateral.possible == (0,)
