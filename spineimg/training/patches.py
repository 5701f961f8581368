"""Sampling a warped patch of a template: labels, regions, depth and the real image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.training.templates import SDF_UNIT_MM, Template

Floats = NDArray[np.float32]


@dataclass
class Patch:
    """What a template shows on the patch's grid (see `Template`)."""

    labels: NDArray[np.uint8]
    region: NDArray[np.uint8]
    depth: Floats
    inside: NDArray[np.bool_]
    image: Floats | None
    lesions: NDArray[np.uint8] | None


def sample_patch(template: Template, points: Floats, smooth_image: NDArray[Any] | None) -> Patch:
    """Gather a template's arrays at the points of a map.

    Parameters
    ----------
    template
        Source.
    points
        (3, a, b, c) LPS mm in the template's frame.
    smooth_image
        The real image smoothed for the patch's voxel size, or None.

    Returns
    -------
    Patch
        Nearest-neighbour labels and regions, linear depth (mm) and image.
    """
    shape = points.shape[1:]
    voxel = np.empty_like(points)
    inside = np.ones(shape, bool)
    flat = np.zeros(shape, np.int32)
    size = template.labels.shape
    for axis in range(3):
        voxel[axis] = (points[axis] - template.origin[axis]) / template.spacing[axis]
        nearest = np.rint(voxel[axis]).astype(np.int32)
        inside &= (nearest >= 0) & (nearest < size[axis])
        flat *= size[axis]
        flat += np.clip(nearest, 0, size[axis] - 1)
    labels = template.labels.ravel()[flat]
    region = template.region.ravel()[flat]
    labels[~inside] = 0
    region[~inside] = 0
    if template.sdf is None:
        depth = np.zeros(shape, np.float32)
    else:
        depth = np.asarray(
            ndimage.map_coordinates(
                template.sdf, voxel, output=np.float32, order=1, mode="constant", cval=-100
            )
        )
        depth *= SDF_UNIT_MM
    image = None
    if smooth_image is not None:
        image = np.asarray(
            ndimage.map_coordinates(
                smooth_image, voxel, output=np.float32, order=1, mode="constant", cval=-1024
            )
        )
    lesions = None
    if template.lesions is not None:
        lesions = template.lesions.ravel()[flat]
        lesions[~inside] = 0
    return Patch(labels, region, depth, inside, image, lesions)


def smooth_for(template: Template, spacing_mm: float) -> Floats | None:
    """Give the template's image smoothed for sampling at ``spacing_mm`` (anti-aliasing)."""
    if template.image is None:
        return None
    sigma = [0.4 * spacing_mm / s if s < 0.8 * spacing_mm else 0.0 for s in template.spacing]
    smooth: Floats = ndimage.gaussian_filter(template.image.astype(np.float32), sigma)
    return smooth
