"""Three and more scans: trajectories, first events and their dates, treatments, what cannot be compared."""

from __future__ import annotations

import pytest

from spineimg.core.errors import UsageError
from spineimg.core.estimate import Estimate
from spineimg.core.levels import Level
from spineimg.core.measurements import LesionMeasurement, StructureShares
from spineimg.core.settings.tracking import TrackingSettings
from spineimg.core.track import Treatment
from spineimg.core.volume import Modality
from spineimg.tracking import parse_treatments, track

SETTINGS = TrackingSettings(shape_spacing_mm=2.0)
LEVELS = [Level.T12, Level.L1, Level.L2]
DATES = ("2026-01-01", "2026-04-01", "2026-09-01")


@pytest.fixture(scope="module")
def patient(drawn):
    """L1 whole, then fallen by a third, then by a fifth of what was left; its loss then is not sure."""
    heights = ((24.0, 24.0, 24.0), (16.0, 20.0, 23.0), (12.5, 18.0, 23.0))
    losses = ((0.0, 4.0), (18.0, 40.0), (40.0, 55.0))
    return [
        drawn(LEVELS, date=day, path=f"visit{k}", spacing_mm=3.0, heights={Level.L1: h}, loss={Level.L1: x})
        for k, (day, h, x) in enumerate(zip(DATES, heights, losses, strict=True))
    ]


@pytest.fixture(scope="module")
def result(patient):
    return track(patient, SETTINGS)


def level_of(result, level):
    return next(one for one in result.levels if one.level is level)


def test_the_first_visit_of_each_event_is_dated_between_two_scans(result):
    events = [(e.kind, e.after, e.by, e.visit) for e in level_of(result, Level.L1).events]
    assert events == [
        ("new_fracture", DATES[0], DATES[1], 1),
        ("progression", DATES[1], DATES[2], 2),
    ]
    assert level_of(result, Level.L2).events == ()


def test_what_broke_before_is_broken_though_its_loss_is_not_sure(result):
    first, second = level_of(result, Level.L1).intervals
    assert (first.new_fracture, first.event) == ("yes", "yes")
    assert (second.new_fracture, second.progression, second.event) == ("no", "yes", "yes")


def test_a_trajectory_holds_every_scan_and_the_fall_since_the_first(result):
    visits = level_of(result, Level.L1).visits
    assert [v.case for v in visits] == [0, 1, 2]
    assert [v.heights_mm.anterior.value for v in visits] == [24.0, 16.0, 12.5]
    assert visits[0].fall_points is None
    assert [v.fall_points.value for v in visits[1:]] == pytest.approx([100 * 8 / 24, 100 * 11.5 / 24])


@pytest.mark.parametrize("kind", ["surgery", "cement", "stabilisation"])
def test_what_ends_the_comparison_is_a_competing_event_of_its_date(patient, kind):
    treated = track(patient, SETTINGS, treatments=(Treatment(Level.L1, kind, "2026-06-15"),))
    one = level_of(treated, Level.L1)
    assert [i.event for i in one.intervals] == ["yes", "undetermined"]
    assert "2026-06-15" in one.intervals[1].reason and kind in one.intervals[1].reason
    assert one.intervals[1].height_loss_change_points is None
    assert one.visits[2].fall_points is None and one.visits[1].fall_points is not None
    competing = [(e.kind, e.after, e.by) for e in one.events if e.competing]
    assert competing == [(kind, "2026-06-15", "2026-06-15")]
    assert level_of(treated, Level.L2).intervals[1].event == "no"


def test_radiotherapy_ends_nothing(patient, result):
    treated = track(patient, SETTINGS, treatments=(Treatment(None, "radiotherapy", "2026-02-01"),))
    assert treated.levels == result.levels
    assert treated.treatments[0].kind == "radiotherapy"


def test_treatments_are_read_from_words():
    assert parse_treatments(["L1=Cement@2025-06-01", "all=radiotherapy@2025-01-02"]) == (
        Treatment(None, "radiotherapy", "2025-01-02"),
        Treatment(Level.L1, "cement", "2025-06-01"),
    )


@pytest.mark.parametrize(
    "word", ["L1", "L1=cement", "L1=glue@2025-06-01", "L1=cement@June", "all=surgery@2025-06-01"]
)
def test_a_treatment_that_means_nothing_is_refused(word):
    with pytest.raises(UsageError, match="treatment-syntax"):
        parse_treatments([word])


def test_a_lesion_of_the_sacrum_is_compared_though_it_has_no_heights(drawn):
    def lesion(ml: float) -> LesionMeasurement:
        return LesionMeasurement(
            1, Level.SACRUM, "likely", None, ("lytic",), Estimate(ml, ml - 0.3, ml + 0.3), None, None,
            StructureShares(), (), (), (0.0, 0.0, 0.0),
        )  # fmt: skip

    points = [
        drawn([Level.L5, Level.SACRUM], date=day, path=day, spacing_mm=3.0, lesions=(lesion(ml),))
        for day, ml in zip(DATES[:2], (5.0, 12.0), strict=True)
    ]
    (interval,) = level_of(track(points, SETTINGS), Level.SACRUM).intervals
    assert interval.lesion_response == "larger"
    assert interval.lesion_volume_change_ml.value == pytest.approx(7.0)
    assert interval.event == "undetermined" and "no body heights" in interval.reason


def test_ct_against_mr_says_per_level_what_cannot_be_compared(drawn, patient):
    mr = drawn(LEVELS, date=DATES[1], path="mr", spacing_mm=3.0, modality=Modality.MR)
    found = track([patient[0], mr], SETTINGS)
    assert "modalities-differ" in {c.code for c in found.caveats}
    for one in found.levels:
        said = " ".join(one.intervals[0].not_compared)
        assert "CT and MR" in said and "assumed, not measured" in said
