"""Whether the angle of one junction may be a de novo deformity."""

from __future__ import annotations

import math
from dataclasses import dataclass

from spineimg.core.estimate import Estimate
from spineimg.core.levels import Level
from spineimg.core.measurements import SegmentMeasurement
from spineimg.core.scores import Evidence
from spineimg.core.settings.scoring import OURS, SRS, NormalAngle, ScoringSettings
from spineimg.scoring.collapse import Collapse
from spineimg.scoring.table import POINTS, Option
from spineimg.scoring.translation import Fact, magnitude
from spineimg.scoring.wording import interval, sagittal_picture

NEW, NORMAL = POINTS[Option.DEFORMITY], POINTS[Option.ALIGNED]
AT_COLLAPSE: dict[Collapse, str] = {
    "excluded": "",
    "beside": " beside a body that is or may be collapsed",
    "possible": " at a body that may be collapsed",
    "certain": " at a collapsed body",
}
"""Why a limit is tighter than the normal range."""
_STANDS_FOR = {Level.T13: Level.T12, Level.L6: Level.L5}


@dataclass(frozen=True, slots=True)
class Range:
    """Normal kyphosis of a junction: its mean and where a deformity begins."""

    mean_deg: float
    limit_deg: float
    source: str


def normal_range(upper: Level, settings: ScoringSettings) -> Range | None:
    """Find the normal range of the junction below a vertebra; None where no endplates meet (C1-C2)."""
    row: NormalAngle | None = settings.normal_angle(str(_STANDS_FOR.get(upper, upper)))
    if row is None:
        return None
    limit = row.mean_deg + settings.normal_sds * row.sd_deg
    if "standing" in row.source:
        return Range(row.mean_deg, limit + settings.standing_widening_deg, f"{row.source}, widened for lying")
    return Range(row.mean_deg, limit, row.source)


def deformity(
    segment: SegmentMeasurement,
    level: Level,
    collapse: Collapse,
    earlier: SegmentMeasurement | None,
    settings: ScoringSettings,
) -> tuple[Fact, ...]:
    """Points for kyphosis and for scoliosis at one junction of a level.

    Without an earlier scan an angle beyond the normal range, or one at a level that may be collapsed, leaves
    {0, 2}. With one, the change decides.
    """
    normal = normal_range(segment.upper, settings)
    if normal is None:
        return ()
    collapsed = collapse != "excluded"
    bent = normal.limit_deg
    if collapse == "beside":
        # What the neighbour's collapse can have added to a normal angle and be called new.
        bent = min(bent, normal.mean_deg + settings.new_angle_deg)
    elif collapsed:
        bent = normal.mean_deg
    tilted = settings.collapsed_scoliosis_deg if collapsed else settings.scoliosis_deg
    at_collapse = AT_COLLAPSE[collapse]
    kyphosis = _Rule(
        "kyphosis", segment.kyphosis_deg, bent, _kyphosis_words(normal, bent, at_collapse), normal.source
    )
    size = magnitude(segment.scoliosis_deg) if segment.scoliosis_deg is not None else None
    words = f"limit{at_collapse} {tilted:g} degrees ({'ours' if collapsed else 'SRS'})"
    scoliosis = _Rule("scoliosis", size, tilted, words, OURS if collapsed else SRS)
    if earlier is None:
        return (_static(segment, level, kyphosis), _static(segment, level, scoliosis))
    before = magnitude(earlier.scoliosis_deg) if earlier.scoliosis_deg is not None else None
    return (
        _changed(segment, level, kyphosis, earlier.kyphosis_deg, settings),
        _changed(segment, level, scoliosis, before, settings),
    )


@dataclass(frozen=True, slots=True)
class _Rule:
    """An angle and its limit, with the words for both."""

    name: str
    angle: Estimate | None
    limit_deg: float
    words: str
    source: str


def _kyphosis_words(normal: Range, bent: float, at_collapse: str) -> str:
    if at_collapse:
        mean = "the normal mean" if bent == normal.mean_deg else f"normal mean {normal.mean_deg:.1f}"
        return f"limit{at_collapse} {bent:.1f} degrees ({mean}, ours)"
    return f"normal up to {bent:.1f} degrees (mean {normal.mean_deg:.1f})"


def _fact(segment: SegmentMeasurement, level: Level, rule: _Rule, points: set[int], text: str) -> Fact:
    place = segment.posterior_walls_lps_mm[1] if segment.posterior_walls_lps_mm is not None else None
    picture = sagittal_picture(level) if rule.name == "kyphosis" else None
    value = rule.angle.value if rule.angle is not None else None
    question = (
        f"Is the {rule.name} of {_joint(segment)} new? An earlier scan, or a reader who knows one, decides."
    )
    return Fact(
        frozenset(points), Evidence(text, value, rule.limit_deg, "deg", rule.source, place, picture), question
    )


def _joint(segment: SegmentMeasurement) -> str:
    return f"{segment.upper}-{segment.lower}"


def _static(segment: SegmentMeasurement, level: Level, rule: _Rule) -> Fact:
    """Judge an angle without an earlier scan: normal, or perhaps new."""
    if rule.angle is None:
        text = (
            f"{rule.name.capitalize()} of {_joint(segment)} could not be measured: a deformity is not "
            "excluded."
        )
        return _fact(segment, level, rule, {NORMAL, NEW}, text)
    said = f"{rule.name.capitalize()} of {_joint(segment)} {interval(rule.angle, 1, 'degrees')}, {rule.words}"
    if rule.angle.high <= rule.limit_deg:
        return _fact(segment, level, rule, {NORMAL}, f"{said}: not beyond.")
    side = "beyond" if rule.angle.low > rule.limit_deg else "astride"
    text = f"{said}: {side}; whether it is new (de novo) one scan cannot tell."
    return _fact(segment, level, rule, {NORMAL, NEW}, text)


def _changed(
    segment: SegmentMeasurement, level: Level, rule: _Rule, before: Estimate | None, settings: ScoringSettings
) -> Fact:
    """Judge an angle by its change: new when the whole interval of the change lies beyond the limit."""
    now = rule.angle
    if now is None or before is None:
        return _static(segment, level, rule)
    value = now.value - before.value
    low = value - math.hypot(now.value - now.low, before.high - before.value)
    high = value + math.hypot(now.high - now.value, before.value - before.low)
    limit = settings.new_angle_deg
    points = {NEW} if low >= limit else {NORMAL} if high < limit else {NORMAL, NEW}
    verdict = "open" if len(points) > 1 else "new" if NEW in points else "not new"
    text = (
        f"{rule.name.capitalize()} of {_joint(segment)} {interval(now, 1, 'degrees')}, changed by "
        f"{interval(Estimate(value, low, high), 1)} since the earlier scan, new from {limit:g} degrees "
        f"(ours): {verdict}."
    )
    change = _Rule(rule.name, Estimate(value, low, high), limit, rule.words, OURS)
    return _fact(segment, level, change, points, text)
