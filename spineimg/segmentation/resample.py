"""Bring a volume of any spacing and orientation to the networks' grid, and fields back again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import linear_sum_assignment

from spineimg.core.grid import Grid, Points, axis_aligned_grid
from spineimg.segmentation.inputs import OUTSIDE_HU

Floats = NDArray[np.float32]
SOFT_SHARE = 0.4
"""Smoothing before thinning out: sigma over the target spacing (as in training)."""

TURN_MOST_DEG = 30.0
"""A stack turned by more against the LPS axes was laid along something else than the column."""
SKEW_MOST = 1e-3
"""Largest cosine between two axes of a stack that is not sheared."""


def upright(grid: Grid) -> Grid:
    """Lay a turned stack's axes along the nearest LPS axes, about its own middle.

    A stack that is turned was laid along the patient's own column; in its frame vertebrae stand as the
    networks know them, and thick slices are not cut askew. Sheared stacks (gantry tilt) and those turned by
    more than `TURN_MOST_DEG` stay as they are.
    """
    spacing = grid.spacing_mm
    own = grid.affine[:3, :3] / spacing
    to, axis = linear_sum_assignment(-np.abs(own))
    nearest = np.zeros((3, 3))
    nearest[to, axis] = np.sign(own[to, axis])
    turn = nearest @ own.T
    angle = np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1)))
    sheared = np.abs(own.T @ own - np.eye(3)).max() > SKEW_MOST
    if sheared or np.linalg.det(turn) < 0 or angle > TURN_MOST_DEG:
        return grid
    middle = (np.array(grid.shape) - 1) / 2
    affine = np.eye(4)
    affine[:3, :3] = nearest * spacing
    affine[:3, 3] = grid.to_lps_mm(middle) - affine[:3, :3] @ middle
    return Grid(grid.shape, affine)


def covering_grid(grid: Grid, spacing_mm: float) -> Grid:
    """Axis-aligned isotropic LPS grid that covers all voxels of a grid."""
    ends = [(-0.5, n - 0.5) for n in grid.shape]
    corners = grid.to_lps_mm(np.array(np.meshgrid(*ends)).reshape(3, -1).T)
    half = spacing_mm / 2
    return axis_aligned_grid(corners.min(0) + half, corners.max(0) - half, spacing_mm)


def box_grid(low_lps_mm: Points, high_lps_mm: Points, spacing_mm: float) -> Grid:
    """Axis-aligned isotropic LPS grid of a box."""
    return axis_aligned_grid(low_lps_mm, np.maximum(high_lps_mm, low_lps_mm), spacing_mm)


def to_grid(array: NDArray[np.generic], source: Grid, target: Grid) -> Floats:
    """Resample image values to a target grid, without aliasing.

    Axes that are finer than the target are averaged in blocks or smoothed first; then linear
    interpolation, shearing and turning included. Outside the source: `OUTSIDE_HU`.

    Parameters
    ----------
    array : ndarray, (a, b, c)
        Image values on ``source``.
    source, target : Grid
        Where the values lie, and where they are wanted.

    Returns
    -------
    ndarray of float32
        Values on ``target``.
    """
    array, source = _cropped(array, source, target)
    if min(array.shape) == 0:
        return np.full(target.shape, OUTSIDE_HU, dtype=np.float32)
    wanted = float(target.spacing_mm.min())
    thinned, grid = _averaged(array, source, wanted)
    for axis, spacing in enumerate(source.spacing_mm):
        if grid.shape[axis] == source.shape[axis] and spacing < 0.9 * wanted and source.shape[axis] > 1:
            sigma = SOFT_SHARE * wanted / spacing
            thinned = ndimage.gaussian_filter1d(thinned, sigma, axis=axis, mode="nearest", truncate=2.5)
    return linear(thinned, grid, target, OUTSIDE_HU)


def linear(array: Floats, source: Grid, target: Grid, outside: float) -> Floats:
    """Linear interpolation of a field to another grid; half a voxel beyond the rim takes the rim's value."""
    matrix = np.linalg.inv(source.affine) @ target.affine
    padded = np.pad(array, 1, mode="edge")
    kept = matrix[:3, :3]
    off_diagonal = kept - np.diag(np.diag(kept))
    if np.abs(off_diagonal).max() < 1e-9:  # same axes: scipy takes a much faster separable way
        kept = np.diag(kept).copy()
    out = ndimage.affine_transform(
        padded,
        kept,
        matrix[:3, 3] + 1.0,
        target.shape,
        order=1,
        mode="constant",
        cval=outside,
        prefilter=False,
    )
    return np.asarray(out, dtype=np.float32)


def _cropped(array: NDArray[np.generic], source: Grid, target: Grid) -> tuple[NDArray[np.generic], Grid]:
    """Cut the source to what the target can see, so that a whole body costs no more than its column."""
    ends = [(-1.0, float(n)) for n in target.shape]
    corners = source.to_index(target.to_lps_mm(np.array(np.meshgrid(*ends)).reshape(3, -1).T))
    margin = np.ceil(target.spacing_mm.max() / source.spacing_mm).astype(int) + 1
    start = np.clip(np.floor(corners.min(0)).astype(int) - margin, 0, source.shape)
    stop = np.clip(np.ceil(corners.max(0)).astype(int) + margin + 1, start, source.shape)
    if (stop <= start).any():
        return np.zeros((0, 0, 0), dtype=np.int16), source
    first, last = (int(start[0]), int(start[1]), int(start[2])), (int(stop[0]), int(stop[1]), int(stop[2]))
    return array[first[0] : last[0], first[1] : last[1], first[2] : last[2]], source.cropped(first, last)


def _averaged(array: NDArray[np.generic], source: Grid, wanted: float) -> tuple[Floats, Grid]:
    """Average whole blocks along every axis that is at least twice as fine as wanted."""
    factors = [
        max(1, min(int(wanted / s + 0.05), n)) for s, n in zip(source.spacing_mm, source.shape, strict=True)
    ]
    counts = [n // f for n, f in zip(source.shape, factors, strict=True)]
    values: NDArray[np.generic] = array
    for axis, (factor, count) in enumerate(zip(factors, counts, strict=True)):
        if factor > 1:
            cut = (
                np.take(values, range(count * factor), axis=axis)
                if values.shape[axis] != count * factor
                else values
            )
            shape = (*cut.shape[:axis], count, factor, *cut.shape[axis + 1 :])
            values = cut.reshape(shape).mean(axis=axis + 1, dtype=np.float32)
    affine = source.affine.copy()
    affine[:3, 3] = source.to_lps_mm((np.array(factors) - 1) / 2.0)
    affine[:3, :3] = source.affine[:3, :3] * np.array(factors)
    return values.astype(np.float32), Grid((counts[0], counts[1], counts[2]), affine)
