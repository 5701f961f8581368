"""What an earlier scan decides about the alignment of a later one, and what stays open."""

from __future__ import annotations

import dataclasses

import pytest

from spineimg.core.estimate import Estimate
from spineimg.core.levels import Level
from spineimg.core.measurements import LesionMeasurement, SegmentMeasurement, StructureShares
from spineimg.core.settings.scoring import ScoringSettings
from spineimg.scoring import score
from spineimg.tracking.identity import Named
from spineimg.tracking.rescoring import scores_with_earlier

SETTINGS = ScoringSettings()
LEVELS = [Level.T12, Level.L1, Level.L2]
NAMED = Named({level: level for level in LEVELS})


def scan(drawn, kyphosis: float, *, ill: bool, settings: ScoringSettings = SETTINGS, **fields: object):
    """T12 to L2 with an angle (+- 1 degree) of T12 on L1, scored alone; a lytic lesion in L1 where ill."""
    point = drawn(LEVELS, spacing_mm=6.0, **fields)
    still = Estimate(0.0, -1.0, 1.0)
    segments = tuple(
        SegmentMeasurement(a, b, still, still, Estimate(angle, angle - 1, angle + 1), still, "none", 30.0)
        for a, b, angle in ((Level.T12, Level.L1, kyphosis), (Level.L1, Level.L2, -5.0))
    )
    lesion = LesionMeasurement(
        1, Level.L1, "likely", None, ("lytic",), Estimate(4.0, 3.8, 4.2), Estimate(95.0, 92.0, 98.0),
        Estimate(15.0, 13.0, 17.0), StructureShares(), (), (), (0.0, 0.0, 0.0),
    )  # fmt: skip
    measured = dataclasses.replace(
        point.case.measurements, segments=segments, lesions=(lesion,) if ill else ()
    )
    case = dataclasses.replace(point.case, measurements=measured, scores=score(measured, {}, settings))
    return dataclasses.replace(point, case=case)


def alignment(scores) -> tuple[int, ...]:
    return scores.of(Level.L1).components.alignment.possible


@pytest.mark.parametrize(
    ("then", "ill_then", "now", "alone", "known"),
    [
        (2.0, False, 30.0, (0, 2), (2,)),  # bent since the earlier scan: de novo
        (2.0, True, 30.0, (0, 2), (2,)),
        (30.0, False, 30.0, (0, 2), (0,)),  # bent before there was a lesion, and no further
        (30.0, True, 30.0, (0, 2), (0, 2)),  # as on the first scan, which left it open
        (2.0, False, 2.0, (0,), (0,)),
        (25.0, False, 30.0, (0, 2), (0, 2)),  # 5 degrees more, give or take 1.4
    ],
)
def test_an_earlier_scan_decides_whether_a_deformity_is_new(drawn, then, ill_then, now, alone, known):
    points = [scan(drawn, then, ill=ill_then), scan(drawn, now, ill=True, date="2026-05-01")]
    scores, caveats = scores_with_earlier(points, [NAMED, NAMED], SETTINGS)
    assert alignment(points[1].case.scores) == alone
    assert alignment(scores[1]) == known
    assert ([c.code for c in caveats] == ["alignment-by-earlier-scan"]) is (alone != known)
    assert scores[0] == points[0].case.scores


def test_total_and_band_follow(drawn):
    points = [scan(drawn, 2.0, ill=False), scan(drawn, 30.0, ill=True, date="2026-05-01")]
    scores, _ = scores_with_earlier(points, [NAMED, NAMED], SETTINGS)
    before, after = points[1].case.scores.of(Level.L1).total, scores[1].of(Level.L1).total
    assert (after.low, after.high) == (before.low + 2, before.high)
    assert scores[1].patient.total == after


def test_a_level_whose_identity_is_in_doubt_decides_nothing(drawn):
    points = [scan(drawn, 2.0, ill=False), scan(drawn, 30.0, ill=True, date="2026-05-01")]
    doubtful = Named(NAMED.own, {Level.T12: "shapes differ"})
    scores, caveats = scores_with_earlier(points, [NAMED, doubtful], SETTINGS)
    assert alignment(scores[1]) == (0, 2)
    assert caveats == ()


def test_a_case_scored_by_other_settings_is_left_and_that_is_said(drawn):
    other = dataclasses.replace(SETTINGS, normal_sds=20.0)
    points = [scan(drawn, 2.0, ill=False), scan(drawn, 30.0, ill=True, settings=other, date="2026-05-01")]
    scores, caveats = scores_with_earlier(points, [NAMED, NAMED], SETTINGS)
    assert scores[1] == points[1].case.scores
    assert [c.code for c in caveats] == ["not-scored-again"]
