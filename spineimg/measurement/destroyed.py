"""Endplates inside a lesion: the image shows no plate there, so a height through it is hardly known."""

from __future__ import annotations

from dataclasses import astuple, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.core.grid import Points
from spineimg.core.labelmap import LabelMap
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.measurement.heights import BodyHeights


def widened_at_lesions(
    heights: BodyHeights, labels: LabelMap, cranial: Points, settings: MeasurementSettings
) -> BodyHeights:
    """Heights with a wider SD where one of their two points lies at or just above a machine's lesion.

    Masks of a destroyed endplate end where the finder guessed, not at an edge of the image. A reader's lesion
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
    lost = np.zeros(len(heights.sd_mm), dtype=bool)
    for points, sign in ((heights.points.upper, -1.0), (heights.points.lower, 1.0)):
        places = np.array(astuple(points))[:, None] + sign * inward[None]
        lost |= _in_lesion(labels, places).any(axis=1)
    sd = np.where(lost, np.hypot(heights.sd_mm, settings.destroyed_sd_mm), heights.sd_mm)
    return replace(heights, sd_mm=sd)


def _in_lesion(labels: LabelMap, lps_mm: Points) -> NDArray[np.bool_]:
    if labels.lesions is None:
        return np.zeros(lps_mm.shape[:-1], dtype=bool)
    index = np.moveaxis(labels.grid.to_index(lps_mm), -1, 0)
    return np.asarray(ndimage.map_coordinates(labels.lesions, index, order=0, mode="nearest") > 0)
