"""Time-dependent AUC of a score under competing risks (Blanche et al., Stat Med 2013;32:5381)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spineimg.core.settings.trial import TrialSettings
from spineimg.trial.statistics.bootstrap import resamples
from spineimg.trial.statistics.partial_likelihood import Floats, Ints


@dataclass(frozen=True, slots=True)
class Auc:
    """Probability that who had the event by a day has the larger score than who had none."""

    day: int
    value: float
    low: float | None
    high: float | None
    cases: int
    controls: int


def auc_at(
    marker: Floats, time: Floats, cause: Ints, cluster: Ints, day: int, settings: TrialSettings
) -> Auc | None:
    """AUC at a day, weighted by the inverse probability of being uncensored; limits by resampling patients.

    Cases had the event (cause 1) by the day; controls had nothing by then, or a competing event.
    scikit-survival has this estimator but is under the GPL.

    Parameters
    ----------
    marker : ndarray, (n,)
        The score.
    time : ndarray, (n,)
        Days of event or censoring.
    cause : ndarray of int, (n,)
        0 censored, 1 event, more: competing.
    cluster : ndarray of int, (n,)
        The patient.
    day : int
        The day.

    Returns
    -------
    Auc or None
        None without cases or controls.
    """
    cases = (time <= day) & (cause == 1)
    controls = (time > day) | ((time <= day) & (cause > 1))
    if not cases.any() or not controls.any():
        return None
    ones = np.ones(len(time))
    value = _weighted(marker, time, cause, day, ones)
    again = [
        _weighted(marker, time, cause, day, w)
        for w in resamples(cluster, settings.bootstrap_repeats, settings.bootstrap_seed)
    ]
    known = np.array([a for a in again if a is not None])
    tail = (1 - settings.confidence) / 2
    enough = known.size > settings.bootstrap_repeats / 2
    low, high = (float(q) for q in np.quantile(known, [tail, 1 - tail])) if enough else (None, None)
    return Auc(
        day, float(value if value is not None else np.nan), low, high, int(cases.sum()), int(controls.sum())
    )


def _weighted(marker: Floats, time: Floats, cause: Ints, day: int, count: Floats) -> float | None:
    """The estimator with every row counted so many times."""
    uncensored = _uncensored_before(time, cause, count)
    case = count * ((time <= day) & (cause == 1))
    competing = count * ((time <= day) & (cause > 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.where(uncensored(time) > 0, 1.0 / uncensored(time), 0.0)
    at_day = float(uncensored(np.array([float(day) + 0.5]))[0])
    if at_day <= 0:
        return None
    case_weight = case * own
    control_weight = count * (time > day) / at_day + competing * own
    both = case_weight.sum() * control_weight.sum()
    if both <= 0:
        return None
    scores, place = np.unique(marker, return_inverse=True)
    cases = np.bincount(place, weights=case_weight, minlength=scores.size)
    controls = np.bincount(place, weights=control_weight, minlength=scores.size)
    below = np.concatenate([[0.0], controls.cumsum()[:-1]])
    return float((cases * (below + controls / 2)).sum() / both)


class _uncensored_before:
    """Kaplan-Meier of censoring just before a time."""

    def __init__(self, time: Floats, cause: Ints, count: Floats) -> None:
        days, place = np.unique(time, return_inverse=True)
        leaving = np.bincount(place, weights=count, minlength=days.size)
        events = np.bincount(place, weights=count * (cause > 0), minlength=days.size)
        at_risk = (
            leaving[::-1].cumsum()[::-1] - events
        )  # who had an event is not at risk of censoring after it
        censored = leaving - events
        with np.errstate(divide="ignore", invalid="ignore"):
            self._step = np.cumprod(np.where(at_risk > 0, 1.0 - censored / at_risk, 1.0))
        self._days = days

    def __call__(self, at: Floats) -> Floats:
        place = np.searchsorted(self._days, at, side="left")
        return np.asarray(np.concatenate([[1.0], self._step])[place])
