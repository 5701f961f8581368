"""Which vertebra of a later scan is which of an earlier one, whatever the two scans call them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from spineimg.core.levels import LEVELS, Level
from spineimg.core.settings.tracking import TrackingSettings
from spineimg.tracking.shape import Fit, VertebraShape, fit

Outcome = Literal["agree", "shifted", "undetermined", "unchecked"]
_LEAST_VOLUMES = 4
"""Fewer levels than this have no median that one or two fractures leave alone."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One vertebra in two scans; ``fit`` is None where a shape is missing on one of them."""

    earlier: Level
    later: Level
    fit: Fit | None


@dataclass(frozen=True, slots=True)
class Reconciled:
    """All pairs, head to foot. ``shifted``: the shapes say that one of the scans counted wrong, and how."""

    pairs: tuple[Pair, ...]
    outcome: Outcome
    mean_distance_mm: float | None
    """Of the names as given, None where no shape could be compared."""
    best_distance_mm: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """What one scan shows, by its own names: levels in any order, shapes and volumes of complete ones."""

    levels: Sequence[Level]
    shapes: Mapping[Level, VertebraShape]
    volumes_ml: Mapping[Level, float]


def reconcile(earlier: Column, later: Column, settings: TrackingSettings) -> Reconciled:
    """Match the levels of two scans by place in the column and by shape.

    The vertebrae of each scan stand in a row; the two rows are laid beside each other as the names say, one
    place higher and one place lower. The place where the posterior elements fit best wins, when it wins
    clearly; where it does not, the volumes of the bodies decide, since neighbours differ and a vertebra does
    not (the median over the levels, so that one or two fractures change nothing).

    Parameters
    ----------
    earlier, later : Column
        The two scans.
    settings : TrackingSettings
        Margins.
    """
    rows = _places(earlier.levels), _places(later.levels)
    shapes_earlier, shapes_later = earlier.shapes, later.shapes
    named = _offset_of_names(*rows)
    fits: dict[int, dict[Level, Fit]] = {}
    for offset in (named, named - 1, named + 1):
        pairs = [(a, b) for a, b in _beside(*rows, offset) if a in shapes_earlier and b in shapes_later]
        chosen = pairs if offset == named else _spread(pairs, settings.shift_levels)
        fits[offset] = {a: fit(shapes_earlier[a], shapes_later[b], settings) for a, b in chosen}
    means = {k: float(np.mean([f.distance_mm for f in found.values()])) for k, found in fits.items() if found}
    enough = {k: v for k, v in means.items() if k == named or 2 * len(fits[k]) >= min(len(fits[named]), 4)}
    if named not in means:
        return Reconciled(_pairs(rows, named, {}), "unchecked", None, None)
    best = min(enough, key=lambda k: (enough[k], k != named))
    differ = {k: _volumes_differ(_beside(*rows, k), earlier, later) for k in enough}
    outcome: Outcome = "agree"
    if best != named:
        clear = (
            enough[best] + settings.shift_margin_mm < enough[named]
            and enough[best] < settings.shift_ratio * enough[named]
        )
        outcome = "shifted" if clear or _volumes_say(best, named, differ, settings) else "undetermined"
    elif any(_volumes_say(k, named, differ, settings) for k in enough if k != named):
        second = min(v for k, v in enough.items() if k != named)
        outcome = "agree" if enough[named] < settings.shift_ratio * second else "undetermined"
    used = best if outcome == "shifted" else named
    if used != named:
        complete = [(a, b) for a, b in _beside(*rows, used) if a in shapes_earlier and b in shapes_later]
        for a, b in complete:
            fits[used].setdefault(a, fit(shapes_earlier[a], shapes_later[b], settings))
    return Reconciled(_pairs(rows, used, fits[used]), outcome, means[named], enough[best])


def _volumes_differ(pairs: list[tuple[Level, Level]], earlier: Column, later: Column) -> float | None:
    """Median relative difference of the body volumes of paired vertebrae; None with too few of them."""
    both = [
        (earlier.volumes_ml[a], later.volumes_ml[b])
        for a, b in pairs
        if a in earlier.volumes_ml and b in later.volumes_ml
    ]
    return float(np.median([abs(np.log(b / a)) for a, b in both])) if len(both) >= _LEAST_VOLUMES else None


def _volumes_say(
    moved: int, named: int, differ: Mapping[int, float | None], settings: TrackingSettings
) -> bool:
    """Whether the volumes agree at one place and clearly less under the names."""
    here, there = differ[moved], differ[named]
    if here is None or there is None:
        return False
    return here < settings.shift_volumes and here < settings.shift_volumes_ratio * there


def _places(levels: Sequence[Level]) -> dict[int, Level]:
    """Place of each vertebra in its row: one more than the one above, or more where names leave a gap."""
    placed: dict[int, Level] = {}
    place = 0
    above: Level | None = None
    for level in sorted(set(levels)):
        place = _rank(level) if above is None else place + max(1, _rank(level) - _rank(above))
        placed[place] = level
        above = level
    return placed


def _rank(level: Level) -> int:
    """Place in the usual column; T13 shares that of T12, L6 that of L5, S1 and below follow the sacrum."""
    if level in LEVELS:
        return LEVELS.index(level)
    if level.is_vertebra:
        return LEVELS.index(Level.T12 if level is Level.T13 else Level.L5)
    order = (Level.S1, Level.S2, Level.S3, Level.S4, Level.S5, Level.COCCYX)
    return LEVELS.index(Level.SACRUM) + order.index(level)


def _beside(
    earlier: Mapping[int, Level], later: Mapping[int, Level], offset: int
) -> list[tuple[Level, Level]]:
    return [(level, later[k + offset]) for k, level in sorted(earlier.items()) if k + offset in later]


def _offset_of_names(earlier: Mapping[int, Level], later: Mapping[int, Level]) -> int:
    """Offset at which most names are equal; 0 is preferred."""
    counts = {k: sum(a is b for a, b in _beside(earlier, later, k)) for k in (0, -1, 1)}
    return max(counts, key=lambda k: (counts[k], -abs(k)))


def _spread(pairs: list[tuple[Level, Level]], count: int) -> list[tuple[Level, Level]]:
    """At most ``count`` pairs, evenly from head to foot."""
    if len(pairs) <= count:
        return pairs
    return [pairs[int(i)] for i in np.linspace(0, len(pairs) - 1, count).round()]


def _pairs(
    rows: tuple[dict[int, Level], dict[int, Level]], offset: int, fits: Mapping[Level, Fit]
) -> tuple[Pair, ...]:
    return tuple(Pair(a, b, fits.get(a)) for a, b in _beside(*rows, offset))
