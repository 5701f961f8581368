"""Cause-specific Cox regression with cluster-robust errors, equal to R's ``coxph(..., cluster = id)``."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy import stats

from spineimg.core.settings.trial import TrialSettings
from spineimg.trial.libraries import library
from spineimg.trial.statistics.partial_likelihood import (
    CoxRows,
    Floats,
    Moments,
    Steps,
    cluster_sums,
    information,
    moments,
    score,
    score_residuals,
    steps_of,
)

LARGEST_POLISH = 12


class NotFitted(ValueError):
    """The model has no maximum here; the sentence says why."""


@dataclass(frozen=True, slots=True, eq=False)
class CoxFit:
    """Coefficients and their errors.

    ``covariance``: model-based; ``robust``: sandwich over clusters as R makes it; ``corrected``: the same
    with each cluster's own share of the information taken out (one-step jackknife), for few clusters or
    events.
    """

    coefficients: Floats
    covariance: Floats
    robust: Floats
    corrected: Floats
    events: int
    clusters: int


@dataclass(frozen=True, slots=True, eq=False)
class Limits:
    """Per covariate: limits of the hazard ratio and p."""

    low: Floats
    high: Floats
    p: Floats


def fit_cox(rows: CoxRows, settings: TrialSettings) -> CoxFit:
    """Fit by statsmodels (Efron's ties), then prove the maximum by our own score and polish it.

    Parameters
    ----------
    rows : CoxRows
        Rows at risk in (start, stop].
    settings : TrialSettings
        Convergence limits.

    Raises
    ------
    NotFitted
        No events, a constant covariate, collinear covariates, or separated events.
    """
    scale, kept = _scaled(rows)
    steps = steps_of(kept)
    beta = _library_fit(kept)
    for _ in range(LARGEST_POLISH):
        found = moments(kept, steps, beta)
        gradient, info = score(kept, steps, found), information(found)
        if not np.isfinite(beta).all() or np.abs(beta).max() > settings.cox_largest_coefficient:
            raise NotFitted("a covariate separates the events: the likelihood has no maximum")
        if np.abs(gradient).max() <= settings.cox_gradient:
            break
        beta = beta + np.linalg.solve(info, gradient)
    else:
        raise NotFitted("the likelihood has no maximum that could be found")
    return errors(kept, steps, found, beta, scale)


def errors(kept: CoxRows, steps: Steps, found: Moments, beta: Floats, scale: Floats) -> CoxFit:
    """Errors at given coefficients of scaled covariates, put back on the covariates' own scale."""
    inverse = np.linalg.inv(information(found))
    sums = cluster_sums(score_residuals(kept, steps, found), kept.cluster)
    influence = sums @ inverse
    back = 1.0 / np.outer(scale, scale)
    return CoxFit(
        beta / scale,
        inverse * back,
        influence.T @ influence * back,
        _jackknife(kept, steps, found) * back,
        int(steps.row.size),
        kept.clusters,
    )


def _jackknife(rows: CoxRows, steps: Steps, found: Moments) -> Floats:
    """One Newton step from the fit on the rows without each cluster, spread as a jackknife has it.

    Each cluster is taken out of the sums of every risk set, so that no model is laid out anew.
    """
    n, p = rows.x.shape
    products = (rows.x[:, :, None] * rows.x[:, None, :]).reshape(n, p * p)
    values = found.weight[:, None] * np.column_stack([np.ones(n), rows.x, products])
    whole, dying = steps.at_risk @ values, steps.dying @ values
    names, place = np.unique(rows.cluster, return_inverse=True)
    moved = np.zeros((names.size, p))
    left = score(rows, steps, found)  # not zero at a penalised maximum: there the penalty balances it
    for g in range(names.size):
        own = np.flatnonzero(place == g)
        ties = steps.tied - steps.dying[:, own].sum(axis=1).astype(np.int64)
        time = np.repeat(np.arange(ties.size), ties)
        out = (np.arange(time.size) - np.repeat(np.cumsum(ties) - ties, ties)) / ties[time]
        sums = (whole - steps.at_risk[:, own] @ values[own])[time] - out[:, None] * (
            dying - steps.dying[:, own] @ values[own]
        )[time]
        mean = sums[:, 1 : 1 + p] / sums[:, :1]
        square = (sums[:, 1 + p :] / sums[:, :1]).reshape(-1, p, p)
        info = (square - mean[:, :, None] * mean[:, None, :]).sum(axis=0)
        events = rows.x[steps.row[place[steps.row] != g]]
        # Without its only events a covariate may tell nothing: no step is known then, the shortest is taken.
        moved[g] = np.linalg.pinv(info) @ (events.sum(axis=0) - mean.sum(axis=0) - left)
    return np.asarray(moved.T @ moved * (names.size - 1) / names.size)


def _scaled(rows: CoxRows) -> tuple[Floats, CoxRows]:
    """Centre and scale the covariates; rows of no length are left out (they are at risk at no event)."""
    long = rows.stop > rows.start
    x = rows.x[long]
    if not rows.event[long].any():
        raise NotFitted("no event")
    scale = x.std(axis=0)
    if (scale < 1e-12).any():
        raise NotFitted("a covariate is the same in all")
    if np.linalg.matrix_rank((x - x.mean(axis=0)) / scale, tol=1e-8) < x.shape[1]:
        raise NotFitted("covariates are linear combinations of each other")
    kept = CoxRows(
        rows.start[long], rows.stop[long], rows.event[long], (x - x.mean(axis=0)) / scale, rows.cluster[long]
    )
    return scale, kept


def _library_fit(rows: CoxRows) -> Floats:
    """Coefficients by statsmodels.

    Its risk set holds a row from its start on, R's from just after it: the start is moved to the next number.
    """
    phreg = library("statsmodels.duration.hazard_regression").PHReg
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # separation is found below, by the coefficients
        model = phreg(
            rows.stop,
            rows.x,
            status=rows.event.astype(int),
            entry=np.nextafter(rows.start, np.inf),
            ties="efron",
        )
        try:
            params = np.asarray(model.fit(disp=0).params, dtype=np.float64)
        except np.linalg.LinAlgError as error:
            raise NotFitted("the information is singular") from error
    if not np.isfinite(params).all():
        raise NotFitted("the likelihood has no maximum that could be found")
    return params


def wald(coefficients: Floats, covariance: Floats, confidence: float) -> Limits:
    """Normal limits of the hazard ratio, and two-sided p."""
    se = np.sqrt(np.diag(covariance))
    quantile = stats.norm.ppf(0.5 + confidence / 2)
    p = 2 * stats.norm.sf(np.abs(coefficients / se))
    with np.errstate(over="ignore"):
        return Limits(np.exp(coefficients - quantile * se), np.exp(coefficients + quantile * se), p)
