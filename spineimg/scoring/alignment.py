"""Points for alignment: both junctions that touch a level count, the worse one scores."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from spineimg.core.levels import Level, Region
from spineimg.core.measurements import Measurements, SegmentMeasurement
from spineimg.core.scores import Evidence
from spineimg.core.settings.scoring import FISHER_2010, OURS, ScoringSettings
from spineimg.scoring.collapse import Collapse, collapse_state
from spineimg.scoring.deformity import NORMAL, deformity
from spineimg.scoring.finding import Finding, finding
from spineimg.scoring.lesions import LevelLesions, summed_percent
from spineimg.scoring.location import sacral_places
from spineimg.scoring.posterolateral import RIB_JOINT, involvement, structure_words, structures_of
from spineimg.scoring.table import POINTS, Option
from spineimg.scoring.translation import Background, Fact, translation
from spineimg.scoring.wording import named, points_text, sagittal_picture

OPEN = frozenset({POINTS[Option.ALIGNED], POINTS[Option.DEFORMITY], POINTS[Option.TRANSLATION]})
FUSED = (Level.S2, Level.S3, Level.S4, Level.S5)


def worst_of(sets: Iterable[frozenset[int]]) -> set[int]:
    """Every value that the largest of several open numbers can have."""
    return {max(choice) for choice in itertools.product(*sets)}


def score_alignment(
    level: Level, measurements: Measurements, settings: ScoringSettings, earlier: Measurements | None
) -> Finding:
    """Points for alignment of a level.

    Parameters
    ----------
    level : Level
        The level that is scored.
    measurements : Measurements
        This scan.
    settings : ScoringSettings
        Limits.
    earlier : Measurements or None
        An earlier scan of the patient with the same level names; it decides whether a deformity is new.
    """
    picture = sagittal_picture(level)
    own = LevelLesions.of(measurements, level)
    below_s1 = level is Level.SACRUM and sacral_places(own) == {Level.S2}
    if level in FUSED or below_s1:
        text = (
            f"{'The sacrum below S1' if below_s1 else level} is fused with its neighbours and has no joint "
            "that could shift (ours): "
            f"{points_text('alignment', [NORMAL])}."
        )
        return finding("alignment", [NORMAL], [Evidence(text, source=OURS, picture=picture)], None)
    facts: list[Fact] = []
    touching = [s for s in measurements.segments if level in (s.upper, s.lower)]
    for segment in touching:
        before = _same_segment(segment, earlier)
        whole = segment.upper is Level.C1 and not LevelLesions.of(measurements, Level.C1).counted
        background = Background(_destroyed(segment, measurements, settings), before, ring_whole=whole)
        facts.append(translation(segment, level, background, settings))
        collapse = _collapse_at(segment, level, measurements, settings)
        facts.extend(deformity(segment, level, collapse, before, settings))
    facts.extend(_unseen(level, touching, measurements))
    points = worst_of(fact.points for fact in facts)
    # What costs points comes first.
    told = sorted(filter(_worth_telling, facts), key=lambda fact: fact.severity, reverse=True)
    evidence = [fact.evidence for fact in told]
    total = f"The worst junction of {named(level)} counts: {points_text('alignment', sorted(points))}."
    evidence.append(Evidence(total, source=FISHER_2010, picture=picture))
    return finding("alignment", points, evidence, max(facts, key=lambda fact: fact.weight).question)


def _destroyed(
    segment: SegmentMeasurement, measurements: Measurements, settings: ScoringSettings
) -> tuple[str, ...]:
    """What likely lesions took of the parts that hold a segment: its pedicles, facets and bodies."""
    said: list[str] = []
    for level in (segment.upper, segment.lower):
        likely = LevelLesions.of(measurements, level).likely
        if not likely:
            continue
        holding = [name for name in structures_of(level) if not name.startswith(RIB_JOINT)]
        said.extend(
            f"the {structure_words(name)} of {level}"
            for name in holding
            if False not in involvement(name, likely, settings).possible
        )
        share = summed_percent([lesion.body_percent for lesion in likely])
        if share is not None and share.low > settings.body_involved_percent:
            said.append(f"{share.value:.0f} % of the body of {level}")
    return tuple(said)


def _collapse_at(
    segment: SegmentMeasurement, level: Level, measurements: Measurements, settings: ScoringSettings
) -> Collapse:
    """Whether the level, or else its neighbour, is collapsed: either bends their junction.

    A neighbour whose height could not be measured (the sacrum never can) says nothing.
    """
    own = collapse_state(measurements.vertebra(level), settings)
    if own != "excluded":
        return own
    neighbour = measurements.vertebra(segment.lower if segment.upper is level else segment.upper)
    if neighbour is None or neighbour.height_loss_percent is None:
        return "excluded"
    return "excluded" if collapse_state(neighbour, settings) == "excluded" else "beside"


def _unseen(level: Level, touching: list[SegmentMeasurement], measurements: Measurements) -> list[Fact]:
    """Say which junctions of the level the scan does not show, and why: each leaves everything open."""
    facts = []
    sides = []
    if level is not Level.C1 and not any(s.lower is level for s in touching):
        sides.append("above")
    if level.region is not Region.SACRAL and not any(s.upper is level for s in touching):
        sides.append("below")
    for side in sides:
        why, remedy = _why_unseen(level, side, measurements)
        text = f"The junction {side} {named(level)} could not be measured: {why}."
        question = f"Is {named(level)} shifted or newly bent against its neighbour {side}? {remedy} decides."
        evidence = Evidence(text, source=OURS, picture=sagittal_picture(level))
        facts.append(Fact(OPEN, evidence, question))
    return facts


def _why_unseen(level: Level, side: str, measurements: Measurements) -> tuple[str, str]:
    """Why a junction was not measured, and what would decide it."""
    column = measurements.vertebrae
    places = [number for number, vertebra in enumerate(column) if vertebra.level is level]
    step = -1 if side == "above" else 1
    near = [column[n + step] for n in places if 0 <= n + step < len(column)]
    whole = "A scan that shows both whole"
    for vertebra in (*near, *(column[n] for n in places)):
        # One whose body is whole has heights, though another part of it may be cut.
        unmeasured = not vertebra.complete and vertebra.heights_mm.anterior is None
        if unmeasured and vertebra.level.is_vertebra:
            return f"{named(vertebra.level)} is cut by the edge of the scan", whole
    if not near:
        return f"no vertebra was found {side} it", "A scan that shows both"
    return (
        f"an endplate or posterior wall of {named(level)} or {named(near[0].level)} was not found",
        "A reader who looks at both, or thinner slices,",
    )


def _worth_telling(fact: Fact) -> bool:
    """All but a scoliosis within its normal range: nothing to see there."""
    return not (fact.points == frozenset({NORMAL}) and fact.evidence.text.startswith("Scoliosis"))


def _same_segment(segment: SegmentMeasurement, earlier: Measurements | None) -> SegmentMeasurement | None:
    if earlier is None:
        return None
    return next((s for s in earlier.segments if (s.upper, s.lower) == (segment.upper, segment.lower)), None)
