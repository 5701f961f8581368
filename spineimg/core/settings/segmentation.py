"""Thresholds of the segmentation room, each with its reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SegmentationSettings:
    """Settings of segmentation."""
