"""All analyses of a trial: every endpoint, population and unit through every estimator."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from spineimg.core.settings.trial import TrialSettings
from spineimg.trial import occurrence_tables, risk_tables
from spineimg.trial.endpoints import Followed
from spineimg.trial.frames import Frame, frame
from spineimg.trial.libraries import program
from spineimg.trial.protocol import Protocol
from spineimg.trial.records import ENDPOINTS, UNITS, Analysis, Unit
from spineimg.trial.samples import Sample, sample_of

LEFT_OUT = (
    "The Fine-Gray model is left out: of the libraries under a licence that fits, comprisk 0.8 has cmprsk's "
    "coefficients but standard errors up to 0.6 % smaller, and so has pycrr 0.1. Gray's test is left out as "
    "well: comprisk equals cmprsk there, but no table here compares groups (docs/decisions/0003)."
)
_OWN = "spineimg"


@dataclass(frozen=True, slots=True)
class Results:
    """Tables by name, one record an analysis, and samples for the plots."""

    frames: tuple[Frame, ...]
    analyses: tuple[Analysis, ...]
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class _Cox:
    name: str
    table: str
    fit: Callable[[Sample, Protocol, TrialSettings], risk_tables.Model]
    method: str


_MODELS = (
    _Cox(
        "cox",
        "cox.csv",
        risk_tables.plain_cox,
        "cause-specific Cox, Efron's ties, date = right end of the interval, radiotherapy "
        "time-varying, errors "
        "clustered by patient (sandwich), normal limits",
    ),
    _Cox(
        "cox_small_sample",
        "cox_small_sample.csv",
        risk_tables.small_sample_cox,
        "the same model; one-step jackknife errors over patients, normal limits",
    ),
    _Cox(
        "cox_penalised",
        "cox_penalised.csv",
        risk_tables.penalised_cox,
        "the same model with Firth's penalty; one-step jackknife errors over patients, normal limits",
    ),
    _Cox(
        "cox_midpoint",
        "cox_midpoint.csv",
        risk_tables.midpoint_cox,
        "sensitivity: the same model, date = middle of the interval",
    ),
)


def analyse_all(
    populations: dict[str, Sequence[Followed]], protocol: Protocol, settings: TrialSettings
) -> Results:
    """Run every analysis.

    Parameters
    ----------
    populations : dict
        Index levels of each population by its name.
    protocol : Protocol
        Covariates.
    settings : TrialSettings
        Limits, repeats, tolerances.
    """
    samples = [
        sample_of(followed, protocol, endpoint, name, unit)
        for endpoint, (name, followed), unit in itertools.product(ENDPOINTS, populations.items(), UNITS)
    ]
    tables: dict[str, list[dict[str, Any]]] = {}
    analyses: list[Analysis] = []
    for sample in samples:
        for analysis, rows in (*_occurrence(sample, settings), *_risk(sample, protocol, settings)):
            analyses.append(analysis)
            tables.setdefault(analysis.table or "", []).extend(rows)
    frames = tuple(frame(name, COLUMNS[name], tables.get(name, ())) for name in COLUMNS)
    return Results(frames, tuple(analyses), tuple(samples))


COLUMNS = {
    "kaplan_meier.csv": occurrence_tables.KAPLAN_MEIER,
    "cumulative_incidence.csv": occurrence_tables.INCIDENCE,
    "interval_censored.csv": occurrence_tables.NPMLE,
    **{model.table: risk_tables.COX for model in _MODELS},
    "proportional_hazards.csv": risk_tables.PROPORTIONAL,
    "auc.csv": risk_tables.AUC,
}
"""Every result table of this module and its columns."""

_LIMITS: dict[Unit, str] = {
    "level": "log-log limits with the error over resamples of patients",
    "patient": "log-log limits",
}


def _occurrence(sample: Sample, settings: TrialSettings) -> list[tuple[Analysis, list[dict[str, Any]]]]:
    how = _LIMITS[sample.unit]
    npmle, converged = occurrence_tables.interval_censored(sample, settings)
    return [
        (
            _analysis(
                sample,
                "kaplan_meier",
                f"Kaplan-Meier, {how}; without event censored at the last complete scan",
            ),
            occurrence_tables.kaplan_meier(sample, settings),
        ),
        (
            _analysis(sample, "cumulative_incidence", f"Aalen-Johansen, {how}", _OWN),
            occurrence_tables.cumulative_incidence(sample, settings),
        ),
        (
            _analysis(
                sample,
                "interval_censored",
                "Turnbull's NPMLE of (left, right], EM" + ("" if converged else "; NOT converged"),
                _OWN,
            ),
            npmle,
        ),
    ]


def _risk(
    sample: Sample, protocol: Protocol, settings: TrialSettings
) -> list[tuple[Analysis, list[dict[str, Any]]]]:
    found = []
    for model in _MODELS:
        fitted = model.fit(sample, protocol, settings)
        made_by = _OWN if model.name == "cox_penalised" else f"{program('statsmodels')}, {_OWN} (errors)"
        found.append((_model(sample, model.name, model.table, (model.method, made_by), fitted), fitted.rows))
    check = risk_tables.proportional_hazards(sample, protocol, settings)
    method = "score test of a coefficient that changes with 1 - Kaplan-Meier (cox.zph of survival 3)"
    found.append(
        (
            _model(sample, "proportional_hazards", "proportional_hazards.csv", (method, _OWN), check),
            check.rows,
        )
    )
    found.append(
        (
            _analysis(
                sample,
                "auc",
                "time-dependent AUC of the baseline total, competing risks, inverse probability of censoring",
                _OWN,
            ),
            risk_tables.discrimination(sample, settings),
        )
    )
    return found


def _analysis(sample: Sample, name: str, method: str, made_by: str | None = None) -> Analysis:
    return Analysis(
        name=name,
        population=sample.population,
        unit=sample.unit,
        n=sample.n,
        events=sample.events,
        competing=sample.competing,
        method=f"{sample.endpoint}: {method}",
        library=made_by or program("lifelines"),
        table=f"{name}.csv",
    )


def _model(
    sample: Sample, name: str, table: str, how: tuple[str, str], fitted: risk_tables.Model
) -> Analysis:
    method, made_by = how
    return Analysis(
        name=name,
        population=sample.population,
        unit=sample.unit,
        n=fitted.n,
        events=fitted.events,
        competing=sample.competing,
        method=f"{sample.endpoint}: {method}" + (f". {fitted.note}" if fitted.note else ""),
        library=made_by,
        table=table,
    )
