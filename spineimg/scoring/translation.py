"""Whether one vertebra has shifted on the next: static limits by junction (White & Panjabi 1990)."""

from __future__ import annotations

from dataclasses import dataclass

from spineimg.core.estimate import Estimate
from spineimg.core.levels import Level
from spineimg.core.measurements import SegmentMeasurement
from spineimg.core.scores import Evidence
from spineimg.core.settings.scoring import OURS, WHITE_PANJABI_1990, ScoringSettings
from spineimg.scoring.table import POINTS, Option
from spineimg.scoring.wording import interval, sagittal_picture

SHIFTED, ALIGNED = POINTS[Option.TRANSLATION], POINTS[Option.ALIGNED]
OTHER_CAUSES = {
    "degenerative": "the facets or the disc are degenerative, so the slip may be old",
    "pars-defect": "both pars are defective, so the slip may be lytic listhesis",
    "unknown": "its cause is unknown, so a degenerative slip is not excluded",
}
"""Causes of a slip that leave it open whether it counts."""


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
    def span(self) -> int:
        """Points that the answer could take away."""
        return max(self.points) - min(self.points)


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
        f"of the depth of {segment.lower} ({share:.1f} mm)"
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


def translation(segment: SegmentMeasurement, level: Level, settings: ScoringSettings) -> Fact:
    """Points for translation at one junction of a level: either way from its limit on.

    A slip with another cause in sight (degenerative joints, a pars defect) or with none known leaves {0, 4}.
    """
    shifts = (
        (segment.translation_ap_mm, sagittal_limit(segment, settings), _sagittal_words(segment)),
        (segment.translation_lateral_mm, lateral_limit(segment, settings), "to the side"),
    )
    found = [shift_possible(shift, limit) for shift, limit, _ in shifts]
    ap, lateral = found
    possible = {a or b for a in ap for b in lateral}
    points = {SHIFTED if shifted else ALIGNED for shifted in possible}
    caused = SHIFTED in points and segment.listhesis_cause in OTHER_CAUSES
    if caused:
        points.add(ALIGNED)
    # The sentence is about the shift that comes nearest to its limit; an unknown one comes first.
    shift, limit, way = max(shifts, key=lambda row: _urgency(row[0], row[1]))
    joint = f"{segment.upper} on {segment.lower}"
    place = segment.posterior_walls_lps_mm[0] if segment.posterior_walls_lps_mm is not None else None
    picture = sagittal_picture(level) if shift is segment.translation_ap_mm else None
    if shift is None:
        text = f"Shift of {joint} {way} could not be measured: translation is not excluded"
    else:
        text = (
            f"Shift of {joint} {interval(magnitude(shift), 1, 'mm')} {way}, translation {limit.words} "
            "(White & Panjabi 1990)"
        )
        text += f": {_verdict(possible)}"
    if caused and shift is not None:
        text += f"; {OTHER_CAUSES[segment.listhesis_cause]}"
    question = (
        f"Is {joint} shifted by {limit.mm:.1f} mm or more by the tumour? A thin-slice CT or an earlier "
        "scan decides."
    )
    source = f"{WHITE_PANJABI_1990}; {OURS}" if caused else WHITE_PANJABI_1990
    value = magnitude(shift).value if shift is not None else None
    return Fact(
        frozenset(points), Evidence(f"{text}.", value, limit.mm, "mm", source, place, picture), question
    )


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
