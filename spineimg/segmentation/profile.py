"""What lies along the middle of the column: image, bone as the fine patches see it, and whose body it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.core.grid import Grid, Points
from spineimg.core.volume import Volume
from spineimg.segmentation.chain import expected_spacing_mm
from spineimg.segmentation.locate import Peak, Regions
from spineimg.segmentation.refine import BODY, OTHER, POSTERIOR, Patch
from spineimg.segmentation.rhythm import column_path

Floats = NDArray[np.float64]
RADIUS_MM = 5.0
"""Of the disc across the column over which the median is taken: inside the smallest cervical body."""
STEP_MM = 1.25
BEYOND = 1.6
"""The path goes on beyond the outermost bodies by so many spacings."""


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """Medians over small discs across the column, foot to head.

    Parameters
    ----------
    points : ndarray, (n, 3)
        Middle of each disc, LPS mm.
    along_mm : ndarray, (n,)
        Length of the path up to it.
    image : ndarray, (n,)
        Value of the image.
    bone : ndarray, (n,)
        Probability of any vertebra, mean of the patches that see the place.
    own : ndarray, (k, n)
        Probability of the body of each patch; 0 outside it.
    """

    points: Points
    along_mm: Floats
    image: Floats
    bone: Floats
    own: Floats


def path_points(chain: Sequence[Peak], regions: Regions) -> Points:
    """Middle of the column at even steps, foot to head, (n, 3) LPS mm.

    It goes on beyond both ends so far that one more body, and its disc, would lie on it.
    """
    ends = (BEYOND * expected_spacing_mm(chain[-1]), BEYOND * expected_spacing_mm(chain[0]))
    _, path = column_path(chain, regions, ends)
    along = _along(path)
    even = np.arange(0.0, along[-1], STEP_MM)
    return np.stack([np.interp(even, along, path[:, axis]) for axis in range(3)], 1)


def _along(points: Points) -> Floats:
    """Length of a path up to each of its points."""
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])


def profile(volume: Volume, patches: Sequence[Patch], points: Points) -> Profile:
    """Read image and patches along a path.

    Parameters
    ----------
    volume : Volume
        CT in HU or MR in units.
    patches : sequence of Patch
        One per body.
    points : ndarray, (n, 3)
        From `path_points`.
    """
    across = _discs(points)
    total, count = np.zeros(len(points)), np.zeros(len(points))
    own = np.zeros((len(patches), len(points)))
    for place, patch in enumerate(patches):
        index = patch.grid.to_index(points)
        seen = ((index >= 0) & (index <= np.array(patch.grid.shape) - 1)).all(1)
        own[place, seen] = _median(patch.probability[BODY], patch.grid, across[seen])
        any_bone = patch.probability[BODY] + patch.probability[POSTERIOR] + patch.probability[OTHER]
        total[seen] += _median(any_bone, patch.grid, across[seen])
        count[seen] += 1
    image = _median(volume.array, volume.grid, across)
    return Profile(points, _along(points), image, total / np.maximum(count, 1), own)


def _discs(points: Points) -> Points:
    """Points of a small disc across the path at each of its places, (n, m, 3)."""
    tangent = np.gradient(points, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    left = np.cross(tangent, np.array([0.0, 1.0, 0.0]))
    left /= np.linalg.norm(left, axis=1, keepdims=True)
    back = np.cross(left, tangent)
    steps = np.arange(-RADIUS_MM, RADIUS_MM + 0.1, RADIUS_MM / 3.0)
    x, y = (axis.ravel() for axis in np.meshgrid(steps, steps))
    inside = np.hypot(x, y) <= RADIUS_MM
    x, y = x[inside, None], y[inside, None]
    return np.asarray(points[:, None] + x * left[:, None] + y * back[:, None])


def _median(values: NDArray[Any], grid: Grid, across: Points) -> Floats:
    """Median of a field over each disc."""
    if not len(across):
        return np.zeros(0)
    index = grid.to_index(across.reshape(-1, 3)).T
    at = ndimage.map_coordinates(values, index, order=1, mode="nearest", output=np.float64)
    return np.asarray(np.median(at.reshape(across.shape[:2]), axis=1))
