"""One naming for all scans of a patient: that of the first, with every disagreement said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.spatial.transform import Rotation

from spineimg.core.grid import Points
from spineimg.core.labelmap import Caveat
from spineimg.core.levels import LEVELS, Level
from spineimg.core.settings.tracking import TrackingSettings
from spineimg.core.track import Match
from spineimg.tracking.naming import Column, Pair, Reconciled, reconcile
from spineimg.tracking.shape import shapes
from spineimg.tracking.timepoint import Timepoint


@dataclass(frozen=True, slots=True)
class Named:
    """The levels of one scan under the track's names.

    ``own`` maps the track's name to the scan's own; ``doubts`` holds why a vertebra's identity is in doubt.
    """

    own: dict[Level, Level]
    doubts: dict[Level, str] = field(default_factory=dict)
    agreement: dict[Level, float] = field(default_factory=dict)


def identify(
    points: Sequence[Timepoint], settings: TrackingSettings
) -> tuple[tuple[Named, ...], tuple[Caveat, ...]]:
    """Name the vertebrae of all scans alike.

    Each scan is compared with that earlier one which shares most names with it. A count that the shapes
    refute is corrected to the earlier scan's when they clearly say so; else every level is in doubt.

    Parameters
    ----------
    points : sequence of Timepoint
        Earliest first.
    settings : TrackingSettings
        Margins.
    """
    columns = [_column(p, settings) for p in points]
    levels = [one.levels for one in columns]
    named = [Named({level: level for level in levels[0]})]
    caveats: list[Caveat] = []
    for k in range(1, len(points)):
        partner = max(range(k), key=lambda j: (len(set(levels[j]) & set(levels[k])), j))
        matched = reconcile(columns[partner], columns[k], settings)
        to_track = {own: name for name, own in named[partner].own.items()}
        named.append(_named(matched, to_track, levels[k], settings))
        caveats += _caveats(matched, points[partner], points[k])
    return tuple(named), tuple(caveats)


def _column(point: Timepoint, settings: TrackingSettings) -> Column:
    vertebrae = point.case.measurements.vertebrae
    volumes = {
        v.level: v.body_volume_ml.value for v in vertebrae if v.complete and v.body_volume_ml is not None
    }
    return Column(
        tuple(v.level for v in vertebrae),
        shapes(point.labels, point.case.measurements, settings),
        {level: ml for level, ml in volumes.items() if ml > 0},
    )


def _named(
    matched: Reconciled, to_track: dict[Level, Level], levels: Sequence[Level], settings: TrackingSettings
) -> Named:
    pairs = tuple(Pair(to_track[p.earlier], p.later, p.fit) for p in matched.pairs if p.earlier in to_track)
    result = Named({p.earlier: p.later for p in pairs})
    for pair in pairs:
        if pair.fit is None:
            continue
        result.agreement[pair.earlier] = round(pair.fit.agreement, 3)
        if pair.fit.distance_mm > settings.doubtful_fit_mm:
            result.doubts[pair.earlier] = (
                f"its shapes on the two scans are {pair.fit.distance_mm:.1f} mm apart after they were laid "
                f"on each other (limit {settings.doubtful_fit_mm:g})"
            )
    paired = {p.later for p in pairs}
    for level in levels:
        if level not in paired:
            result.own.setdefault(_moved_alike(level, pairs), level)
    if matched.outcome == "undetermined":
        result.doubts.update(dict.fromkeys(result.own, "the names of the two scans do not fit the shapes"))
    return result


def _moved_alike(level: Level, pairs: Sequence[Pair]) -> Level:
    """Name of a vertebra that only the later scan shows: moved as its nearest matched neighbour was."""
    usual = [p for p in pairs if p.earlier in LEVELS and p.later in LEVELS]
    if level not in LEVELS or not usual:
        return level
    nearest = min(usual, key=lambda p: abs(LEVELS.index(p.later) - LEVELS.index(level)))
    place = LEVELS.index(level) + LEVELS.index(nearest.earlier) - LEVELS.index(nearest.later)
    return LEVELS[place] if 0 <= place < len(LEVELS) else level


def _caveats(matched: Reconciled, earlier: Timepoint, later: Timepoint) -> list[Caveat]:
    differ = tuple(p.earlier for p in matched.pairs if p.earlier is not p.later)
    distances = ""
    if matched.mean_distance_mm is not None and matched.best_distance_mm is not None:
        distances = (
            f" (mean distance of the shapes {matched.mean_distance_mm:.2f} mm as named, "
            f"{matched.best_distance_mm:.2f} mm moved by one)"
        )
    if matched.outcome == "undetermined":
        return [
            Caveat(
                "level-names-shifted",
                f"The level names of {later.path} fit those of {earlier.path} no better than when moved by "
                f"one{distances}: no verdict is given; check the count on both scans.",
                tuple(p.earlier for p in matched.pairs),
            )
        ]
    if not differ:
        return []
    moved = [p for p in matched.pairs if p.earlier is not p.later]
    words = f"{moved[0].later} to {moved[-1].later} are {moved[0].earlier} to {moved[-1].earlier}"
    return [
        Caveat(
            "level-names-shifted",
            f"The two scans name the same vertebrae differently{distances}. The track uses the names of "
            f"{earlier.path}; in {later.path} {words}. Which count is right was not decided here: check it.",
            differ,
        )
    ]


def matches(points: Sequence[Timepoint], named: Sequence[Named]) -> tuple[Match, ...]:
    """One row per later case and level of the track."""
    every = sorted({name for one in named for name in one.own})
    rows: list[Match] = []
    for k in range(1, len(points)):
        shift = _shifts(points[0], named[0], points[k], named[k])
        for name in every:
            own = named[k].own.get(name)
            rows.append(Match(k, name, own, shift.get(name), named[k].agreement.get(name)))
    return tuple(rows)


def _shifts(first: Timepoint, named_first: Named, later: Timepoint, named_later: Named) -> dict[Level, float]:
    """Distance (mm) of matched body centres after the whole columns were laid rigidly on each other."""
    common = [
        n
        for n in sorted(named_first.own)
        if n in named_later.own and _whole(first, named_first.own[n]) and _whole(later, named_later.own[n])
    ]
    if len(common) < 3:
        return {}
    # Centres alone may lie on a line and leave the turn about it open: each frame gives two more points.
    there = np.array([_landmarks(first, named_first.own[n]) for n in common])
    here = np.array([_landmarks(later, named_later.own[n]) for n in common])
    there, here = there - there.mean(axis=(0, 1)), here - here.mean(axis=(0, 1))
    rotation, _ = Rotation.align_vectors(there.reshape(-1, 3), here.reshape(-1, 3))
    rest = np.linalg.norm(rotation.apply(here[:, 0]) - there[:, 0], axis=1)
    return {n: round(float(d), 2) for n, d in zip(common, rest, strict=True)}


def _whole(point: Timepoint, level: Level) -> bool:
    vertebra = point.case.measurements.vertebra(level)
    return vertebra is not None and vertebra.complete and level.is_vertebra


def _landmarks(point: Timepoint, level: Level) -> Points:
    """Body centre, and 20 mm to its left and behind it, LPS mm."""
    vertebra = point.case.measurements.vertebra(level)
    if vertebra is None:
        return np.full((3, 3), np.nan)
    centre, axes = np.array(vertebra.centre_lps_mm), np.array(vertebra.axes_lps)
    return np.stack([centre, centre + 20 * axes[0], centre + 20 * axes[1]])
