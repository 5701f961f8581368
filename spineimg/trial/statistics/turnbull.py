"""Interval-censored survival: the non-parametric maximum likelihood (Turnbull, J R Stat Soc B 1976;38:290).

Intervals are (left, right], as a fracture between two scans is and as R reads them; left = right is an
exact time. lifelines reads closed intervals, which moves the curve by up to 0.003 on the reference data.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from spineimg.core.settings.trial import TrialSettings
from spineimg.trial.statistics.partial_likelihood import Floats, Ints


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
    """Innermost intervals; each observed one covers those from ``first`` to before ``last``."""

    from_day: Floats
    to_day: Floats
    first: Ints
    last: Ints
    which: Ints


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
    first = covers.argmax(axis=1).astype(np.int64)
    last = first + covers.sum(axis=1).astype(np.int64)
    return Support(from_day, to_day, first, last, np.asarray(which).reshape(-1).astype(np.int64))


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
    w = np.bincount(support.which).astype(np.float64) / len(left)
    mass = np.full(support.from_day.size, 1.0 / support.from_day.size)
    converged = False
    for _ in range(settings.npmle_iterations):
        one = _em(support, w, mass)
        two = _em(support, w, one)
        first, second = one - mass, two - 2 * one + mass
        if np.abs(first).max() < settings.npmle_tolerance:
            mass, converged = two, True
            break
        mass = _leap(support, w, (mass, first, second), two)
    return Npmle(support.from_day, support.to_day, mass, converged)


def _leap(support: Support, w: Floats, path: tuple[Floats, Floats, Floats], two: Floats) -> Floats:
    """A SQUAREM step (Varadhan & Roland, Scand J Stat 2008;35:335), if it goes up; else the two EM steps."""
    mass, first, second = path
    norm = float(np.sqrt((second**2).sum()))
    if norm == 0:
        return two
    alpha = max(1.0, float(np.sqrt((first**2).sum())) / norm)
    # Never to zero: from there no EM step leads back.
    far = np.maximum(mass + 2 * alpha * first + alpha**2 * second, two / 100)
    leap = _em(support, w, far / far.sum())
    return leap if _log_likelihood(support, w, leap) >= _log_likelihood(support, w, two) else two


def _covered(support: Support, mass: Floats) -> Floats:
    """Probability of each observed interval."""
    total = np.concatenate([[0.0], np.cumsum(mass)])
    return np.asarray(np.maximum(total[support.last] - total[support.first], 1e-300))


def _em(support: Support, w: Floats, mass: Floats) -> Floats:
    share = w / _covered(support, mass)
    size = mass.size + 1
    steps = np.bincount(support.first, share, size) - np.bincount(support.last, share, size)
    return np.asarray(mass * np.cumsum(steps)[:-1])


def _log_likelihood(support: Support, w: Floats, mass: Floats) -> float:
    return float(w @ np.log(_covered(support, mass)))
