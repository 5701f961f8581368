"""Limits by resampling whole patients: levels of one patient are not independent."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spineimg.core.settings.trial import TrialSettings
from spineimg.trial.statistics.occurrence import count, curves
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
    """Standard errors of the curves: their spread over resamples of patients.

    Limits are then built on the log(-log) scale, which keeps them within 0 and 1. The spread of log(-log)
    itself is not used: where a resample has no event it is infinite, and the limits of the first steps grow
    absurd.

    Returns
    -------
    free : ndarray, (times,)
        Of survival free of every event, at each distinct time.
    incidence : ndarray, (times, causes)
        Of the cumulative incidence of each cause.
    """
    days = np.unique(time)
    total = np.zeros((days.size, 1 + causes))
    square = np.zeros_like(total)
    for weight in resamples(cluster, settings.bootstrap_repeats, settings.bootstrap_seed):
        found = curves(count(time, cause, causes, weight))
        values = np.column_stack([found.free, found.incidence])
        total += values
        square += values**2
    n = settings.bootstrap_repeats
    sd = np.sqrt(np.clip(square - total**2 / n, 0.0, None) / (n - 1))
    return sd[:, 0], sd[:, 1:]
