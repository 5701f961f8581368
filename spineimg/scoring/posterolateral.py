"""Points for facets, pedicles and costovertebral joints that are replaced or broken by tumour."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, fields

from spineimg.core.estimate import Estimate
from spineimg.core.levels import Level, Region
from spineimg.core.measurements import StructureShares, VertebraMeasurement
from spineimg.core.scores import Evidence
from spineimg.core.settings.scoring import OURS, ScoringSettings
from spineimg.scoring.finding import Finding, finding
from spineimg.scoring.lesions import LevelLesions, Selection, summed_percent
from spineimg.scoring.table import POINTS, Option
from spineimg.scoring.wording import axial_picture, listed, named, percent, points_text

STRUCTURES: tuple[str, ...] = tuple(field.name for field in fields(StructureShares))
SIDE_POINTS: dict[int, int] = {
    0: POINTS[Option.NO_POSTEROLATERAL],
    1: POINTS[Option.UNILATERAL],
    2: POINTS[Option.BILATERAL],
}
"""Points by the number of sides that are involved."""
RIB_JOINT = "costovertebral"
NONE_PERCENT = 0.5
"""Shares up to this are printed as 0 %."""


@dataclass(frozen=True, slots=True)
class Involvement:
    """One structure with one set of lesions: its share, and whether it may be involved."""

    name: str
    share: Estimate | None
    broken: bool
    possible: frozenset[bool]
    missing: Estimate | None = None
    """Bone that the structure lacks, percent, where that alone leaves its involvement open."""

    @property
    def words(self) -> str:
        """Such as ``left pedicle``."""
        return structure_words(self.name)


def structure_words(name: str) -> str:
    """``pedicle_left`` as ``left pedicle``."""
    structure, _, side = name.rpartition("_")
    return f"{side} {'costovertebral joint' if structure == RIB_JOINT else structure}"


def structures_of(level: Level) -> tuple[str, ...]:
    """Structures that a level has: costovertebral joints are of T1-T12 only."""
    ribs = level.region is Region.THORACIC and level is not Level.T13
    return tuple(name for name in STRUCTURES if ribs or not name.startswith(RIB_JOINT))


def involvement(
    name: str, lesions: Selection, settings: ScoringSettings, missing: StructureShares | None = None
) -> Involvement:
    """Whether a structure is involved: its share from the limit on, or its cortex broken by a lesion.

    Bone that a structure lacks although no mask marks it (``missing``) leaves its involvement open; so does a
    broken cortex over a mere speck.
    """
    share = summed_percent([getattr(lesion.structures_percent, name) for lesion in lesions])
    broken = any(name in lesion.cortex_broken for lesion in lesions)
    lacking: Estimate | None = getattr(missing, name) if missing is not None else None
    empty = lacking is not None and lacking.low >= settings.structure_percent
    may_be = broken or empty or share is None or share.high >= settings.structure_percent
    enough = settings.speck_percent if broken else settings.structure_percent
    may_not_be = share is None or share.low < enough
    possible = {answer for answer, holds in ((True, may_be), (False, may_not_be)) if holds}
    return Involvement(name, share, broken, frozenset(possible), lacking if empty else None)


def side_possible(structures: list[Involvement]) -> set[bool]:
    """Whether a side may be involved: it is when any of its structures is."""
    return {any(choice) for choice in itertools.product(*(s.possible for s in structures))}


def selection_points(
    level: Level, lesions: Selection, settings: ScoringSettings, missing: StructureShares | None = None
) -> set[int]:
    """Points of one set of lesions."""
    found = [involvement(name, lesions, settings, missing) for name in structures_of(level)]
    sides = [side_possible([s for s in found if s.name.endswith(side)]) for side in ("left", "right")]
    return {SIDE_POINTS[sum(choice)] for choice in itertools.product(*sides)}


def score_posterolateral(
    level: Level, vertebra: VertebraMeasurement | None, lesions: LevelLesions, settings: ScoringSettings
) -> Finding:
    """Points for posterolateral involvement over all lesions of the level that may be metastases."""
    missing = vertebra.structures_missing_percent if vertebra is not None else None
    picture, place = axial_picture(level), lesions.place
    selections = list(lesions.selections())
    if not selections:
        points = set(SIDE_POINTS.values())
        text = (
            f"{lesions.why_empty(level)}, so its spread is open: "
            f"{points_text('posterolateral', sorted(points))}."
        )
        return finding(
            "posterolateral", points, [Evidence(text, source=OURS, picture=picture)], _question(level, [])
        )
    points = set().union(*(selection_points(level, s, settings, missing) for s in selections))
    found = [involvement(name, lesions.counted, settings, missing) for name in structures_of(level)]
    limit = settings.structure_percent
    unseen = [s for s in found if s.share is None and not s.broken]
    evidence = [
        Evidence(
            _sentence(level, structure, limit),
            value=structure.share.value if structure.share is not None else None,
            threshold=limit,
            unit="%",
            source=OURS,
            lps_mm=place,
            picture=picture,
        )
        for structure in found
        if True in structure.possible and structure not in unseen
    ]
    if unseen:
        text = (
            f"{listed([s.words for s in unseen]).capitalize()} of {named(level)}: not measurable here (not "
            "in view or not divided), involvement open."
        )
        evidence.append(Evidence(text, None, limit, "%", OURS, place, picture))
    evidence.append(_summary(level, found, sorted(points), lesions, settings))
    open_ones = [s for s in found if len(s.possible) > 1]
    return finding("posterolateral", points, evidence, _question(level, open_ones))


def _sentence(level: Level, structure: Involvement, limit: float) -> str:
    what = f"{structure.words.capitalize()} of {named(level)}"
    if structure.share is None:
        return f"{what}: cortex seems broken, but its share is unknown: involvement open."
    share = f"{what} replaced by {percent(structure.share, limit)}"
    if structure.broken and False in structure.possible:
        return f"{share}, cortex seems broken, which so small a lesion may only feign: involvement open."
    if structure.broken:
        return f"{share}, cortex broken by the lesion: involved."
    if structure.missing is not None and structure.share.high < limit:
        return (
            f"{share}, but it lacks {percent(structure.missing, limit)} of the bone of its other side and "
            "neighbours, which no mask explains (ours): involvement open."
        )
    if False in structure.possible:
        return f"{share}, astride {limit:.0f} % (ours): involvement open."
    return f"{share}, at least {limit:.0f} % (ours): involved."


def _summary(
    level: Level,
    found: list[Involvement],
    points: list[int],
    lesions: LevelLesions,
    settings: ScoringSettings,
) -> Evidence:
    limit = settings.structure_percent
    free = [s for s in found if True not in s.possible and s.share is not None]
    doubt = ""
    if lesions.doubtful and lesions.likely:
        doubt = (
            f" ({len(lesions.doubtful)} doubtful {'lesion' if len(lesions.doubtful) == 1 else 'lesions'} "
            "counted in and out)"
        )
    score = points_text("posterolateral", points)
    place, picture = lesions.place, axial_picture(level)
    if not free:
        certain = all(False not in s.possible for s in found)
        state = "All structures of {} are involved" if certain else "No structure of {} is free of doubt"
        text = f"{state.format(named(level))}{doubt}: {score}."
        return Evidence(text, threshold=limit, unit="%", source=OURS, lps_mm=place, picture=picture)
    most = max(free, key=lambda s: s.share.high if s.share is not None else 0.0)
    assert most.share is not None  # noqa: S101 - free structures have a share
    who = f"{_who(level, found, free)} of {named(level)}"
    if most.share.high <= NONE_PERCENT:
        text = f"{who}: free of the lesion (involved from {limit:.0f} %, ours){doubt}: {score}."
    else:
        which = "" if len(free) == 1 else f", most of all the {most.words}"
        share = percent(most.share, limit)
        text = f"{who}: replaced by less than {limit:.0f} % (ours){which}, by {share}{doubt}: {score}."
    return Evidence(text, most.share.value, limit, "%", OURS, place, picture)


def _who(level: Level, found: list[Involvement], free: list[Involvement]) -> str:
    """Name the structures that are free, all together or what is left of them."""
    if len(free) == len(found):
        joints = structures_of(level)[-1].startswith(RIB_JOINT)
        return "Pedicles, facets and costovertebral joints" if joints else "Pedicles and facets"
    return "The other structures" if len(free) > 1 else f"The {free[0].words}"


def _question(level: Level, open_ones: list[Involvement]) -> str:
    if not open_ones:
        return (
            f"Is a facet, pedicle or costovertebral joint of {named(level)} replaced or broken by tumour, "
            "and on which sides?"
        )
    names = listed([s.words for s in open_ones], "or")
    return f"Is the {names} of {named(level)} replaced or broken by tumour?"
