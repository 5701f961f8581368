"""Thresholds of the tracking room, each with its reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrackingSettings:
    """Settings of tracking."""
