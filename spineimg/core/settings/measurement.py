"""Thresholds of the measurement room, each with its reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MeasurementSettings:
    """Settings of measurement."""
