"""Whether one vertebra has shifted on the next: static limits by junction (White & Panjabi 1990)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from spineimg.core.estimate import Estimate
from spineimg.core.levels import Level
from spineimg.core.measurements import SegmentMeasurement
from spineimg.core.scores import Evidence
from spineimg.core.settings.scoring import OURS, WHITE_PANJABI_1990, ScoringSettings
from spineimg.scoring.table import POINTS, Option
from spineimg.scoring.wording import interval, listed, named, sagittal_picture

SHIFTED, ALIGNED = POINTS[Option.TRANSLATION], POINTS[Option.ALIGNED]
OTHER_CAUSES = {
    "degenerative": "the slip may be degenerative and old",
    "pars-defect": "the canal is as wide as with a defect of both pars: it may be an old spondylolysis",
    "unknown": "signs of another cause could not be looked for, so an old slip is not excluded",
}
"""Causes of a slip that leave it open whether it counts."""
SIGN_WORDS = {
    "disc-narrowed": "the disc has lost height",
    "vacuum": "the disc holds gas",
    "facet-sclerosis": "the facets are sclerotic",
    "osteophytes": "the rims carry osteophytes",
}


@dataclass(frozen=True, slots=True)
class Limit:
    """Static limit of one shift of one junction; ``inclusive``: the limit itself counts as shifted."""

    mm: float
    words: str
    inclusive: bool

    def reached(self, mm: float) -> bool:
        """Whether a shift of this size counts."""
        return mm >= self.mm if self.inclusive else mm > self.mm


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact about one junction: points it allows for alignment, why, and the question that decides it."""

    points: frozenset[int]
    evidence: Evidence
    question: str

    @property
    def weight(self) -> tuple[int, float]:
        """Points that the answer could take away; then how far the value lies beyond its limit."""
        return max(self.points) - min(self.points), self._beyond

    @property
    def severity(self) -> tuple[int, int, float]:
        """Most and least points that it may cost; then how far the value lies beyond its limit."""
        return max(self.points), min(self.points), self._beyond

    @property
    def _beyond(self) -> float:
        value, limit = self.evidence.value, self.evidence.threshold
        return value - limit if value is not None and limit is not None else -math.inf


def sagittal_limit(segment: SegmentMeasurement, settings: ScoringSettings) -> Limit:
    """Limit of a shift forwards or backwards; at C1-C2 that of the atlanto-dental interval."""
    upper = segment.upper
    if upper is Level.C1:
        return Limit(settings.atlantodental_mm, f"above {settings.atlantodental_mm:g} mm", inclusive=False)
    if upper < Level.C7:
        return Limit(settings.cervical_shift_mm, f"from {settings.cervical_shift_mm:g} mm", inclusive=True)
    if upper < Level.L1:
        return Limit(settings.thoracic_shift_mm, f"from {settings.thoracic_shift_mm:g} mm", inclusive=True)
    if segment.caudal_depth_mm is None:
        return Limit(settings.lumbar_shift_mm, f"from {settings.lumbar_shift_mm:g} mm", inclusive=True)
    share = segment.caudal_depth_mm * settings.lumbar_shift_percent / 100
    words = (
        f"from {settings.lumbar_shift_mm:g} mm or {settings.lumbar_shift_percent:g} % "
        f"of the depth of {named(segment.lower)} ({share:.1f} mm)"
    )
    return Limit(min(settings.lumbar_shift_mm, share), words, inclusive=True)


def lateral_limit(segment: SegmentMeasurement, settings: ScoringSettings) -> Limit:
    """Limit of a shift to a side: as the sagittal one, at C1-C2 that of C1 overhanging C2."""
    if segment.upper is Level.C1:
        return Limit(settings.atlas_overhang_mm, f"above {settings.atlas_overhang_mm:g} mm", inclusive=False)
    return sagittal_limit(segment, settings)


def magnitude(shift: Estimate) -> Estimate:
    """Size of a signed shift, whichever way."""
    ends = sorted((abs(shift.low), abs(shift.high)))
    low = 0.0 if shift.low <= 0 <= shift.high else ends[0]
    return Estimate(abs(shift.value), low, ends[1])


def shift_possible(shift: Estimate | None, limit: Limit) -> set[bool]:
    """Whether a shift reaches its limit; both where it is not known or the interval straddles."""
    if shift is None:
        return {False, True}
    size = magnitude(shift)
    return {limit.reached(size.low), limit.reached(size.high)}


@dataclass(frozen=True, slots=True)
class Background:
    """What bears on the cause of a slip: what the tumour destroyed there, and the segment earlier.

    ``ring_whole``: C1 without lesion. Its lateral masses part only when its ring bursts.
    """

    destroyed: tuple[str, ...] = ()
    earlier: SegmentMeasurement | None = None
    ring_whole: bool = False


