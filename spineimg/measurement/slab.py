"""A flat slab of image and mask in the frame of a vertebra: what the endplates are found on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.core.grid import Grid, Points
from spineimg.core.labelmap import LabelMap, Part
from spineimg.core.volume import Volume
from spineimg.measurement.frame import Frame

ROW_STEP_MM = 1.0
HEIGHT_STEP_MM = 0.5
SAMPLES_ACROSS = 3
INSIDE = 0.5
"""Half of the samples across a slab inside the body: its border."""
CRUMB_SHARE = 0.05
"""A piece of a body in its section below this share of the largest is a slip of the mask, no endplate (ours:
a mask that climbs past a lesion's edge leaves pieces of 1 %, halves of a split body are 20 % and more)."""


@dataclass(frozen=True, slots=True, eq=False)
class Extent:
    """Where a slab lies in own coordinates, mm.

    ``axis`` is the own axis of its rows (1 sagittal, 0 coronal).
    """

    axis: int
    along: tuple[float, float]
    across: tuple[float, float]
    height: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Slab:
    """Masks averaged across a slab, and the image's own voxels in it.

    Parameters
    ----------
    axis : int
        Own axis of the rows.
    along_mm : ndarray, (n,)
        Own posterior (sagittal slab) or left (coronal slab) coordinate of each row.
    height_mm : ndarray, (m,)
        Own cranial coordinate of each column, ascending.
    body, other : ndarray, (n, m)
        Share of the samples inside this body, and inside other vertebrae.
    voxel_along_mm, voxel_height_mm, voxel_value : ndarray, (k,)
        Voxels whose centres lie in the slab: never interpolated, so no step and no ringing comes in.
    """

    axis: int
    along_mm: Points
    height_mm: Points
    body: Points
    other: Points
    voxel_along_mm: Points
    voxel_height_mm: Points
    voxel_value: Points


def cut_slab(volume: Volume, labels: LabelMap, verse_id: int, frame: Frame, extent: Extent) -> Slab:
    """Sample the masks of a slab and gather the voxels in it."""
    along = np.arange(extent.along[0], extent.along[1] + 1e-6, ROW_STEP_MM)
    height = np.arange(extent.height[0], extent.height[1] + 1e-6, HEIGHT_STEP_MM)
    across = np.linspace(*extent.across, SAMPLES_ACROSS)
    own = np.empty((len(across), len(along), len(height), 3))
    own[..., 1 - extent.axis] = across[:, None, None]
    own[..., extent.axis] = along[None, :, None]
    own[..., 2] = height[None, None, :]
    grid = volume.grid
    index = grid.to_index(frame.to_lps_mm(own))
    flat = index.reshape(-1, 3)
    low = np.clip(np.floor(flat.min(axis=0)).astype(int), 0, np.array(grid.shape) - 1)
    high = np.clip(np.ceil(flat.max(axis=0)).astype(int) + 1, low + 1, grid.shape)
    box = (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
    inside = np.moveaxis(index - low, -1, 0)
    body, other = (
        ndimage.map_coordinates(mask, inside, order=1, mode="constant", output=np.float32).mean(axis=0)
        for mask in _masks(labels, verse_id, box)
    )
    voxels = _voxels(volume, frame, extent, low, (box, grown_lesion(labels, verse_id, box)))
    whole = without_crumbs(body.astype(np.float64))
    return Slab(extent.axis, along, height, whole, other.astype(np.float64), *voxels)


def without_crumbs(body: Points) -> Points:
    """Clear pieces of a section that are connected to the body only outside of it, if at all.

    Parameters
    ----------
    body : ndarray, (n, m)
        Share of the samples inside the body.
    """
    pieces, found = ndimage.label(body >= INSIDE)
    if found < 2:  # noqa: PLR2004  (one piece is whole)
        return body
    sizes = np.asarray(ndimage.sum_labels(body, pieces, np.arange(1, found + 1)))
    small = np.concatenate([[False], sizes < CRUMB_SHARE * sizes.max()])
    nearest = ndimage.distance_transform_edt(pieces == 0, return_distances=False, return_indices=True)
    return np.where(small[pieces[tuple(nearest)]], 0.0, body)


def _masks(labels: LabelMap, verse_id: int, box: tuple[slice, slice, slice]) -> tuple[Points, Points]:
    array = labels.array[box]
    mine = array == verse_id
    body = mine if labels.parts is None else mine & (labels.parts[box] == Part.BODY)
    return body.astype(np.float32), ((array > 0) & ~mine).astype(np.float32)


def grown_lesion(labels: LabelMap, verse_id: int, box: tuple[slice, ...]) -> NDArray[np.bool_]:
    """Where a lesion that a reader drew lies outside this vertebra: its border there is no edge of the bone.

    A machine's lesions are left in: where its masks of lesion and vertebra disagree, either may be wrong.
    """
    if labels.lesions is None or not labels.lesions_confirmed:
        return np.zeros(labels.array[box].shape, dtype=np.bool_)
    return np.asarray((labels.lesions[box] > 0) & (labels.array[box] != verse_id))


def _voxels(
    volume: Volume,
    frame: Frame,
    extent: Extent,
    low: Points,
    where: tuple[tuple[slice, slice, slice], NDArray[np.bool_]],
) -> tuple[Points, Points, Points]:
    box, left_out = where
    image = volume.array[box]
    axes = [np.arange(n) + first for n, first in zip(image.shape, low, strict=True)]
    matrix = frame.axes @ volume.grid.affine[:3, :3]
    start = frame.to_own_mm(volume.grid.affine[:3, 3])
    own = [
        start[k]
        + (matrix[k, 0] * axes[0])[:, None, None]
        + (matrix[k, 1] * axes[1])[None, :, None]
        + (matrix[k, 2] * axes[2])[None, None, :]
        for k in range(3)
    ]
    across = own[1 - extent.axis]
    middle = 0.5 * (extent.across[0] + extent.across[1])
    half = 0.5 * (extent.across[1] - extent.across[0])
    half = max(half, 0.55 * step_along(volume.grid, frame.axes[1 - extent.axis]))
    inside = (
        (np.abs(across - middle) <= half)
        & (own[2] >= extent.height[0])
        & (own[2] <= extent.height[1])
        & (own[extent.axis] >= extent.along[0])
        & (own[extent.axis] <= extent.along[1])
        & ~left_out
    )
    at = np.flatnonzero(inside)
    return (
        np.asarray(own[extent.axis].ravel()[at]),
        np.asarray(own[2].ravel()[at]),
        np.asarray(image.ravel()[at], dtype=np.float64),
    )


def step_along(grid: Grid, direction: Points) -> float:
    """Length of the voxel seen along a direction, mm: how coarse the grid is there."""
    return float(np.sqrt(((direction @ grid.affine[:3, :3]) ** 2).sum()))
