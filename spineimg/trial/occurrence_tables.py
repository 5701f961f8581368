"""Tables of when events happen: Kaplan-Meier, cumulative incidence, interval-censored survival."""

from __future__ import annotations

from typing import Any

import numpy as np

from spineimg.core.settings.trial import TrialSettings
from spineimg.trial.libraries import library
from spineimg.trial.samples import EVENT, Sample
from spineimg.trial.statistics.bootstrap import bootstrap_errors
from spineimg.trial.statistics.occurrence import count, curves, jackknife_errors, log_log_limits
from spineimg.trial.statistics.partial_likelihood import Floats
from spineimg.trial.statistics.turnbull import fit_npmle

FIRST = ("endpoint", "population", "unit")
KAPLAN_MEIER = (*FIRST, "time_days", "at_risk", "events", "estimate", "low", "high")
INCIDENCE = (*FIRST, "cause", "time_days", "at_risk", "estimate", "low", "high")
NPMLE = (*FIRST, "from_days", "to_days", "mass", "estimate")
Rows = list[dict[str, Any]]


def heading(sample: Sample) -> dict[str, Any]:
    """First three cells of every row."""
    return {"endpoint": sample.endpoint, "population": sample.population, "unit": sample.unit}


def kaplan_meier(sample: Sample, settings: TrialSettings) -> Rows:
    """Kaplan-Meier by lifelines at day 0 and every day that ends a row.

    Limits on the log-log scale: of one row a patient with Greenwood's error, as lifelines gives them; of
    levels with the spread over resamples of patients. Where the curve is 1 both limits are 1 and where it
    is 0 there are none, as in R.
    """
    if not sample.n:
        return []
    event = (sample.cause == EVENT).astype(np.int64)
    fitter = library("lifelines").KaplanMeierFitter(alpha=1 - settings.confidence)
    fitter.fit(sample.last, event)
    curve = fitter.survival_function_.iloc[:, 0]
    table = fitter.event_table
    days, survival = curve.index.to_numpy(dtype=np.float64), curve.to_numpy(dtype=np.float64)
    if sample.unit == "patient":
        limits = fitter.confidence_interval_.to_numpy(dtype=np.float64)
        low, high = limits[:, 0], limits[:, 1]
    else:
        se, _ = bootstrap_errors(sample.last, event, 1, sample.cluster, settings)
        low, high = log_log_limits(survival, _on(days, np.unique(sample.last), se), settings.confidence)
    return [
        {
            **heading(sample),
            "time_days": d,
            "at_risk": int(table["at_risk"].to_numpy()[k]),
            "events": int(table["observed"].to_numpy()[k]),
            "estimate": survival[k],
            "low": low[k] if survival[k] > 0 else None,
            "high": high[k] if survival[k] > 0 else None,
        }
        for k, d in enumerate(days)
    ]


def cumulative_incidence(sample: Sample, settings: TrialSettings) -> Rows:
    """Aalen-Johansen of the event and of each competing cause, at every day that ends a row."""
    if not sample.n:
        return []
    causes = len(sample.causes)
    counts = count(sample.end, sample.cause, causes)
    found = curves(counts)
    if sample.unit == "patient":
        _, se = jackknife_errors(sample.end, sample.cause, causes, np.arange(sample.n))
    else:
        _, se = bootstrap_errors(sample.end, sample.cause, causes, sample.cluster, settings)
    rows: Rows = []
    for j, cause in enumerate(sample.causes):
        free = 1.0 - found.incidence[:, j]
        low, high = log_log_limits(free, se[:, j], settings.confidence)
        rows.extend(
            {
                **heading(sample),
                "cause": cause,
                "time_days": d,
                "at_risk": int(counts.at_risk[k]),
                "estimate": found.incidence[k, j],
                "low": 1.0 - high[k] if free[k] > 0 else None,
                "high": 1.0 - low[k] if free[k] > 0 else None,
            }
            for k, d in enumerate(counts.days)
        )
    return rows


def interval_censored(sample: Sample, settings: TrialSettings) -> tuple[Rows, bool]:
    """Survival that takes each event as lying between its two scans; and whether the EM converged.

    Without limits: the plain bootstrap is not valid for this estimator (it converges with the cube root of
    n).
    """
    if not sample.n:
        return [], True
    found = fit_npmle(sample.left, sample.right, settings)
    after = found.survival_after()
    rows: Rows = [
        {
            **heading(sample),
            "from_days": found.from_day[k],
            "to_days": found.to_day[k] if np.isfinite(found.to_day[k]) else None,
            "mass": found.mass[k],
            "estimate": after[k],
        }
        for k in range(len(found.mass))
    ]
    return rows, found.converged


def _on(days: Floats, of: Floats, values: Floats) -> Floats:
    """Values known on some days, on others the last one before (0 before the first)."""
    place = np.searchsorted(of, days, side="right") - 1
    return np.where(place >= 0, values[np.clip(place, 0, None)], 0.0)
