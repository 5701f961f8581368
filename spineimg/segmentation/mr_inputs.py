"""What the networks see of an MR: one scale for any intensities, and local contrast.

MR values have no unit. A volume is brought to robust units first (`mr_units`), once; the
channels (`mr_channels`) are made from those per tile, in training as at inference.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.segmentation.inputs import OUTSIDE_HU

LOW_PERCENTILE, HIGH_PERCENTILE = 1.0, 98.0
AIR_SHARE = 0.08
"""Values below this share of the range are air or padding and do not set the upper end."""
OUTSIDE_BELOW = -0.2
"""Units below this come from outside the scan (`OUTSIDE_HU`, also where interpolated)."""
MOST_UNITS = 1.6
LOCAL_VOXELS = 17
"""Edge of the box of local contrast: 51 mm at 3 mm, 25 mm at 1.5 mm."""
LEAST_SPREAD = 0.04

Floats = NDArray[np.float32]


def robust_range(values: NDArray[np.generic]) -> tuple[float, float]:
    """Find the intensities that become 0 and 1.

    Parameters
    ----------
    values
        Intensities of the scan, any shape; padding may be among them.

    Returns
    -------
    tuple of float
        The 1st percentile of all values and the 98th of those that are not air.
    """
    flat = np.asarray(values, np.float32).ravel()
    if flat.size == 0:
        return 0.0, 1.0
    low, top = (float(v) for v in np.percentile(flat, [LOW_PERCENTILE, 99.5]))
    body = flat[flat > low + AIR_SHARE * (top - low)]
    high = float(np.percentile(body, HIGH_PERCENTILE)) if body.size else top
    return low, max(high, low + 1e-6)


def mr_units(array: NDArray[np.generic]) -> Floats:
    """Bring MR intensities of a whole volume to units: dark 0, bright tissue 1.

    Parameters
    ----------
    array
        (a, b, c) intensities of any scale.

    Returns
    -------
    Floats
        (a, b, c), 0 to `MOST_UNITS`.
    """
    low, high = robust_range(array)
    scaled = (np.asarray(array, np.float32) - np.float32(low)) / np.float32(high - low)
    return np.asarray(np.clip(scaled, 0.0, MOST_UNITS), np.float32)


def mr_channels(units: NDArray[np.floating]) -> Floats:
    """Make the two image channels from units.

    Parameters
    ----------
    units
        (a, b, c) from `mr_units`; outside the field of view `OUTSIDE_HU`.

    Returns
    -------
    Floats
        (2, a, b, c): units on the scale of the CT channel (outside as air there, -1.2), and the
        contrast to the surroundings in their standard deviations, halved (outside 0).
    """
    inside = units > OUTSIDE_BELOW
    shown = np.where(inside, np.clip(units, 0.0, MOST_UNITS), 0.0).astype(np.float32)
    wide = np.where(inside, 1.3 * shown - 0.7, OUTSIDE_HU / 1000.0 - 0.2)
    box = [min(LOCAL_VOXELS, n) for n in units.shape]
    share, mean, square = (
        ndimage.uniform_filter(part, box, mode="constant")
        for part in (inside.astype(np.float32), shown, shown * shown)
    )
    share = np.maximum(share, 1e-3)
    mean /= share
    spread = np.sqrt(np.maximum(square / share - mean * mean, 0.0)) + LEAST_SPREAD
    local = np.where(inside, 0.5 * np.clip((shown - mean) / spread, -3.0, 3.0), 0.0)
    return np.stack([wide, local]).astype(np.float32)