def translation(
    segment: SegmentMeasurement, level: Level, background: Background, settings: ScoringSettings
) -> Fact:
    """Points for translation at one junction of a level: either way from its limit on.

    A slip with signs of another cause (degeneration, a pars defect), or where they can't be seen, leaves
    {0, 4}; without such a sign it counts, and so does one that has grown since an earlier scan.
    """
    shifts: tuple[tuple[Estimate | None, Limit, str], ...] = (
        (segment.translation_ap_mm, sagittal_limit(segment, settings), _sagittal_words(segment)),
        (segment.translation_lateral_mm, lateral_limit(segment, settings), "to the side"),
    )
    if background.ring_whole and segment.translation_lateral_mm is None:
        shifts = shifts[:1]
    found = [shift_possible(shift, limit) for shift, limit, _ in shifts]
    ap, lateral = found[0], found[1] if len(found) > 1 else {False}
    possible = {a or b for a in ap for b in lateral}
    points = {SHIFTED if shifted else ALIGNED for shifted in possible}
    growth = _growth(segment, background.earlier)
    new = growth is not None and growth.low >= settings.new_shift_mm
    caused = SHIFTED in points and segment.listhesis_cause in OTHER_CAUSES and not new
    if caused:
        points.add(ALIGNED)
    # The sentence is about the shift that comes nearest to its limit; an unknown one comes first.
    shift, limit, way = max(shifts, key=lambda row: _urgency(row[0], row[1]))
    joint = f"{segment.upper} on {named(segment.lower)}"
    place = segment.posterior_walls_lps_mm[0] if segment.posterior_walls_lps_mm is not None else None
    picture = sagittal_picture(level) if shift is segment.translation_ap_mm else None
    if shift is None:
        text = f"Shift of {joint} {way} could not be measured: translation is not excluded"
    else:
        text = (
            f"Shift of {joint} {interval(magnitude(shift), 1, 'mm')} {way}, translation {limit.words} "
            f"(White & Panjabi 1990): {_verdict(possible)}"
        )
    if len(shifts) == 1:
        text += "; C1 holds no lesion, so its ring has not burst and does not overhang (ours)"
    if SHIFTED in points and shift is not None:
        text += "; " + "; ".join(_causes(segment, background, growth, settings))
    question = (
        f"Is {joint} shifted by {limit.mm:.1f} mm or more? Thinner slices, or a reader, decide."
        if possible == {True, False} and not caused
        else f"Is the slip of {joint} the tumour's work, or older? An earlier scan, or a reader's word "
        f"(rescore --verdict {level}.alignment=translation), decides."
    )
    source = f"{WHITE_PANJABI_1990}; {OURS}" if caused else WHITE_PANJABI_1990
    value = magnitude(shift).value if shift is not None else None
    return Fact(
        frozenset(points), Evidence(f"{text}.", value, limit.mm, "mm", source, place, picture), question
    )


def _growth(now: SegmentMeasurement, earlier: SegmentMeasurement | None) -> Estimate | None:
    """Change of the forward or backward shift since an earlier scan, away from the aligned place."""
    shift, before = now.translation_ap_mm, None if earlier is None else earlier.translation_ap_mm
    if shift is None or before is None:
        return None
    sign = 1.0 if shift.value >= 0.0 else -1.0
    value = sign * (shift.value - before.value)
    half = math.hypot(shift.high - shift.low, before.high - before.low) / 2.0
    return Estimate(value, value - half, value + half)


def _causes(
    segment: SegmentMeasurement, background: Background, growth: Estimate | None, settings: ScoringSettings
) -> list[str]:
    """What speaks for the tumour and what for another cause."""
    said: list[str] = []
    if background.destroyed:
        said.append(f"the tumour takes {listed(background.destroyed)}")
    if growth is not None:
        word = "new" if growth.low >= settings.new_shift_mm else "not certain to be new"
        said.append(
            f"{interval(growth, 1, 'mm')} more than on the earlier scan, {word} "
            f"(from {settings.new_shift_mm:g} mm, ours)"
        )
    if segment.degenerative_signs:
        said.append(listed([SIGN_WORDS.get(sign, sign) for sign in segment.degenerative_signs]))
    elif segment.degenerative_signs is not None:
        said.append("no sign of degeneration" + _disc_words(segment))
    if segment.listhesis_cause in OTHER_CAUSES:
        said.append(OTHER_CAUSES[segment.listhesis_cause])
    elif segment.listhesis_cause == "none":
        said.append("no other cause is seen")
    return said


def _disc_words(segment: SegmentMeasurement) -> str:
    disc, usual = segment.disc_height_mm, segment.expected_disc_height_mm
    if disc is None:
        return ""
    others = "" if usual is None else f", the region's others {usual.value:.1f} mm"
    return f" (disc {interval(disc, 1, 'mm')}{others}, no gas)"


def _urgency(shift: Estimate | None, limit: Limit) -> float:
    return float("inf") if shift is None else magnitude(shift).high / limit.mm


def _verdict(possible: set[bool]) -> str:
    if len(possible) > 1:
        return "open"
    return "present" if True in possible else "none"


def _sagittal_words(segment: SegmentMeasurement) -> str:
    if segment.upper is Level.C1:
        return "between the dens and the anterior arch"
    shift = segment.translation_ap_mm
    if shift is None or shift.low <= 0 <= shift.high:
        return "forwards or backwards"
    return "forwards" if shift.value > 0 else "backwards"
