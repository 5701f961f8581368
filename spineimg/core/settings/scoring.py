"""Thresholds of the scoring room, each with its reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScoringSettings:
    """Settings of scoring."""
