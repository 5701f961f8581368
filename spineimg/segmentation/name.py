"""Name the vertebrae of a column: a sequence model over all of them at once.

The hidden state of each found body is a level (C1 to L6, T13) or "no vertebra". Neighbours
are tied by their distance and by how likely a vertebra was missed or the anatomy is unusual;
each body brings its group evidence and level number; sacrum and skull tie the ends. The sum
over all sequences and over the patient's size (forward-backward) gives a calibrated
posterior of each name; the sequence in order with the largest sum of them gives the names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spineimg.core.labelmap import Caveat, NameDoubt
from spineimg.core.levels import Level
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.segmentation.naming_model import GROUPS, STATES, Found, NamingModel, Surroundings
from spineimg.segmentation.naming_sums import backward, forward, lse, whole
from spineimg.segmentation.naming_terms import Terms, build_terms

Floats = NDArray[np.float64]
_UNUSUAL = (Level.T13, Level.L6)


@dataclass(frozen=True, slots=True)
class Naming:
    """What the sequence model says.

    Parameters
    ----------
    levels : tuple of Level or None
        Name of each found body in the given order; None: taken for no vertebra (or a doubled one).
    doubts : tuple of NameDoubt
        Every name with its alternatives, head to foot.
    caveats : tuple of Caveat
        ``level-name-uncertain``, ``no-landmark``, ``transitional-anatomy``.
    best, second : float
        Posterior of the best whole naming, and of the best one with another count.
    """

    levels: tuple[Level | None, ...]
    doubts: tuple[NameDoubt, ...]
    caveats: tuple[Caveat, ...]
    best: float
    second: float

    @property
    def flagged(self) -> bool:
        """Whether any name of the scan is in doubt."""
        return bool(self.caveats)


def name_column(
    found: Sequence[Found], around: Surroundings, model: NamingModel, settings: SegmentationSettings
) -> Naming:
    """Name the bodies of one column.

    Parameters
    ----------
    found : sequence of Found
        Located bodies along the column, head to foot.
    around : Surroundings
        Sacrum and skull.
    model : NamingModel
        Learned parameters.
    settings : SegmentationSettings
        Limits of certainty.

    Returns
    -------
    Naming
        Names, alternatives and caveats; empty when nothing was found.
    """
    if not found:
        return Naming((), (), (), 0.0, 0.0)
    terms = build_terms(found, around, model)
    ahead, behind = forward(terms), backward(terms)
    total = whole(terms, ahead)
    marginal = np.exp(lse(ahead + behind, 1) - total)
    path = [None if state is None or not STATES[state].is_vertebra else state for state in _decode(marginal)]
    levels = tuple(None if state is None else STATES[state] for state in path)
    doubts = tuple(
        _doubt(marginal[place], state, settings) for place, state in enumerate(path) if state is not None
    )
    doubts = _contradicted(found, levels, doubts, settings)
    best, second = _counts(terms, path, marginal[:, :-1], total)
    unusual = _unusual_share(marginal, terms, ahead, behind, total)
    caveats = _caveats(levels, doubts, around, unusual, settings)
    if model.groups is not None:  # a softmax says by itself how open it is
        caveats = (*caveats, *_two_looks(found, levels, model, settings))
    return Naming(levels, doubts, caveats, best, second)


def _decode(marginal: Floats) -> list[int | None]:
    """Sequence in order that has the largest sum of posteriors: state per body, None for no vertebra."""
    count, states = marginal.shape
    none = np.clip(1.0 - marginal.sum(1), 0.0, 1.0)
    # Column 0 stands for "nothing named yet", column s + 1 for state s being the last one named.
    score = np.full(states + 1, -np.inf)
    score[0] = 0.0
    back = np.zeros((count, states + 1), dtype=np.int64)
    for i in range(count):
        best_before = np.maximum.accumulate(score)
        source = np.array([int(np.argmax(score[: s + 1])) for s in range(states)])
        taken = best_before[:-1] + marginal[i]
        skipped = score + none[i]
        back[i] = -1
        better = taken > skipped[1:]
        back[i, 1:][better] = source[better]
        score = skipped
        score[1:] = np.where(better, taken, skipped[1:])
    path: list[int | None] = [None] * count
    place = int(np.argmax(score))
    for i in reversed(range(count)):
        if back[i, place] >= 0:
            path[i] = place - 1
            place = int(back[i, place])
    return path


def _doubt(marginal: Floats, state: int, settings: SegmentationSettings) -> NameDoubt:
    """Alternatives of one body; the share of "no vertebra" lowers no name.

    One limit for both signs of doubt: a name that gives no caveat has no alternative either.
    """
    shares = marginal[:-1] / marginal[:-1].sum()
    if shares[state] >= settings.name_certain:
        return NameDoubt(STATES[state], (STATES[state],), float(min(1.0, shares[state])))
    keep = {STATES[n] for n in np.flatnonzero(shares >= settings.name_possible)} | {STATES[state]}
    return NameDoubt(STATES[state], tuple(sorted(keep)), float(min(1.0, shares[state])))


def _contradicted(
    found: Sequence[Found],
    levels: tuple[Level | None, ...],
    doubts: tuple[NameDoubt, ...],
    settings: SegmentationSettings,
) -> tuple[NameDoubt, ...]:
    """Doubt the names beside a border where a vertebra looks clearly like the other region."""
    open_ones: set[Level] = set()
    named = [level for level in levels if level is not None]
    for body, level in zip(found, levels, strict=True):
        if level is None:
            continue
        shares = np.array(body.groups) / max(sum(body.groups), 1e-6)
        if shares[GROUPS.index(level.region.value)] >= settings.contradiction:
            continue
        seen = GROUPS[int(shares.argmax())]
        # A misplaced neck border leaves the count from the sacrum alone; the other border moves all.
        beside = {"cervical"} if "cervical" in (seen, level.region.value) else {"thoracic", "lumbar"}
        open_ones |= {level, *(n for n in named if n.region.value in beside)}
    out = []
    for doubt in doubts:
        if doubt.level in open_ones:
            near = {n for n in (doubt.level.above(), doubt.level.below()) if n is not None and n.is_vertebra}
            possible = tuple(sorted({*doubt.possible, *near}))
            doubt = NameDoubt(doubt.level, possible, min(doubt.confidence, settings.contradicted_confidence))
        out.append(doubt)
    return tuple(out)


def _two_looks(
    found: Sequence[Found],
    levels: tuple[Level | None, ...],
    model: NamingModel,
    settings: SegmentationSettings,
) -> tuple[Caveat, ...]:
    """Say which vertebrae look thoracic and lumbar alike (stub ribs): the count may be unusual there."""
    mixed = []
    for body, level in zip(found, levels, strict=True):
        cervical, *rest = np.clip(np.array(body.groups) - model.weights["group_floor"], 1e-3, None)
        if level is not None and cervical < max(rest) and min(rest) >= settings.two_looks * max(rest):
            mixed.append(level)
    if not mixed:
        return ()
    message = f"thoracic and lumbar alike: {', '.join(map(str, mixed))}"
    return (Caveat("transitional-anatomy", message, tuple(mixed)),)


def _counts(terms: Terms, path: list[int | None], marginal: Floats, total: float) -> tuple[float, float]:
    """Posterior of the best naming as a whole, and the largest of another name anywhere."""
    held = terms.held(path)
    chosen = whole(held, forward(held))
    others = marginal / marginal.sum(1, keepdims=True)
    for place, state in enumerate(path):
        if state is None:
            others[place] = 0.0
        else:
            others[place, state] = 0.0
    return float(np.exp(min(0.0, chosen - total))), float(others.max())


def _unusual_share(marginal: Floats, terms: Terms, ahead: Floats, behind: Floats, total: float) -> float:
    """Posterior that the count of the chain is not the usual one."""
    share = max(float(marginal[:, STATES.index(level)].max()) for level in _UNUSUAL)
    share = max(share, terms.sacrum_after_l4(marginal))
    t11, l1 = STATES.index(Level.T11), STATES.index(Level.L1)
    for j in range(terms.count):
        for i in terms.after(j):
            weight = terms.no_t12[j, i]
            value = ahead[j][:, t11] + weight + terms.emission[i][:, l1] + behind[i][:, l1]
            share = max(share, float(np.exp(lse(value, 0) - total)))
    return share


def _caveats(
    levels: tuple[Level | None, ...],
    doubts: tuple[NameDoubt, ...],
    around: Surroundings,
    unusual: float,
    settings: SegmentationSettings,
) -> tuple[Caveat, ...]:
    """Say what a reader must know about the names."""
    out: list[Caveat] = []
    named = [level for level in levels if level is not None]
    open_ones = tuple(d.level for d in doubts if d.confidence < settings.name_certain)
    regions = {level.region for level in named}
    countable = len(regions) > 1 or around.sacrum_below_mm is not None or around.skull_above
    if open_ones:
        out.append(
            Caveat("level-name-uncertain", f"names in doubt: {', '.join(map(str, open_ones))}", open_ones)
        )
    if not countable:
        out.append(
            Caveat(
                "no-landmark",
                "no sacrum, skull or border of a region in view: the levels cannot be counted",
                tuple(named),
            )
        )
    if unusual >= settings.transitional_possible:
        out.append(
            Caveat(
                "transitional-anatomy",
                f"an unusual number of vertebrae is possible (posterior {unusual:.2f})",
                tuple(level for level in named if level.region.value in ("lumbar", "thoracic")),
            )
        )
    return tuple(out)


def log_posterior(
    found: Sequence[Found], around: Surroundings, model: NamingModel, names: Sequence[Level | None]
) -> float:
    """Log probability of names known otherwise (None leaves a body free); for learning."""
    terms = build_terms(found, around, model)
    held = terms.held([None if n is None else STATES.index(n) for n in names])
    return whole(held, forward(held)) - whole(terms, forward(terms))
