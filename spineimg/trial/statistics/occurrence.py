"""Kaplan-Meier and cumulative incidence (Aalen-Johansen) with errors that know of clusters.

Kaplan-Meier comes from lifelines (equal to R to 1e-10). Cumulative incidence is the textbook formula:
lifelines breaks tied times by jitter, and a visit schedule has almost nothing but ties. The errors are the
infinitesimal jackknife, as R's ``survfit`` takes them for multi-state curves and for ``cluster =``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from spineimg.trial.statistics.partial_likelihood import Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Per distinct time: number at risk, and events of each cause (times, causes)."""

    days: Floats
    at_risk: Floats
    events: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Free of every event, and cumulative incidence of each cause (times, causes), after each time."""

    days: Floats
    free: Floats
    incidence: Floats


def count(time: Floats, cause: Ints, causes: int, weight: Floats | None = None) -> Counts:
    """Count at each distinct time.

    Parameters
    ----------
    time : ndarray, (n,)
        Days of event or censoring; who is censored at a time is at risk there.
    cause : ndarray of int, (n,)
        0 censored, 1 ... ``causes``.
    causes : int
        How many.
    weight : ndarray, (n,), optional
        How often each counts (a resample).
    """
    w = np.ones(len(time)) if weight is None else weight
    days, place = np.unique(time, return_inverse=True)
    events = np.zeros((days.size, causes))
    hit = cause > 0
    np.add.at(events, (place[hit], cause[hit] - 1), w[hit])
    leaving = np.bincount(place, weights=w, minlength=days.size)
    at_risk = leaving[::-1].cumsum()[::-1]
    return Counts(days, at_risk, events)


def curves(counts: Counts) -> Curves:
    """Aalen-Johansen: incidence_j(t) = sum over times s <= t of free(s-) * events_j(s) / at_risk(s)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = np.where(counts.at_risk[:, None] > 0, counts.events / counts.at_risk[:, None], 0.0)
    free = np.cumprod(1.0 - hazard.sum(axis=1))
    before = np.concatenate([[1.0], free[:-1]])
    return Curves(counts.days, free, np.cumsum(before[:, None] * hazard, axis=0))


def jackknife_errors(time: Floats, cause: Ints, causes: int, cluster: Ints) -> tuple[Floats, Floats]:
    """Standard errors of ``free`` (times,) and of ``incidence`` (times, causes).

    The derivative of each curve by the weight of each patient, its square summed over patients.

    Parameters
    ----------
    time, cause, causes
        As in `count`.
    cluster : ndarray of int, (n,)
        Who belongs together; all different: every row on its own.
    """
    counts = count(time, cause, causes)
    names, patient = np.unique(cluster, return_inverse=True)
    d_free, d_incidence = np.zeros(names.size), np.zeros((names.size, causes))
    free = 1.0
    free_se = np.zeros(counts.days.size)
    incidence_se = np.zeros((counts.days.size, causes))
    for k, day in enumerate(counts.days):
        risk, hazard = counts.at_risk[k], counts.events[k] / counts.at_risk[k]
        if counts.events[k].any():
            at_risk = np.bincount(patient, weights=(time >= day).astype(float), minlength=names.size)
            d_hazard = -at_risk[:, None] * hazard[None, :] / risk
            hit = (time == day) & (cause > 0)
            np.add.at(d_hazard, (patient[hit], cause[hit] - 1), 1.0 / risk)
            d_incidence = d_incidence + d_free[:, None] * hazard[None, :] + free * d_hazard
            d_free = d_free * (1.0 - hazard.sum()) - free * d_hazard.sum(axis=1)
            free *= 1.0 - hazard.sum()
        free_se[k] = np.sqrt((d_free**2).sum())
        incidence_se[k] = np.sqrt((d_incidence**2).sum(axis=0))
    return free_se, incidence_se


def log_log_limits(survival: Floats, se: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Limits of a survival probability on the scale of log(-log S); where S is 0 or 1 both are S.

    For an incidence F give 1 - F and take 1 - limits.
    """
    z = stats.norm.ppf(0.5 + confidence / 2)
    inside = (survival > 0) & (survival < 1)
    low, high = survival.copy(), survival.copy()
    s, e = survival[inside], se[inside]
    spread = np.exp(z * e / (s * np.abs(np.log(s))))
    low[inside], high[inside] = s**spread, s ** (1.0 / spread)
    return low, high
