"""What a network's masks add to the doubt, and which of its bodies no spine has: bulging or too tall ones.

A network that takes a plate for its own, or cuts one off, gives a body that bulges between its endplates or
stands out above its neighbours; whole and broken bodies do neither. What is left errs by more than masks
that a reader drew. Reader's masks are taken as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from spineimg.core.estimate import Estimate
from spineimg.core.grid import Points
from spineimg.core.labelmap import LabelMap
from spineimg.core.levels import Level
from spineimg.core.measurements import SegmentMeasurement
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.measurement.heights import Z95, BodyHeights, expected_heights
from spineimg.measurement.normal import normal_heights_mm


def by_machine(labels: LabelMap) -> frozenset[Level]:
    """Levels whose mask a network made: it says how sure it is of the name, a reader does not."""
    return frozenset(doubt.level for doubt in labels.names)


def implausible(
    heights: Mapping[Level, BodyHeights],
    levels: frozenset[Level],
    affected: frozenset[Level],
    settings: MeasurementSettings,
) -> frozenset[Level]:
    """Bodies among ``levels`` that bulge, or are taller than their neighbours let expect.

    Parameters
    ----------
    heights : mapping of Level to BodyHeights
        As measured, mm.
    levels : frozenset of Level
        Those whose masks a network made.
    affected : frozenset of Level
        Levels that serve as no reference.
    settings : MeasurementSettings
        How far a body may bulge (mm) and stand out (share of its expected height).
    """
    bulging = {m for m in levels & heights.keys() if _bulges(m, heights[m], settings)}
    rest = {level: h for level, h in heights.items() if level not in bulging}
    expected = expected_heights(rest, affected, settings)
    tall = {
        level
        for level in levels & expected.keys()
        if _stands_out(rest[level], expected[level].value_mm, settings)
    }
    return frozenset(bulging | tall)


def _bulges(level: Level, heights: BodyHeights, settings: MeasurementSettings) -> bool:
    """Whether a body bulges too far, beyond what its heights' own doubt explains."""
    front, middle, back = heights.sd_mm
    # Middle less about half of both ends: `bulge_mm`.
    sd = np.sqrt(middle**2 + (front**2 + back**2) / 4)
    return bulge_mm(level, heights) > max(settings.bulge_mm, Z95 * float(sd))


def _stands_out(heights: BodyHeights, expected_mm: Points, settings: MeasurementSettings) -> bool:
    """Whether a body is too tall at any site, beyond what that height's own doubt explains."""
    over = heights.value_mm > (1.0 + settings.tall_share) * expected_mm
    return bool((over & (heights.value_mm - Z95 * heights.sd_mm > expected_mm)).any())


def bulge_mm(level: Level, heights: BodyHeights) -> float:
    """How much higher the middle is than the ends and the normal shape of the level let expect, mm."""
    normal = normal_heights_mm(level)
    if normal is None:
        return 0.0
    front, middle, back = heights.value_mm
    return float(middle - normal[1] / (normal[0] + normal[2]) * (front + back))


def widened_heights(
    heights: Mapping[Level, BodyHeights], levels: frozenset[Level], settings: MeasurementSettings
) -> dict[Level, BodyHeights]:
    """Heights with the SD that a network's mask adds."""
    return {
        level: replace(h, sd_mm=np.hypot(h.sd_mm, settings.machine_height_sd_mm)) if level in levels else h
        for level, h in heights.items()
    }


def widened_angles(
    segments: Iterable[SegmentMeasurement], levels: frozenset[Level], settings: MeasurementSettings
) -> tuple[SegmentMeasurement, ...]:
    """Segments whose angles have the SD that a network's masks add."""
    sagittal, coronal = settings.machine_angle_sd_deg
    return tuple(
        replace(
            segment,
            kyphosis_deg=_wider(segment.kyphosis_deg, sagittal),
            scoliosis_deg=_wider(segment.scoliosis_deg, coronal),
        )
        if {segment.upper, segment.lower} & levels
        else segment
        for segment in segments
    )


def _wider(estimate: Estimate | None, sd: float) -> Estimate | None:
    """The estimate with an independent SD added on both sides."""
    if estimate is None:
        return None
    low, high = (float(np.hypot(estimate.value - end, Z95 * sd)) for end in (estimate.low, estimate.high))
    return Estimate(estimate.value, estimate.value - low, estimate.value + high)
