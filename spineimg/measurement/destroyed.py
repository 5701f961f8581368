"""Endplates and walls inside a lesion: the image shows none there, so what hangs on them is hardly known."""

from __future__ import annotations

from dataclasses import astuple, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.core.estimate import Estimate
from spineimg.core.grid import Points
from spineimg.core.labelmap import LabelMap, LesionType
from spineimg.core.measurements import SegmentMeasurement
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.measurement.heights import Z95, BodyHeights


def widened_at_lesions(
    heights: BodyHeights, labels: LabelMap, cranial: Points, settings: MeasurementSettings
) -> BodyHeights:
    """Heights with a wider SD where one of their two points lies at or just above a machine's lesion.

    Masks of a destroyed endplate end where the finder guessed, not at an edge of the image; a dense lesion
    close under a plate hides it too. A reader's lesion
    leaves the heights alone: a reader who drew it has seen the endplate too.

    Parameters
    ----------
    heights : BodyHeights
        As measured.
    labels : LabelMap
        With its lesions.
    cranial : ndarray, (3,)
        Cranial axis of the body, LPS.
    settings : MeasurementSettings
        Reach into the body, and the SD of a point without a plate.
    """
    if labels.lesions is None or labels.lesions_confirmed:
        return heights
    inward = settings.destroyed_reach_mm * np.linspace(0.0, 1.0, 5)[:, None] * np.asarray(cranial)
    deeper = inward * settings.blastic_reach_mm / settings.destroyed_reach_mm
    lost = np.zeros(len(heights.sd_mm), dtype=bool)
    hidden = np.zeros(len(heights.sd_mm), dtype=bool)
    for points, sign in ((heights.points.upper, -1.0), (heights.points.lower, 1.0)):
        plate = np.array(astuple(points))[:, None]
        lost |= (_seen(labels.lesions, labels, plate + sign * inward[None]) > 0).any(axis=1)
        if labels.lesion_types is not None:
            kinds = _seen(labels.lesion_types, labels, plate + sign * deeper[None])
            hidden |= (kinds == LesionType.BLASTIC).any(axis=1)
    sd = np.where(hidden, np.hypot(heights.sd_mm, settings.blastic_plate_sd_mm), heights.sd_mm)
    return replace(heights, sd_mm=np.where(lost, np.hypot(sd, settings.destroyed_sd_mm), sd))


def widened_walls(
    segments: tuple[SegmentMeasurement, ...], labels: LabelMap, settings: MeasurementSettings
) -> tuple[SegmentMeasurement, ...]:
    """Segments whose shift is doubted where a machine's lesion lies at one of the two wall corners.

    A lytic lesion takes the wall away, a dense one that grows out of the body is taken for it.
    """
    if labels.lesions is None or labels.lesions_confirmed:
        return segments
    near = settings.wall_lesion_mm * np.array([-1.0, 0.0, 1.0])
    around = np.stack(np.meshgrid(near, near, near, indexing="ij"), axis=-1).reshape(-1, 3)
    found = []
    for segment in segments:
        shift, walls = segment.translation_ap_mm, segment.posterior_walls_lps_mm
        if shift is not None and walls is not None:
            places = np.array(walls)[:, None] + around[None]
            if (_seen(labels.lesions, labels, places) > 0).any():
                sd = float(np.hypot((shift.high - shift.low) / (2.0 * Z95), settings.wall_lesion_sd_mm))
                shift = Estimate.from_sd(shift.value, sd)
        found.append(replace(segment, translation_ap_mm=shift))
    return tuple(found)


def _seen(mask: NDArray[np.uint8], labels: LabelMap, lps_mm: Points) -> NDArray[np.uint8]:
    """Value of a mask at LPS points (..., 3)."""
    index = np.moveaxis(labels.grid.to_index(lps_mm), -1, 0)
    return np.asarray(ndimage.map_coordinates(mask, index, order=0, mode="nearest"))
