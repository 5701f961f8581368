"""Thresholds of the report room, each with its reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReportSettings:
    """Settings of report."""
