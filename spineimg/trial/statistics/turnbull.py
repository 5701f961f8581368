"""Interval-censored survival: the non-parametric maximum likelihood (Turnbull, J R Stat Soc B 1976;38:290).

Intervals are (left, right], as a fracture between two scans is and as R reads them; left = right is an
exact time. lifelines reads closed intervals, which moves the curve by up to 0.003 on the reference data.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from spineimg.core.settings.trial import TrialSettings
from spineimg.trial.statistics.partial_likelihood import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Npmle:
    """Probability of the event in each innermost interval (from, to]; where inside, the data do not say."""

    from_day: Floats
    to_day: Floats
    mass: Floats
    converged: bool

    def survival_after(self) -> Floats:
        """Survival at the end of each innermost interval."""
        return np.asarray(np.clip(1.0 - np.cumsum(self.mass), 0.0, 1.0))


@dataclass(frozen=True, slots=True, eq=False)
class Support:
    """Innermost intervals, and which of them each distinct observed interval covers (distinct, innermost)."""

    from_day: Floats
    to_day: Floats
    covers: Floats
    which: np.ndarray[tuple[int], np.dtype[np.int64]]


def support_of(left: Floats, right: Floats) -> Support:
    """Find the innermost intervals: a left end followed by a right end with nothing between.

    Parameters
    ----------
    left, right : ndarray, (n,)
        (left, right], ``right`` infinite for a censored one, left = right an exact time.
    """
    pairs, which = np.unique(np.column_stack([left, right]), axis=0, return_inverse=True)
    exact = pairs[:, 0] == pairs[:, 1]
    # An exact time t is (t-, t]: its left end comes after every end before t, but before right ends at t.
    ends = sorted(
        [(x, 2, 0) for x, e in zip(pairs[:, 0], exact, strict=True) if not e]
        + [(x, 0, 0) for x, e in zip(pairs[:, 0], exact, strict=True) if e]
        + [(x, 1, 1) for x in pairs[:, 1]]
    )
    found = [(a, b) for a, b in itertools.pairwise(ends) if (a[2], b[2]) == (0, 1)]
    from_day = np.array([a[0] for a, _ in found])
    to_day = np.array([b[0] for _, b in found])
    at_point = np.array([a[1] == 0 for a, _ in found])
    after_left = np.where(
        exact[:, None],
        at_point[None, :] & (from_day[None, :] == pairs[:, :1]),
        (from_day[None, :] > pairs[:, :1]) | ((from_day[None, :] == pairs[:, :1]) & ~at_point[None, :]),
    )
    covers = after_left & (to_day[None, :] <= pairs[:, 1:])
    return Support(
        from_day, to_day, covers.astype(np.float64), np.asarray(which).reshape(-1).astype(np.int64)
    )


def fit_npmle(left: Floats, right: Floats, settings: TrialSettings) -> Npmle:
    """Fit by EM to the tolerance of the settings.

    Raises
    ------
    ValueError
        When there is no observation.
    """
    if not len(left):
        raise ValueError("no observation")
    support = support_of(left, right)
    return fit_weighted(support, np.bincount(support.which).astype(np.float64), settings)


def fit_weighted(support: Support, weight: Floats, settings: TrialSettings) -> Npmle:
    """EM with SQUAREM steps (Varadhan & Roland, Scand J Stat 2008;35:335).

    ``weight`` counts each distinct interval.
    """
    used = weight > 0
    covers, w = support.covers[used], weight[used] / weight.sum()
    mass = np.full(covers.shape[1], 1.0 / covers.shape[1])
    converged = False
    for _ in range(settings.npmle_iterations):
        one = _em(covers, w, mass)
        two = _em(covers, w, one)
        first, second = one - mass, two - 2 * one + mass
        norm = float(np.sqrt((second**2).sum()))
        if np.abs(first).max() < settings.npmle_tolerance:
            mass, converged = two, True
            break
        if norm > 0:
            alpha = max(1.0, float(np.sqrt((first**2).sum())) / norm)
            leap = np.clip(mass + 2 * alpha * first + alpha**2 * second, 0.0, None)
            leap = _em(covers, w, leap / leap.sum()) if _possible(covers, leap) else two
            two = leap if _log_likelihood(covers, w, leap) >= _log_likelihood(covers, w, two) else two
        mass = two
    return Npmle(support.from_day, support.to_day, mass, converged)


def _em(covers: Floats, w: Floats, mass: Floats) -> Floats:
    return np.asarray(mass * ((w / (covers @ mass)) @ covers))


def _possible(covers: Floats, mass: Floats) -> bool:
    return bool((covers @ mass > 0).all())


def _log_likelihood(covers: Floats, w: Floats, mass: Floats) -> float:
    return float(w @ np.log(covers @ mass))
