"""Thresholds of the reading room, each with its reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadingSettings:
    """Settings of reading."""
