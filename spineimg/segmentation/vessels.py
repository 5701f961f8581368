"""Take vessels full of contrast out of the masks: on CT they are as bright as bone, but of even density."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.core.grid import Grid
from spineimg.core.settings.segmentation import SegmentationSettings

Bytes = NDArray[np.uint8]
BEHIND_MM = 8.0
"""What lies so far behind the body's middle is canal or bone (half of a body's depth and less)."""
FEWEST = 15
"""A core of fewer voxels has no density to judge."""


def drop_vessels(index: Bytes, hu: NDArray[np.generic], grid: Grid, settings: SegmentationSettings) -> None:
    """Take vessels out of the vertebrae, in place.

    A vertebra falls into cores where it is cut at its necks. A core beside or before the largest that is
    brighter than it by far and of even density is blood with contrast: spongy bone is uneven and cortex thin
    (behind, processes may be dense throughout). What lies nearest to such a core is no vertebra.

    Parameters
    ----------
    index : ndarray of uint8, (a, b, c)
        Number of the vertebra, 0 none.
    hu : ndarray, (a, b, c)
        The CT.
    grid : Grid
        Where these voxels lie.
    settings : SegmentationSettings
        Width of a neck, brightness and evenness of blood.
    """
    for number, box in enumerate(ndimage.find_objects(index), 1):
        if box is None:
            continue
        mine = index[box] == number
        depth = ndimage.distance_transform_edt(np.pad(mine, 1), sampling=grid.spacing_mm)[1:-1, 1:-1, 1:-1]
        cores, count = ndimage.label(depth > settings.vessel_neck_mm / 2)
        if count < 2:
            continue
        blood = _blood(cores, hu[box], grid.affine[1, :3], settings)
        if not blood.any():
            continue
        _, nearest = ndimage.distance_transform_edt(cores == 0, sampling=grid.spacing_mm, return_indices=True)
        index[box][mine & blood[cores[tuple(nearest)]]] = 0


def _blood(
    cores: NDArray[np.signedinteger],
    hu: NDArray[np.generic],
    to_back: NDArray[np.float64],
    settings: SegmentationSettings,
) -> NDArray[np.bool_]:
    """Which cores are blood, by their number (0 is none); ``to_back``: mm toward the back a voxel step."""
    sizes = np.bincount(cores.ravel())
    sizes[0] = 0
    out = np.zeros(len(sizes), dtype=bool)
    largest = int(sizes.argmax())
    if sizes[largest] < FEWEST:
        return out
    main = float(np.median(hu[cores == largest]))
    there = [int(k) for k in np.flatnonzero(sizes >= FEWEST)]
    back = {k: float(np.argwhere(cores == k).mean(0) @ to_back) for k in there}
    for number, depth in back.items():
        low, middle, high = np.percentile(hu[cores == number], [25, 50, 75])
        even = high - low <= settings.vessel_even_hu and middle >= main + settings.vessel_above_hu
        out[number] = number != largest and even and depth < back[largest] + BEHIND_MM
    return out
