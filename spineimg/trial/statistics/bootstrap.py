"""Limits by resampling whole patients: levels of one patient are not independent."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spineimg.core.settings.trial import TrialSettings
from spineimg.trial.statistics.occurrence import Curves, count, curves
from spineimg.trial.statistics.partial_likelihood import Floats, Ints


def resamples(cluster: Ints, repeats: int, seed: int) -> Iterator[Floats]:
    """How often each row counts in each resample of patients, (n,) at a time.

    Parameters
    ----------
    cluster : ndarray of int, (n,)
        The patient of each row.
    repeats, seed : int
        How many, and the seed that makes them the same every time.
    """
    names, place = np.unique(cluster, return_inverse=True)
    random = np.random.default_rng(seed)
    for _ in range(repeats):
        drawn = random.multinomial(names.size, np.full(names.size, 1.0 / names.size))
        yield drawn[place].astype(np.float64)


def bootstrap_errors(
    time: Floats, cause: Ints, causes: int, cluster: Ints, settings: TrialSettings
) -> tuple[Floats, Floats]:
    """Bootstrap limits' raw material: spread of log(-log) of each curve over resamples of patients.

    On that scale the spread is nearly normal and the limits stay within 0 and 1; percentiles of a step curve with a
    handful of events are too narrow (scripts/benchmark_trial.py compares them).

    Returns
    -------
    free : ndarray, (times,)
        Standard deviation of log(-log free).
    incidence : ndarray, (times, causes)
        Standard deviation of log(-log(1 - incidence)).
    """
    first = curves(count(time, cause, causes))
    shape = (first.days.size, 1 + causes)
    total, square, used = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for weight in resamples(cluster, settings.bootstrap_repeats, settings.bootstrap_seed):
        values = _log_log(curves(count(time, cause, causes, weight)))
        finite = np.isfinite(values)
        values = np.where(finite, values, 0.0)
        total, square, used = total + values, square + values**2, used + finite
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / used
        sd = np.sqrt(np.clip(square / used - mean**2, 0.0, None) * used / (used - 1))
    return sd[:, 0], sd[:, 1:]


def _log_log(found: Curves) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        survival = np.column_stack([found.free, 1.0 - found.incidence])
        return np.asarray(np.log(-np.log(survival)))


def limits_from_spread(survival: Floats, spread: Floats, z: float) -> tuple[Floats, Floats]:
    """Limits S ** exp(-+ z * spread); both S where S is 0 or 1 or the spread is unknown."""
    known = (survival > 0) & (survival < 1) & np.isfinite(spread)
    low, high = survival.copy(), survival.copy()
    factor = np.exp(z * spread[known])
    low[known], high[known] = survival[known] ** factor, survival[known] ** (1.0 / factor)
    return low, high
