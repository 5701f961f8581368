"""Thresholds of the trial room, each with its reason.

What belongs to one trial (criteria, visit windows, covariates) is in its protocol file, not here.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrialSettings:
    """Settings of trial."""

    confidence: float = 0.95
    """Level of all confidence limits."""
    bootstrap_repeats: int = 1000
    """Resamples of patients for limits where lesion levels are the unit (Efron & Tibshirani 1993: 1000 for
    limits)."""
    bootstrap_seed: int = 20171201
    """Fixed, so that two runs on one cohort give the same bytes."""
    events_per_variable: float = 10.0
    """Fewer events a covariate than this and the plain Cox model is only shown beside the penalised one
    (Peduzzi et al., J Clin Epidemiol 1995;48:1503)."""
    proportional_hazards_p: float = 0.05
    """A smaller p of the Schoenfeld score test (Grambsch & Therneau 1994) is said in the report."""
    cox_gradient: float = 1e-9
    """Largest component of the score, per standard deviation of the covariate, that counts as converged."""
    cox_largest_coefficient: float = 6.0
    """**ours**: a coefficient beyond this (hazard ratio 400 for one standard deviation) has no maximum: the
    covariate separates the events."""
    npmle_tolerance: float = 1e-10
    """Largest change of a probability at which the EM for interval-censored data ends (R's own rule stops
    3e-6 short of the maximum)."""
    npmle_iterations: int = 20000
    """Steps after which the EM is said not to have converged."""
    auc_days: tuple[int, ...] = (365, 730)
    """**ours**: days of the time-dependent AUC of the total SINS: one and two years, as published
    fracture rates are (Sahgal et al., J Clin Oncol 2013;31:3426)."""
