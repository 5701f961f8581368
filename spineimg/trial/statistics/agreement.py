"""How far readers, or reader and machine, agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from spineimg.trial.libraries import library
from spineimg.trial.statistics.partial_likelihood import Floats, Ints

Weights = Literal["none", "linear", "quadratic"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """A coefficient with its limits; None where the data give none."""

    value: float | None
    low: float | None
    high: float | None
    n: int


def weighted_kappa(
    first: Ints, second: Ints, categories: Sequence[int], weights: Weights, confidence: float
) -> Agreement:
    """Cohen's kappa of two raters by statsmodels, with its asymptotic limits.

    Parameters
    ----------
    first, second : ndarray of int, (n,)
        Category of each item by each rater.
    categories : sequence of int
        All categories in order, also those that nobody used: they carry the weights.
    weights : str
        ``none``, ``linear`` or ``quadratic``.
    confidence : float
        Level of the limits.
    """
    n = len(first)
    if n == 0:
        return Agreement(None, None, None, 0)
    place = {c: k for k, c in enumerate(categories)}
    table = np.zeros((len(categories), len(categories)))
    for a, b in zip(first, second, strict=True):
        table[place[int(a)], place[int(b)]] += 1
    return kappa_of_table(table, weights, confidence)


def kappa_of_table(table: Floats, weights: Weights, confidence: float) -> Agreement:
    """Cohen's kappa of a square table of counts, rows the first rater."""
    n = int(table.sum())
    used = (table.sum(axis=0) + table.sum(axis=1)) > 0
    if used.sum() < 2:
        return Agreement(None, None, None, n)  # one category only: chance agreement is complete
    module = library("statsmodels.stats.inter_rater")
    kind = {"none": {}, "linear": {"wt": "linear"}, "quadratic": {"wt": "quadratic"}}[weights]
    found = module.cohens_kappa(table, **kind)
    z = stats.norm.ppf(0.5 + confidence / 2)
    value, se = float(found.kappa), float(found.std_kappa)
    return Agreement(value, float(value - z * se), float(min(1.0, value + z * se)), n)


def icc_2_1(ratings: Floats, confidence: float) -> Agreement:
    """ICC(2,1): two-way random effects, absolute agreement, one rater (Shrout & Fleiss 1979).

    Parameters
    ----------
    ratings : ndarray, (subjects, raters)
        Complete.
    confidence : float
        Level of the limits (F distribution with Satterthwaite's degrees of freedom).
    """
    n, k = ratings.shape
    if n < 2 or k < 2 or np.ptp(ratings) == 0:
        return Agreement(None, None, None, n)
    grand = ratings.mean()
    rows, columns = ratings.mean(axis=1), ratings.mean(axis=0)
    between = k * ((rows - grand) ** 2).sum() / (n - 1)
    raters = n * ((columns - grand) ** 2).sum() / (k - 1)
    rest = ((ratings - rows[:, None] - columns[None, :] + grand) ** 2).sum() / ((n - 1) * (k - 1))
    value = (between - rest) / (between + (k - 1) * rest + k * (raters - rest) / n)
    if rest <= 0:
        return Agreement(float(value), None, None, n)
    ratio = raters / rest
    top = (k - 1) * (n - 1) * (k * value * ratio + n * (1 + (k - 1) * value) - k * value) ** 2
    bottom = (n - 1) * k**2 * value**2 * ratio**2 + (n * (1 + (k - 1) * value) - k * value) ** 2
    df = top / bottom
    tail = 0.5 + confidence / 2
    f_low, f_high = stats.f.ppf(tail, n - 1, df), stats.f.ppf(tail, df, n - 1)
    spread = k * raters + (k * n - k - n) * rest
    low = n * (between - f_low * rest) / (f_low * spread + n * between)
    high = n * (f_high * between - rest) / (spread + n * f_high * between)
    return Agreement(float(value), float(low), float(high), n)


@dataclass(frozen=True, slots=True)
class BlandAltman:
    """Mean difference and 95 % limits of agreement, with the parts of the variance behind them."""

    bias: float
    low: float
    high: float
    between_variance: float
    within_variance: float
    n: int
    subjects: int


def bland_altman(difference: Floats, subject: Ints) -> BlandAltman | None:
    """Limits of agreement when a subject gives several differences and the true value varies.

    One-way analysis of variance of the differences by subject; the total variance is the sum of both
    components (Bland & Altman, J Biopharm Stat 2007;17:571, section 3). With one difference a subject these
    are the ordinary limits.

    Parameters
    ----------
    difference : ndarray, (n,)
        First minus second method.
    subject : ndarray of int, (n,)
        The patient.

    Returns
    -------
    BlandAltman or None
        None with fewer than two subjects.
    """
    names, place = np.unique(subject, return_inverse=True)
    n, s = len(difference), names.size
    if s < 2:
        return None
    sizes = np.bincount(place).astype(np.float64)
    means = np.bincount(place, weights=difference) / sizes
    bias = float(difference.mean())
    between = float((sizes * (means - bias) ** 2).sum() / (s - 1))
    if n == s:
        within, component = 0.0, between
    else:
        within = float(((difference - means[place]) ** 2).sum() / (n - s))
        divisor = (n**2 - (sizes**2).sum()) / ((s - 1) * n)
        component = max(0.0, (between - within) / divisor)
    spread = 1.96 * float(np.sqrt(component + within))
    return BlandAltman(bias, bias - spread, bias + spread, component, within, n, s)
