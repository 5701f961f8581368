"""Cox's partial likelihood with Efron's ties over (start, stop] rows: score, information, residuals.

The libraries fit the model; what they lack or do otherwise than R's ``survival`` (cluster-robust errors
with tied times, the score test of proportional hazards, Firth's penalty) is built on these terms.

Every event is one *step*: of m events tied at a time, the l-th (l = 0 ... m - 1) sees the risk set with the
share l / m of the tied events taken out (Efron, J Am Stat Assoc 1977;72:557).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class CoxRows:
    """Rows at risk in (start, stop]; a subject may have several rows, a cluster several subjects.

    Parameters
    ----------
    start, stop : ndarray, (n,)
        Days.
    event : ndarray of bool, (n,)
        Whether the event of interest ends the row.
    x : ndarray, (n, p)
        Covariates.
    cluster : ndarray of int, (n,)
        The patient.
    """

    start: Floats
    stop: Floats
    event: NDArray[np.bool_]
    x: Floats
    cluster: Ints

    @property
    def clusters(self) -> int:
        """How many patients."""
        return int(np.unique(self.cluster).size)


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """What doesn't depend on the coefficients: which rows each step has at risk.

    ``at_risk`` and ``dying``: (times, n), 0 or 1. ``time``: index of the step's time; ``out``: share taken
    out; ``row``: the row whose event the step is.
    """

    days: Floats
    at_risk: Floats
    dying: Floats
    time: Ints
    out: Floats
    row: Ints
    tied: Ints


def steps_of(rows: CoxRows) -> Steps:
    """Lay out the risk sets."""
    days = np.unique(rows.stop[rows.event])
    at_risk = ((rows.start[None, :] < days[:, None]) & (days[:, None] <= rows.stop[None, :])).astype(
        np.float64
    )
    dying = ((rows.stop[None, :] == days[:, None]) & rows.event[None, :]).astype(np.float64)
    tied = dying.sum(axis=1).astype(np.int64)
    time = np.repeat(np.arange(days.size), tied)
    out = np.concatenate([np.arange(m) / m for m in tied]) if days.size else np.zeros(0)
    row = np.nonzero(dying)[1].astype(np.int64)
    return Steps(days, at_risk, dying, time, out, row, tied)


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Risk sets of every step: sum of weights, mean and variance of the covariates."""

    weight: Floats
    total: Floats
    mean: Floats
    variance: Floats


def moments(rows: CoxRows, steps: Steps, beta: Floats) -> Moments:
    """Risk-set moments.

    Returns
    -------
    Moments
        ``weight`` (n,), ``total`` (steps,), ``mean`` (steps, p), ``variance`` (steps, p, p).
    """
    weight = np.exp(rows.x @ beta)
    total = _stepwise(steps, weight[:, None])[:, 0]
    mean = _stepwise(steps, weight[:, None] * rows.x) / total[:, None]
    n, p = rows.x.shape
    squares = (rows.x[:, :, None] * rows.x[:, None, :]).reshape(n, p * p)
    second = (_stepwise(steps, weight[:, None] * squares) / total[:, None]).reshape(-1, p, p)
    return Moments(weight, total, mean, second - mean[:, :, None] * mean[:, None, :])


def _stepwise(steps: Steps, values: Floats) -> Floats:
    """Sum values (n, k) over each step's risk set: (steps, k)."""
    whole, dying = steps.at_risk @ values, steps.dying @ values
    return np.asarray(whole[steps.time] - steps.out[:, None] * dying[steps.time])


def log_likelihood(rows: CoxRows, steps: Steps, beta: Floats, found: Moments) -> float:
    """Log partial likelihood."""
    return float((rows.x[steps.row] @ beta).sum() - np.log(found.total).sum())


def score(rows: CoxRows, steps: Steps, found: Moments) -> Floats:
    """First derivative of the log partial likelihood, (p,)."""
    return np.asarray((rows.x[steps.row] - found.mean).sum(axis=0))


def information(found: Moments) -> Floats:
    """Observed information, (p, p)."""
    return np.asarray(found.variance.sum(axis=0))


def score_residuals(rows: CoxRows, steps: Steps, found: Moments) -> Floats:
    """Each row's part of the score, (n, p); they sum to the score.

    With Efron's ties as R's ``residuals(type = "score")`` takes them: a row that dies at a step's time
    takes the mean over the tied steps as its own, and is at risk there with the share that is not taken out.
    """
    n, p = rows.x.shape
    hazard = 1.0 / found.total
    at = np.zeros((len(steps.days), 2 + 2 * p))
    parts = np.column_stack(
        [hazard, hazard * steps.out, hazard[:, None] * found.mean, (hazard * steps.out)[:, None] * found.mean]
    )
    np.add.at(at, steps.time, parts)
    risk = steps.at_risk.T @ at[:, [0]], steps.at_risk.T @ at[:, 2 : 2 + p]
    dying = steps.dying.T @ at[:, [1]], steps.dying.T @ at[:, 2 + p :]
    spent = found.weight[:, None] * (rows.x * (risk[0] - dying[0]) - (risk[1] - dying[1]))
    means = np.zeros((len(steps.days), p))
    np.add.at(means, steps.time, found.mean)
    means /= steps.tied[:, None]
    own = np.zeros((n, p))
    own[steps.row] = rows.x[steps.row] - means[steps.time]
    return own - spent


def cluster_sums(values: Floats, cluster: Ints) -> Floats:
    """Sum rows (n, p) over clusters: (clusters, p), in the order of the sorted cluster numbers."""
    names, place = np.unique(cluster, return_inverse=True)
    sums = np.zeros((names.size, values.shape[1]))
    np.add.at(sums, place, values)
    return sums
