"""Every estimator against numbers recorded from R 4.2.2 (survival 3.5-3, cmprsk 2.2-11, psych, vcd).

The expected numbers come from ``tables/surv_reference_outputs.csv`` and ``agreement_reference_outputs.csv``
beside the project; none was made by this code. Tolerance 1e-6 where the estimator is the same, 1e-5 for the
interval-censored one (R's own iteration stops 3e-6 short of the maximum).
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from spineimg.core.settings.trial import TrialSettings
from spineimg.trial.statistics.agreement import icc_2_1, kappa_of_table, weighted_kappa
from spineimg.trial.statistics.cox import CoxFit, fit_cox
from spineimg.trial.statistics.occurrence import count, curves, jackknife_errors, log_log_limits
from spineimg.trial.statistics.partial_likelihood import CoxRows
from spineimg.trial.statistics.proportional import check_proportional
from spineimg.trial.statistics.turnbull import fit_npmle

SAME = 1e-6
SETTINGS = TrialSettings()


def table(shared: Path, name: str) -> list[dict[str, str]]:
    with (shared / "data" / "tables" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def numbers(rows: list[dict[str, str]], *columns: str) -> list[np.ndarray]:
    return [np.array([float(r[c]) for r in rows]) for c in columns]


def reference(
    shared: Path, analysis: str, method: str, strata: str | None = None
) -> dict[tuple[str, str], float]:
    """(time, quantity) or (strata, quantity) to value."""
    found = {}
    for row in table(shared, "surv_reference_outputs.csv"):
        if row["analysis"] == analysis and row["method"] == method and strata in (None, row["strata"]):
            first = row["time"] if strata is not None else row["strata"]
            if row["value"] != "NA":
                found[first, row["quantity"]] = float(row["value"])
    assert found
    return found


def at(days: np.ndarray, values: np.ndarray, day: float) -> float:
    return float(values[np.searchsorted(days, day, side="right") - 1])


@pytest.mark.parametrize(
    ("data", "analysis", "column", "groups"),
    [
        (
            "surv_aml_data.csv",
            "aml",
            "group",
            {"x=Maintained": "Maintained", "x=Nonmaintained": "Nonmaintained"},
        ),
        ("surv_lung_data.csv", "lung_by_sex", "sex", {"sex=1": "1", "sex=2": "2"}),
    ],
)
def test_kaplan_meier_of_lifelines_equals_survfit(
    shared: Path, data: str, analysis: str, column: str, groups: dict[str, str]
) -> None:
    lifelines = pytest.importorskip("lifelines")
    for strata, value in groups.items():
        rows = [r for r in table(shared, data) if r[column] == value]
        time, event = numbers(rows, "time", "status" if analysis == "aml" else "event")
        fitter = lifelines.KaplanMeierFitter().fit(time, event)
        days = fitter.survival_function_.index.to_numpy()
        limits = fitter.confidence_interval_.to_numpy()
        own = {
            "survival": fitter.survival_function_.to_numpy()[:, 0],
            "lower95": limits[:, 0],
            "upper95": limits[:, 1],
        }
        for (day, quantity), expected in reference(
            shared, analysis, "survfit KM conf.type=log-log", strata
        ).items():
            if quantity in own:
                assert_allclose(at(days, own[quantity], float(day)), expected, atol=SAME)


@pytest.mark.parametrize("sex", ["F", "M"])
def test_cumulative_incidence_and_its_error_equal_survfit_and_cmprsk(shared: Path, sex: str) -> None:
    rows = [r for r in table(shared, "comprisk_mgus2_data.csv") if r["sex"] == sex]
    time, cause = numbers(rows, "time", "event")
    found = curves(count(time, cause.astype(np.int64), 2))
    free_se, incidence_se = jackknife_errors(time, cause.astype(np.int64), 2, np.arange(len(time)))
    own = {
        "p_(s0)": found.free,
        "se_(s0)": free_se,
        "p_pcm": found.incidence[:, 0],
        "se_pcm": incidence_se[:, 0],
        "p_death": found.incidence[:, 1],
        "se_death": incidence_se[:, 1],
    }
    for (day, quantity), expected in reference(
        shared, "mgus2", "survfit Aalen-Johansen", f"sex={sex}"
    ).items():
        assert_allclose(at(found.days, own[quantity], float(day)), expected, atol=SAME)
    for cause_number in (1, 2):
        cuminc = reference(shared, "mgus2", "cmprsk cuminc", f"{sex} {cause_number}")
        for (day, quantity), expected in cuminc.items():
            if (
                quantity == "cif"
            ):  # cmprsk's variance is another estimator: within 3 % of the jackknife's error
                assert_allclose(
                    at(found.days, found.incidence[:, cause_number - 1], float(day)), expected, atol=SAME
                )
            else:
                error = at(found.days, incidence_se[:, cause_number - 1], float(day))
                assert_allclose(error, np.sqrt(expected), rtol=3e-2)


def test_one_minus_kaplan_meier_is_too_large_as_r_shows(shared: Path) -> None:
    rows = table(shared, "comprisk_mgus2_data.csv")
    time, cause = numbers(rows, "time", "event")
    naive = curves(count(time, (cause == 1).astype(np.int64), 1))
    honest = curves(count(time, cause.astype(np.int64), 2))
    expected = reference(shared, "mgus2", "1-KM (biased; ignores death)", "all")
    for (day, _), value in expected.items():
        assert_allclose(1 - at(naive.days, naive.free, float(day)), value, atol=SAME)
        assert at(honest.days, honest.incidence[:, 0], float(day)) < value


def test_kaplan_meier_with_clusters_equals_survfit(shared: Path) -> None:
    time, event, cluster = numbers(table(shared, "surv_kidney_clustered_data.csv"), "time", "event", "id")
    cause = event.astype(np.int64)
    found = curves(count(time, cause, 1))
    se, _ = jackknife_errors(time, cause, 1, cluster.astype(np.int64))
    low, high = log_log_limits(found.free, se, 0.95)
    own = {"survival": found.free, "std_err_robust": se, "lower95": low, "upper95": high}
    recorded = reference(shared, "kidney_clustered", "survfit KM cluster=id conf.type=log-log", "all")
    for (day, quantity), expected in recorded.items():
        assert_allclose(at(found.days, own[quantity], float(day)), expected, atol=SAME)


def cox_of(shared: Path, name: str, covariates: tuple[str, ...]) -> tuple[CoxRows, CoxFit]:
    rows = table(shared, name)
    start = numbers(rows, "start")[0] if "start" in rows[0] else np.zeros(len(rows))
    stop = numbers(rows, "stop" if "stop" in rows[0] else "time")[0]
    cluster = numbers(rows, "id")[0].astype(np.int64) if "id" in rows[0] else np.arange(len(rows))
    event = numbers(rows, "event")[0] == 1
    data = CoxRows(start, stop, event, np.column_stack(numbers(rows, *covariates)), cluster)
    return data, fit_cox(data, SETTINGS)


@pytest.mark.parametrize(
    ("data", "covariates", "analysis", "method", "errors"),
    [
        ("surv_lung_data.csv", ("sex", "age"), "lung_cox", "coxph ties=efron", {"se": "covariance"}),
        (
            "surv_kidney_clustered_data.csv",
            ("age", "sex"),
            "kidney_clustered",
            "coxph ties=efron cluster=id",
            {"se_model": "covariance", "se_robust": "robust"},
        ),
        (
            "surv_heart_timevarying_data.csv",
            ("age_minus_48", "surgery", "transplant"),
            "heart_timevarying",
            "coxph ties=efron (start,stop]",
            {"se": "covariance", "se_robust_cluster_id": "robust"},
        ),
    ],
)
def test_cox_with_tied_times_clusters_and_changing_covariates_equals_coxph(
    shared: Path, data: str, covariates: tuple[str, ...], analysis: str, method: str, errors: dict[str, str]
) -> None:
    pytest.importorskip("statsmodels")
    _, fit = cox_of(shared, data, covariates)
    recorded = reference(shared, analysis, method)
    for k, name in enumerate(covariates):
        assert_allclose(fit.coefficients[k], recorded[name, "coef"], atol=1e-8)
        for quantity, field in errors.items():
            assert_allclose(np.sqrt(getattr(fit, field)[k, k]), recorded[name, quantity], atol=1e-8)


def test_proportional_hazards_check_equals_cox_zph(shared: Path) -> None:
    pytest.importorskip("statsmodels")
    rows, fit = cox_of(shared, "surv_lung_data.csv", ("sex", "age"))
    found = check_proportional(rows, fit.coefficients)
    recorded = reference(shared, "lung_cox", "cox.zph transform=km")
    own = {
        "sex": (found.chisq[0], found.p[0]),
        "age": (found.chisq[1], found.p[1]),
        "GLOBAL": (found.global_chisq, found.global_p),
    }
    for name, (chisq, p) in own.items():
        assert_allclose([chisq, p], [recorded[name, "chisq"], recorded[name, "p"]], atol=SAME)


@pytest.mark.parametrize("gender", ["male", "female"])
def test_interval_censored_curve_equals_turnbull_of_survfit(shared: Path, gender: str) -> None:
    rows = [r for r in table(shared, "surv_diabetes_interval_data.csv") if r["gender"] == gender]
    left, right = numbers(rows, "left", "right")
    found = fit_npmle(left, right, SETTINGS)
    assert found.converged
    after = np.concatenate([[1.0], found.survival_after()])
    recorded = reference(shared, "diabetes_interval", "survfit Turnbull NPMLE interval2", f"gender={gender}")
    assert len(recorded) == 35
    for (day, _), expected in recorded.items():
        place = np.searchsorted(found.to_day, float(day), side="right")
        assert_allclose(after[place], expected, atol=1e-5)


AGREEMENT = "agreement_reference_outputs.csv"


def recorded_agreement(
    shared: Path, dataset: str, statistic: str
) -> tuple[float, float | None, float | None]:
    for row in table(shared, AGREEMENT):
        if (row["dataset"], row["statistic"]) == (dataset, statistic):
            limits = [float(row[c]) if row[c] else None for c in ("lower95", "upper95")]
            return float(row["value"]), limits[0], limits[1]
    raise AssertionError(statistic)


@pytest.mark.parametrize(
    ("weights", "statistic"),
    [
        ("none", "cohen_kappa_unweighted"),
        ("linear", "cohen_kappa_linear_weights"),
        ("quadratic", "cohen_kappa_quadratic_weights"),
    ],
)
def test_weighted_kappa_equals_vcd(shared: Path, weights: str, statistic: str) -> None:
    pytest.importorskip("statsmodels")
    counts = table(shared, "agreement_fleiss_3x3_data.csv")
    square = np.column_stack(numbers(counts, "rater2_cat1", "rater2_cat2", "rater2_cat3"))
    found = kappa_of_table(square, weights, 0.95)
    assert_allclose(
        [found.value, found.low, found.high],
        recorded_agreement(shared, "agreement_fleiss_3x3_data.csv", statistic),
        atol=SAME,
    )
    rows = table(shared, "agreement_two_raters_9_data.csv")
    first, second = (x.astype(np.int64) for x in numbers(rows, "rater1", "rater2"))
    nine = weighted_kappa(first, second, range(1, 10), weights, 0.95)
    assert_allclose(
        nine.value, recorded_agreement(shared, "agreement_two_raters_9_data.csv", statistic)[0], atol=SAME
    )


def test_icc_equals_psych_and_shrout_and_fleiss(shared: Path) -> None:
    rows = table(shared, "agreement_shrout_fleiss_data.csv")
    found = icc_2_1(np.column_stack(numbers(rows, "judge1", "judge2", "judge3", "judge4")), 0.95)
    expected = recorded_agreement(shared, "agreement_shrout_fleiss_data.csv", "ICC2")
    assert_allclose([found.value, found.low, found.high], expected, atol=SAME)
    assert round(found.value or 0, 2) == 0.29  # as published
