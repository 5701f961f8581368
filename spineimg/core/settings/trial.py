"""Thresholds of the trial room, each with its reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrialSettings:
    """Settings of trial."""
