"""Response of lesions and crossing of SINS limits, as the follow-up definitions say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spineimg.core.estimate import Estimate
from spineimg.core.levels import Level
from spineimg.core.measurements import LesionMeasurement, StructureShares
from spineimg.core.scores import Component, Components, LevelScore, Total
from spineimg.core.settings.tracking import TrackingSettings
from spineimg.tracking.lesion_change import crossed, difference, lesion_change

SETTINGS = TrackingSettings()
PERCENT = 25.0
"""Smallest detectable change of a volume in these tests."""


def lesion(
    ml: float, lytic: tuple[float, float] | None = (90, 94), status: str = "likely", half: float = 0.1
) -> LesionMeasurement:
    return LesionMeasurement(
        1, Level.L1, status, None, ("lytic",), Estimate(ml, ml - half, ml + half),  # type: ignore[arg-type]
        None if lytic is None else Estimate(sum(lytic) / 2, *lytic),
        None, StructureShares(), (), (), (0.0, 0.0, 0.0),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("then", "now", "response"),
    [
        ([], [], "none"),
        ([], [lesion(3.0)], "new"),
        ([], [lesion(0.15, half=0.05)], "undetermined"),  # less than any change that counts
        ([lesion(4.0)], [lesion(6.0)], "larger"),  # + 33 % of the larger
        ([lesion(4.0)], [lesion(4.9)], "stable"),  # + 18 %
        ([lesion(6.0)], [lesion(4.0)], "smaller"),
        ([lesion(6.0)], [], "smaller"),
        ([lesion(4.0)], [lesion(6.0, half=4.0)], "undetermined"),  # the interval holds no change
        ([lesion(4.0)], [lesion(4.0, (60, 64))], "sclerosing"),  # lytic share falls by 26 to 34
        ([lesion(4.0)], [lesion(4.0, (76, 80))], "stable"),  # by 10 to 18
        ([lesion(4.0)], [lesion(4.0, (70, 74))], "undetermined"),  # 20 (17 to 23) straddles 20
        ([lesion(4.0)], [lesion(6.0, (20, 24))], "sclerosing"),  # wider, but lytic 3.7 ml then, 1.3 now
        (
            [lesion(4.0)],
            [lesion(9.0, (40, 44))],
            "larger",
        ),  # lytic 3.7 ml then and 3.8 now
        ([lesion(4.0, (60, 64))], [lesion(4.0)], "stable"),  # lytic share rises
        ([lesion(4.0, None)], [lesion(4.0, None)], "stable"),  # MR: by volume alone
        ([lesion(4.0, status="doubtful")], [lesion(8.0, status="doubtful")], "undetermined"),
        ([lesion(2.0), lesion(2.0)], [lesion(3.0), lesion(3.0)], "larger"),
    ],
)
def test_a_response_has_its_name(then, now, response):
    assert lesion_change(then, now, PERCENT, SETTINGS).response == response


def test_without_a_detectable_change_nothing_is_claimed():
    assert lesion_change([lesion(4.0)], [lesion(9.0)], None, SETTINGS).response == "undetermined"


estimates = st.builds(
    lambda value, down, up: Estimate(value, value - down, value + up),
    st.floats(0, 50), st.floats(0, 5), st.floats(0, 5),
)  # fmt: skip


@given(estimates, estimates)
def test_backward_is_the_opposite_of_forward(then, now):
    forward, backward = difference(then, now), difference(now, then)
    assert (backward.value, backward.low, backward.high) == (-forward.value, -forward.high, -forward.low)


@given(st.floats(0.3, 30), st.floats(0.3, 30))
def test_larger_forward_is_smaller_backward(a, b):
    opposite = {"larger": "smaller", "smaller": "larger", "stable": "stable", "undetermined": "undetermined"}
    forward = lesion_change([lesion(a)], [lesion(b)], PERCENT, SETTINGS).response
    assert lesion_change([lesion(b)], [lesion(a)], PERCENT, SETTINGS).response == opposite[forward]


def score(low: int, high: int, state: str = "scored") -> LevelScore:
    any_points = Component((0,), ())
    return LevelScore(
        Level.L1,
        state,
        None,
        None,
        Components(*[any_points] * 6),
        Total(low, high),
        (),
        (),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("then", "now", "limits"),
    [
        (score(4, 6), score(7, 9), (7,)),
        (score(4, 7), score(7, 9), ()),  # then touches 7
        (score(4, 6), score(6, 9), ()),  # now does not reach 7 entirely
        (score(8, 12), score(13, 15), (13,)),
        (score(3, 6), score(13, 14), (7, 13)),
        (score(13, 15), score(4, 6), (7, 13)),  # down
        (score(8, 9), score(10, 12), ()),
        (None, score(13, 14), ()),
        (score(3, 6, "candidate"), score(13, 14), ()),
    ],
)
def test_a_limit_is_crossed_by_the_whole_range_only(then, now, limits):
    assert crossed(then, now, SETTINGS) == limits
    assert crossed(now, then, SETTINGS) == limits
