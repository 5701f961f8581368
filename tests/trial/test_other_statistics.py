"""Estimators without a recorded R number: against another program, a second way, or hand arithmetic."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose

from spineimg.core.settings.trial import TrialSettings
from spineimg.trial.statistics.agreement import bland_altman, icc_2_1, weighted_kappa
from spineimg.trial.statistics.bootstrap import bootstrap_errors
from spineimg.trial.statistics.cox import NotFitted, fit_cox
from spineimg.trial.statistics.discrimination import auc_at
from spineimg.trial.statistics.firth import fit_firth
from spineimg.trial.statistics.occurrence import count, curves, jackknife_errors
from spineimg.trial.statistics.partial_likelihood import (
    CoxRows,
    moments,
    score,
    score_residuals,
    steps_of,
)
from spineimg.trial.statistics.turnbull import fit_npmle

SETTINGS = TrialSettings(bootstrap_repeats=400)

# The first 20 rows of R's survival::lung (no tied events): time, event, sex, age.
LUNG_20 = np.array(
    [
        [306, 1, 1, 74], [455, 1, 1, 68], [1010, 0, 1, 56], [210, 1, 1, 57], [883, 1, 1, 60],
        [1022, 0, 1, 74], [310, 1, 2, 68], [361, 1, 2, 71], [218, 1, 1, 53], [166, 1, 1, 61],
        [170, 1, 1, 57], [654, 1, 2, 68], [728, 1, 2, 68], [71, 1, 1, 60], [567, 1, 1, 57],
        [144, 1, 1, 67], [613, 1, 1, 70], [707, 1, 1, 63], [61, 1, 2, 56], [88, 1, 1, 57],
    ],
    dtype=float,
)  # fmt: skip


def rows_of(data: np.ndarray) -> CoxRows:
    n = len(data)
    return CoxRows(np.zeros(n), data[:, 0], data[:, 1] == 1, data[:, 2:], np.arange(n))


def random_rows(seed: int, n: int = 80) -> CoxRows:
    random = np.random.default_rng(seed)
    start = random.integers(0, 4, n).astype(float)
    return CoxRows(
        start,
        start + random.integers(1, 12, n),
        random.random(n) < 0.5,
        random.normal(size=(n, 3)),
        random.integers(0, 30, n),
    )


def test_firth_equals_firthmodels() -> None:
    """Expected: firthmodels 0.8.2 (gtol 1e-10); no ties, so there is one definition."""
    fit = fit_firth(rows_of(LUNG_20), SETTINGS)
    assert_allclose(fit.coefficients, [0.4286508685734083, -0.047007125574614055], atol=1e-9)
    assert_allclose(np.sqrt(np.diag(fit.covariance)), [0.6114506406402342, 0.043757869792751626], atol=1e-9)


def test_firth_is_finite_where_the_plain_model_has_no_maximum() -> None:
    pytest.importorskip("statsmodels")
    data = np.array([[1, 1, 1], [2, 1, 1], [3, 1, 1], [4, 0, 0], [5, 0, 0], [6, 0, 0]], dtype=float)
    with pytest.raises(NotFitted):
        fit_cox(rows_of(data), SETTINGS)
    assert 0 < fit_firth(rows_of(data), SETTINGS).coefficients[0] < 5


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([[1, 0, 1], [2, 0, 2]], "no event"),
        ([[1, 1, 1], [2, 0, 1]], "the same in all"),
        ([[1, 1, 1, 2], [2, 0, 2, 4], [3, 1, 3, 6]], "linear combinations"),
    ],
)
def test_a_model_without_maximum_says_why(data: list[list[float]], words: str) -> None:
    pytest.importorskip("statsmodels")
    with pytest.raises(NotFitted, match=words):
        fit_cox(rows_of(np.array(data, dtype=float)), SETTINGS)


@pytest.mark.parametrize("seed", range(4))
def test_score_residuals_sum_to_the_score_at_any_coefficients(seed: int) -> None:
    rows = random_rows(seed)
    steps = steps_of(rows)
    found = moments(rows, steps, np.array([0.3, -0.2, 0.1]))
    assert_allclose(score_residuals(rows, steps, found).sum(axis=0), score(rows, steps, found), atol=1e-10)


def test_jackknife_errors_are_near_those_of_leaving_each_patient_out() -> None:
    pytest.importorskip("statsmodels")
    rows = random_rows(5, 150)
    fit = fit_cox(rows, SETTINGS)
    again = []
    for patient in np.unique(rows.cluster):
        keep = rows.cluster != patient
        part = CoxRows(rows.start[keep], rows.stop[keep], rows.event[keep], rows.x[keep], rows.cluster[keep])
        again.append(fit_cox(part, SETTINGS).coefficients)
    spread = np.array(again) - fit.coefficients
    g = len(again)
    expected = np.sqrt((spread**2).sum(axis=0) * (g - 1) / g)
    assert_allclose(np.sqrt(np.diag(fit.corrected)), expected, rtol=0.03)
    assert (np.diag(fit.corrected) > np.diag(fit.robust)).all()


def test_bootstrap_over_patients_agrees_with_the_infinitesimal_jackknife() -> None:
    random = np.random.default_rng(3)
    n = 240
    time, cause = random.integers(1, 9, n) * 90.0, random.choice([0, 1, 2], n, p=[0.6, 0.25, 0.15])
    cluster = np.repeat(np.arange(n // 2), 2)
    free, incidence = bootstrap_errors(time, cause, 2, cluster, TrialSettings(bootstrap_repeats=1500))
    free_ij, incidence_ij = jackknife_errors(time, cause, 2, cluster)
    assert_allclose(free, free_ij, rtol=0.1)
    assert_allclose(incidence, incidence_ij, rtol=0.1)


def test_a_bootstrap_is_the_same_every_time() -> None:
    time, cause = np.array([1.0, 2, 3, 4]), np.array([1, 0, 1, 0])
    first = bootstrap_errors(time, cause, 1, np.arange(4), SETTINGS)
    assert_allclose(first[0], bootstrap_errors(time, cause, 1, np.arange(4), SETTINGS)[0], atol=0)


def test_curves_add_up_to_one() -> None:
    random = np.random.default_rng(1)
    found = curves(count(random.integers(1, 9, 50) * 1.0, random.integers(0, 4, 50), 3))
    assert_allclose(found.free + found.incidence.sum(axis=1), 1.0, atol=1e-12)


def test_interval_censored_curve_of_exact_times_is_kaplan_meier() -> None:
    time, event = np.array([1.0, 2, 2, 3, 5, 6]), np.array([1, 1, 0, 1, 0, 1])
    right = np.where(event == 1, time, np.inf)
    found = fit_npmle(time, right, SETTINGS)
    km = curves(count(time, event, 1))
    for day in (1.0, 2.0, 3.0):
        place = np.searchsorted(found.to_day, day, side="right") - 1
        assert_allclose(found.survival_after()[place], km.free[km.days == day][0], atol=1e-7)


def test_interval_censored_curve_by_hand() -> None:
    """(0,2] (1,3] (2,4]: innermost (1,2] and (2,3]; by symmetry each has half."""
    found = fit_npmle(np.array([0.0, 1, 2]), np.array([2.0, 3, 4]), SETTINGS)
    assert_allclose(found.from_day, [1, 2])
    assert_allclose(found.to_day, [2, 3])
    assert_allclose(found.mass, [0.5, 0.5], atol=1e-6)


def test_auc_without_censoring_is_the_share_of_ordered_pairs() -> None:
    random = np.random.default_rng(2)
    marker, time = random.integers(7, 13, 60).astype(float), random.integers(1, 100, 60).astype(float)
    found = auc_at(marker, time, np.ones(60, dtype=np.int64), np.arange(60), 50, SETTINGS)
    pairs = [
        1.0 if a > b else 0.5 if a == b else 0.0
        for (a, s), (b, t) in itertools.product(zip(marker, time, strict=True), repeat=2)
        if s <= 50 < t
    ]
    assert found is not None and found.low is not None and found.high is not None
    assert_allclose(found.value, np.mean(pairs), atol=1e-12)
    assert found.low < found.value < found.high


def test_auc_weighs_by_the_probability_of_being_uncensored() -> None:
    """By hand: of three at risk one is censored at day 2, so who is seen later counts 3/2."""
    marker = np.array([9.0, 8.0, 12.0, 7.0])
    time, cause = np.array([1.0, 2.0, 3.0, 9.0]), np.array([1, 0, 1, 0])
    found = auc_at(marker, time, cause, np.arange(4), 5, SETTINGS)
    # Cases: day 1 (weight 1, above the one control: 1), day 3 (weight 1.5, above it: 1).
    assert found is not None
    assert_allclose(found.value, 1.0)
    swapped = auc_at(np.array([6.0, 8.0, 12.0, 7.0]), time, cause, np.arange(4), 5, SETTINGS)
    assert swapped is not None
    assert_allclose(swapped.value, 1.5 / 2.5)


def test_auc_is_none_without_cases_or_controls() -> None:
    ones = np.ones(3, dtype=np.int64)
    assert auc_at(np.arange(3.0), np.full(3, 5.0), ones, np.arange(3), 4, SETTINGS) is None
    assert auc_at(np.arange(3.0), np.full(3, 5.0), ones, np.arange(3), 6, SETTINGS) is None


def test_bland_altman_with_repeats_equals_a_mixed_model() -> None:
    """In balanced data the components of the analysis of variance are REML's, as MixedLM finds them."""
    mixed = pytest.importorskip("statsmodels.regression.mixed_linear_model")
    random = np.random.default_rng(7)
    subject = np.repeat(np.arange(40), 4)
    difference = 0.6 + random.normal(0, 0.8, 40)[subject] + random.normal(0, 0.5, 160)
    found = bland_altman(difference, subject)
    fit = mixed.MixedLM(difference, np.ones((160, 1)), groups=subject).fit(reml=True)
    assert found is not None
    assert_allclose(found.bias, fit.params[0], atol=1e-6)
    assert_allclose(found.within_variance, fit.scale, rtol=1e-3)
    assert_allclose(found.between_variance, float(np.asarray(fit.cov_re).item()), rtol=2e-3)


def test_bland_altman_of_one_pair_a_subject_is_the_ordinary_one() -> None:
    difference = np.array([0.1, -0.4, 0.3, 0.2, -0.5])
    found = bland_altman(difference, np.arange(5))
    assert found is not None
    half = 1.96 * difference.std(ddof=1)
    assert_allclose([found.low, found.high], [difference.mean() - half, difference.mean() + half])


def test_agreement_of_nothing_is_none_not_zero() -> None:
    pytest.importorskip("statsmodels")
    nothing = np.array([], dtype=np.int64)
    assert weighted_kappa(nothing, nothing, (0, 1), "none", 0.95).value is None
    assert weighted_kappa(np.array([1, 1]), np.array([1, 1]), (0, 1), "none", 0.95).value is None
    assert icc_2_1(np.ones((3, 2)), 0.95).value is None
    assert bland_altman(np.array([1.0]), np.array([0])) is None
