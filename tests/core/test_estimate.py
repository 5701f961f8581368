"""Measured numbers and sets of possible values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spineimg.core.estimate import Estimate, Possible

numbers = st.floats(-1e6, 1e6)


@pytest.mark.parametrize(
    "ends", [(1, 2, 3), (3, 1, 2), (2, 3, 1), (float("nan"), 0, 1), (0, float("nan"), 1)]
)
def test_an_interval_holds_its_value(ends: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="low <= value <= high"):
        Estimate(*ends)


@given(value=numbers, sd=st.floats(0, 1e3))
def test_the_interval_of_an_sd_is_95_percent(value: float, sd: float) -> None:
    found = Estimate.from_sd(value, sd)
    assert found.high - found.low == pytest.approx(2 * 1.959964 * sd, rel=1e-4, abs=1e-6)
    assert (found.high + found.low) / 2 == pytest.approx(value, abs=1e-6)


@given(ends=st.lists(numbers, min_size=3, max_size=3).map(sorted))
def test_clipping_keeps_the_order_and_the_limits(ends: list[float]) -> None:
    found = Estimate(ends[1], ends[0], ends[2]).clipped(0.0, 100.0)
    assert 0 <= found.low <= found.value <= found.high <= 100


def test_an_estimate_is_read_with_its_interval() -> None:
    assert str(Estimate(17.84, 17.1, 18.5)) == "17.8 (17.1 to 18.5)"


@pytest.mark.parametrize("values", [(), (1, 1)])
def test_a_set_of_possible_values_is_not_empty_and_has_none_twice(values: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="possible values"):
        Possible(values)


@given(first=st.sets(st.integers(0, 9), min_size=1), second=st.sets(st.integers(0, 9), min_size=1))
def test_a_union_holds_both_in_order(first: set[int], second: set[int]) -> None:
    union = Possible.of(first) | Possible.of(second)
    assert list(union.values) == sorted(first | second)
    assert union.decided is (len(first | second) == 1)
