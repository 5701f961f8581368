"""Collapse: by the interval of the height loss; below a fracture, by endplate and body involvement."""

from __future__ import annotations

from typing import Any

import pytest

from spineimg.core.levels import Level
from spineimg.core.measurements import Heights


def component(build: Any, body: Any = (17, 23), broken: tuple[str, ...] = (), **changes: Any) -> Any:
    share = None if body is None else build.est(*body)
    column = (
        build.usual().lesion(Level.L1, body_percent=share, cortex_broken=broken).vertebra(Level.L1, **changes)
    )
    return column.scored().of(Level.L1).components.collapse


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (55, 60, {3}),
        (50.1, 60, {3}),
        (50, 50, {2, 3}),  # exactly 50 is unassigned in the paper
        (50, 60, {2, 3}),
        (44, 53, {2, 3}),
        (25, 40, {2}),
        (20, 20, {2}),  # the limit itself is a fracture
        (20, 50, {2}),  # the whole closed range
        (19.9, 50, {0, 2}),
        (15, 25, {0, 2}),
        (15, 20, {0, 2}),
        (19.9, 19.9, {0}),
        (-3, 5, {0}),
        (10, 60, {0, 2, 3}),
    ],
)
def test_collapse_points_follow_the_interval_of_the_loss(
    build: Any, low: float, high: float, expected: set[int]
) -> None:
    assert set(component(build, height_loss_percent=build.est(low, high)).possible) == expected


def test_a_measured_fifty_straddles_even_at_the_end_of_its_interval(build: Any) -> None:
    assert component(build, height_loss_percent=build.est(45, 50, 50)).possible == (2, 3)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ((55, 70), {1}),
        ((50.1, 50.1), {1}),
        ((50, 50), {0}),
        ((45, 55), {0, 1}),
        ((0, 50), {0}),
        (None, {0, 1}),
    ],
)
def test_an_uncollapsed_body_counts_by_its_involvement(build: Any, body: Any, expected: set[int]) -> None:
    assert set(component(build, body=body).possible) == expected


def test_involvement_does_not_count_in_a_collapsed_body(build: Any) -> None:
    assert component(build, body=(60, 80), height_loss_percent=build.est(25, 40)).possible == (2,)


@pytest.mark.parametrize(
    ("step", "expected"), [((0, 1.9), {0}), ((2, 3), {0, 2}), ((1.5, 2.5), {0, 2}), ((1.5, 2.0), {0, 2})]
)
def test_a_stepped_endplate_is_a_fracture_with_little_loss(
    build: Any, step: tuple[float, float], expected: set[int]
) -> None:
    assert set(component(build, endplate_step_mm=build.est(*step)).possible) == expected


@pytest.mark.parametrize(
    ("body", "expected"), [((60, 80), {1, 2}), ((10, 20), {0, 2}), ((45, 55), {0, 1, 2})]
)
def test_a_stepped_endplate_adds_to_the_line_above(build: Any, body: Any, expected: set[int]) -> None:
    assert set(component(build, body=body, endplate_step_mm=build.est(3, 4)).possible) == expected


def test_a_broken_endplate_counts_as_a_step(build: Any) -> None:
    found = component(build, broken=("upper_endplate",))
    assert found.possible == (0, 2)
    assert "upper endplate of L1 is broken" in found.evidence[-1].text


def test_a_step_that_could_not_be_measured_is_not_zero(build: Any) -> None:
    found = component(build, endplate_step_mm=None)
    assert found.possible == (0, 2)
    assert "searched for a step" in found.evidence[-1].text


def test_a_loss_that_could_not_be_measured_leaves_everything_open(build: Any) -> None:
    found = component(build, body=None, height_loss_percent=None)
    assert found.possible == (0, 1, 2, 3)
    assert "unknown" in found.evidence[0].text
    assert found.evidence[0].value is None


def test_what_is_known_of_the_body_still_narrows(build: Any) -> None:
    assert component(build, body=(60, 80), height_loss_percent=None).possible == (1, 2, 3)


def test_the_involvement_of_several_lesions_adds_up(build: Any) -> None:
    column = (
        build.usual()
        .lesion(Level.L1, body_percent=build.est(28, 32))
        .lesion(Level.L1, body_percent=build.est(28, 32))
    )
    assert column.scored().of(Level.L1).components.collapse.possible == (1,)
    half_known = (
        build.usual().lesion(Level.L1, body_percent=build.est(28, 32)).lesion(Level.L1, body_percent=None)
    )
    assert half_known.scored().of(Level.L1).components.collapse.possible == (0, 1)
    surely = (
        build.usual().lesion(Level.L1, body_percent=build.est(52, 55)).lesion(Level.L1, body_percent=None)
    )
    assert surely.scored().of(Level.L1).components.collapse.possible == (1,)


def test_the_sentence_of_the_reference_example(build: Any) -> None:
    found = component(
        build,
        heights_mm=Heights(build.est(17.1, 18.5, 17.8), None, None),
        expected_heights_mm=Heights(build.near(25.6, 0.5), None, None),
        height_loss_percent=build.est(26, 35, 30),
    )
    (fact,) = found.evidence
    assert fact.text == (
        "Anterior height of L1 17.8 mm (17.1-18.5), expected 25.6 mm (25.1-26.1) from unaffected neighbours: "
        "loss 30 % (26-35), above 20 % (Genant 1993), below 50 % (Fisher 2010): collapse 2 points."
    )
    assert (fact.value, fact.threshold, fact.unit) == (30, 20.0, "%")
    assert "Genant 1993" in (fact.source or "")
    assert fact.picture == "pictures/L1_sagittal.png"


def test_rounding_never_puts_a_loss_on_a_limit_that_it_does_not_reach(build: Any) -> None:
    fact = component(build, height_loss_percent=build.est(25.2, 49.6, 40.0)).evidence[0]
    assert "loss 40.0 % (25.2-49.6)" in fact.text
