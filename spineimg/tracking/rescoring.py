"""Scores of later scans with the earlier ones known: what only an earlier scan decides."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from spineimg.core.labelmap import Caveat
from spineimg.core.levels import Level
from spineimg.core.measurements import Measurements, SegmentMeasurement
from spineimg.core.scores import Component, LevelScore, SinsScores
from spineimg.core.settings.scoring import ScoringSettings
from spineimg.scoring import patient_score, score
from spineimg.scoring.table import bands_of, total_of
from spineimg.tracking.identity import Named
from spineimg.tracking.timepoint import Timepoint


def scores_with_earlier(
    points: Sequence[Timepoint], named: Sequence[Named], settings: ScoringSettings
) -> tuple[tuple[SinsScores, ...], tuple[Caveat, ...]]:
    """Score each scan again with the first scan that shows each junction.

    A case is left as it was written when scoring it again without an earlier scan does not give what it says
    (other settings, an older program): its numbers then have another origin.

    Returns
    -------
    scores : tuple of SinsScores
        One a scan, under the scan's own names.
    caveats : tuple of Caveat
        ``alignment-by-earlier-scan`` names what was decided; ``not-scored-again`` what was left.
    """
    found = [points[0].case.scores]
    caveats: list[Caveat] = []
    for k in range(1, len(points)):
        again = _scored_again(k, points, named, settings)
        if again is None:
            caveats.append(
                Caveat(
                    "not-scored-again",
                    f"{points[k].path} was scored with other settings or another version: the earlier scan "
                    "was not used to decide its alignment; rescore it to have that.",
                )
            )
            found.append(points[k].case.scores)
            continue
        found.append(again)
        caveats += _decided(k, points, named, again)
    return tuple(found), tuple(caveats)


def _scored_again(
    k: int, points: Sequence[Timepoint], named: Sequence[Named], settings: ScoringSettings
) -> SinsScores | None:
    case = points[k].case
    pain = {s.level: s.pain for s in case.scores.levels if s.pain is not None}
    verdicts = {s.level: s.verdicts for s in case.scores.levels if s.verdicts}
    alone = score(case.measurements, pain, settings, verdicts=verdicts)
    if _points(alone) != _points(case.scores):
        return None
    earlier = _earlier(k, points, named)
    scores = score(case.measurements, pain, settings, earlier, verdicts)
    back = {own: name for name, own in named[k].own.items()}
    levels = tuple(_kept_open(s, back.get(s.level), k, points, named) for s in scores.levels)
    return SinsScores(levels, patient_score(levels))


def _points(scores: SinsScores) -> list[tuple[object, ...]]:
    return [
        (s.level, s.state, [component.possible for _, component in s.components.items()])
        for s in scores.levels
    ]


def _earlier(k: int, points: Sequence[Timepoint], named: Sequence[Named]) -> Measurements:
    """Each junction as the first scan shows it, under the names of scan ``k``; doubtful names left out."""
    found: dict[tuple[Level, Level], SegmentMeasurement] = {}
    sure = {name: own for name, own in named[k].own.items() if name not in named[k].doubts}
    for point, one in zip(points[:k], named[:k], strict=True):
        here = {own: sure[name] for name, own in one.own.items() if name in sure and name not in one.doubts}
        for segment in point.case.measurements.segments:
            if segment.upper in here and segment.lower in here:
                names = here[segment.upper], here[segment.lower]
                found.setdefault(names, dataclasses.replace(segment, upper=names[0], lower=names[1]))
    return Measurements((), (), tuple(found.values()))


def _kept_open(
    now: LevelScore, name: Level | None, k: int, points: Sequence[Timepoint], named: Sequence[Named]
) -> LevelScore:
    """What the first scan of an ill level left open about its alignment stays open: it was there before it.

    An unchanged angle is not new since the first scan; whether it was new on that scan, nothing says.
    """
    for point, one in zip(points[:k], named[:k], strict=True):
        own = None if name is None else one.own.get(name)
        before = None if own is None else point.case.scores.of(own)
        if before is not None and before.state != "not_scored":
            break
    else:
        return now
    open_before, found = before.components.alignment.possible, now.components.alignment
    if max(found.possible) >= max(open_before):
        return now
    possible = tuple(sorted({*found.possible, *open_before}))
    components = dataclasses.replace(now.components, alignment=Component(possible, found.evidence))
    total = total_of(components)
    return dataclasses.replace(now, components=components, total=total, band=bands_of(total))


def _decided(k: int, points: Sequence[Timepoint], named: Sequence[Named], scores: SinsScores) -> list[Caveat]:
    """Say which levels have other points for alignment than their case says."""
    back = {own: name for name, own in named[k].own.items()}
    words, levels = [], []
    for now in scores.levels:
        alone = points[k].case.scores.of(now.level)
        if alone is None or alone.components.alignment.possible == now.components.alignment.possible:
            continue
        levels.append(back.get(now.level, now.level))
        before, after = (" or ".join(map(str, s.components.alignment.possible)) for s in (alone, now))
        words.append(f"{levels[-1]} {after} points (alone {before})")
    if not words:
        return []
    date = points[k].date.isoformat()
    message = f"The earlier scan decides the alignment of {date}: {'; '.join(words)}."
    return [Caveat("alignment-by-earlier-scan", message, tuple(levels))]
