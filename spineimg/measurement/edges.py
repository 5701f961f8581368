"""An edge below voxel size: a thin plate between two tissues, seen through voxels, fitted row by row.

The model is compared with the voxels themselves, at their own places: a step blurred by the voxel's length and
the kernel, and a plate of known thickness inside it. Nothing is interpolated, so nothing steps by the voxel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from spineimg.core.grid import Points

TERMS = 3
"""Outside level, inside level, extra height of the plate."""


@dataclass(frozen=True, slots=True)
class EdgeModel:
    """What an edge looks like: plate thickness, voxel length and kernel SD along the profile, mm.

    ``signed``: the plate must be brighter than the outside (CT); else it may be darker (MR).
    """

    thickness_mm: float
    voxel_mm: float
    kernel_mm: float
    signed: bool


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Voxels near an edge.

    Parameters
    ----------
    row_weight : ndarray, (n, m)
        Weight of each of m voxels for each of n rows.
    outward_mm : ndarray, (m,)
        Place along the outward axis, from the start of the search at the voxel's own row.
    value : ndarray, (m,)
        Image values.
    """

    row_weight: Points
    outward_mm: Points
    value: Points


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Sums per row (n) and candidate position (k) from which any misfit follows.

    Parameters
    ----------
    normal : ndarray, (n, k, 3, 3)
    product : ndarray, (n, k, 3)
    square, count : ndarray, (n,)
        Weighted sum of squares of the values, and of the weights.
    mean : ndarray, (n,)
        Weighted mean of the values.
    """

    normal: Points
    product: Points
    square: Points
    count: Points
    mean: Points


def blurred_step(depth_mm: Points, model: EdgeModel) -> Points:
    """Share of a voxel's response that lies inside an edge, for voxel centres ``depth_mm`` inside it."""
    half, sigma = 0.5 * model.voxel_mm, model.kernel_mm
    upper, lower = (depth_mm + half) / sigma, (depth_mm - half) / sigma
    return np.asarray((_ramp(upper) - _ramp(lower)) * (sigma / model.voxel_mm))


def _ramp(x: Points) -> Points:
    return np.asarray(x * ndtr(x) + np.exp(-0.5 * x * x) / np.sqrt(2.0 * np.pi))


def gather(samples: Samples, position_mm: Points, model: EdgeModel) -> Moments:
    """Sums over the voxels of each row for every candidate position of the outer surface."""
    n, k = len(samples.row_weight), len(position_mm)
    normal = np.empty((n, k, TERMS, TERMS))
    product = np.empty((n, k, TERMS))
    for place, position in enumerate(position_mm):
        depth = position - samples.outward_mm
        inside = blurred_step(depth, model)
        plate = inside - blurred_step(depth - model.thickness_mm, model)
        basis = np.stack([1.0 - inside, inside, plate])
        pairs = (basis[:, None] * basis[None]).reshape(TERMS * TERMS, -1)
        normal[:, place] = (samples.row_weight @ pairs.T).reshape(n, TERMS, TERMS)
        product[:, place] = samples.row_weight @ (basis * samples.value).T
    count = samples.row_weight.sum(axis=1)
    mean = samples.row_weight @ samples.value / np.maximum(count, 1e-12)
    return Moments(normal, product, samples.row_weight @ samples.value**2, count, mean)


def free_levels(moments: Moments, model: EdgeModel, ridge: float = 1e-3) -> tuple[Points, Points]:
    """Best levels (n, k, 3) for each row and position, and the misfit (n, k) that they leave.

    Where the plate comes out darker than it may be, the fit is made again without plate.
    """
    scale = ridge * moments.count[:, None, None, None] * np.eye(TERMS)
    levels = np.linalg.solve(moments.normal + scale, moments.product[..., None])[..., 0]
    if model.signed:
        two = np.linalg.solve(
            moments.normal[..., :2, :2] + scale[..., :2, :2], moments.product[..., :2, None]
        )[..., 0]
        hollow = levels[..., 2] < 0.0
        levels[hollow] = np.concatenate([two, np.zeros((*two.shape[:-1], 1))], axis=-1)[hollow]
    return np.asarray(levels), misfit(moments, levels)


def misfit(moments: Moments, levels: Points) -> Points:
    """Weighted mean square left by given levels (n, k, 3) or (n, 1, 3); shape (n, k)."""
    model = np.einsum("nka,nkab,nkb->nk", np.broadcast_to(levels, moments.product.shape), moments.normal, np.broadcast_to(levels, moments.product.shape))
    cross = (levels * moments.product).sum(axis=-1)
    return np.asarray(
        np.maximum(moments.square[:, None] - 2.0 * cross + model, 0.0) / np.maximum(moments.count, 1e-12)[:, None]
    )


def flat_misfit(moments: Moments) -> Points:
    """Mean square left by a constant, per row (n,)."""
    return np.asarray(np.maximum(moments.square / np.maximum(moments.count, 1e-12) - moments.mean**2, 0.0))


def smooth_path(cost: Points, step_cost: float, jump_cost: float) -> NDArray[np.intp]:
    """Cheapest path through cost (n, k): squared steps, but never more than ``jump_cost`` for one jump."""
    n, k = cost.shape
    move = np.minimum(step_cost * np.subtract.outer(np.arange(k), np.arange(k)) ** 2.0, jump_cost)
    best = cost[0].copy()
    came = np.zeros((n, k), dtype=np.intp)
    for row in range(1, n):
        through = best[:, None] + move
        came[row] = through.argmin(axis=0)
        best = through.min(axis=0) + cost[row]
    path = np.empty(n, dtype=np.intp)
    path[-1] = int(best.argmin())
    for row in range(n - 1, 0, -1):
        path[row - 1] = came[row, path[row]]
    return path


def refine(cost: Points, path: NDArray[np.intp], position_mm: Points) -> Points:
    """Positions below the step of the candidates: parabola through the neighbours of each path point."""
    rows = np.arange(len(path))
    inner = np.clip(path, 1, cost.shape[1] - 2)
    left, mid, right = (cost[rows, inner + d] for d in (-1, 0, 1))
    bend = left - 2.0 * mid + right
    shift = np.where(bend > 1e-12, 0.5 * (left - right) / np.where(bend > 1e-12, bend, 1.0), 0.0)
    step = float(position_mm[1] - position_mm[0])
    return np.asarray(position_mm[inner] + np.clip(shift, -1.0, 1.0) * step)
