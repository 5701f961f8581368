"""Firth's penalised Cox regression for few events (Heinze & Schemper, Biometrics 2001;57:114)."""

from __future__ import annotations

import numpy as np

from spineimg.core.settings.trial import TrialSettings
from spineimg.trial.statistics.cox import CoxFit, NotFitted, _scaled, errors
from spineimg.trial.statistics.partial_likelihood import (
    CoxRows,
    Floats,
    Moments,
    Steps,
    _stepwise,
    information,
    log_likelihood,
    moments,
    score,
    steps_of,
)

_ITERATIONS = 200
_HALVINGS = 30
_STEP = 5.0


def fit_firth(rows: CoxRows, settings: TrialSettings) -> CoxFit:
    """Maximise log likelihood + half the log determinant of the information.

    No library under a licence that fits has it for (start, stop] rows with clusters. The errors are those
    of the sandwich at the penalised maximum.

    Raises
    ------
    NotFitted
        No events, constant or collinear covariates, or no convergence.
    """
    scale, kept = _scaled(rows)
    steps = steps_of(kept)
    beta = np.zeros(kept.x.shape[1])
    found = moments(kept, steps, beta)
    value = _penalised(kept, steps, beta, found)
    for _ in range(_ITERATIONS):
        info = information(found)
        gradient = score(kept, steps, found) + 0.5 * _penalty_slope(kept, steps, found, info)
        if np.abs(gradient).max() <= settings.cox_gradient * 10:
            return errors(kept, steps, found, beta, scale)
        step = np.linalg.solve(info, gradient)
        step *= min(1.0, _STEP / np.abs(step).max())
        for _ in range(_HALVINGS):
            trial = moments(kept, steps, beta + step)
            reached = _penalised(kept, steps, beta + step, trial)
            if reached >= value - 1e-12:
                break
            step = step / 2
        beta, found, value = beta + step, trial, reached
    raise NotFitted("the penalised likelihood has no maximum that could be found")


def _penalised(rows: CoxRows, steps: Steps, beta: Floats, found: Moments) -> float:
    sign, size = np.linalg.slogdet(information(found))
    if sign <= 0:
        return -np.inf
    return log_likelihood(rows, steps, beta, found) + 0.5 * float(size)


def _penalty_slope(rows: CoxRows, steps: Steps, found: Moments, info: Floats) -> Floats:
    """Derivative of log det information: trace(inverse @ dI/dbeta_j), by the third central moments."""
    n, p = rows.x.shape
    cubes = np.einsum("ni,nj,nk->nijk", rows.x, rows.x, rows.x).reshape(n, p**3)
    third = (_stepwise(steps, found.weight[:, None] * cubes) / found.total[:, None]).reshape(-1, p, p, p)
    m, v = found.mean, found.variance
    third = (
        third
        - np.einsum("si,sjk->sijk", m, v)
        - np.einsum("sj,sik->sijk", m, v)
        - np.einsum("sk,sij->sijk", m, v)
        - np.einsum("si,sj,sk->sijk", m, m, m)
    )
    return np.asarray(np.einsum("ij,ijk->k", np.linalg.inv(info), third.sum(axis=0)))
