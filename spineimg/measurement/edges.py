"""An edge below voxel size: a thin plate between two tissues, seen through voxels, fitted row by row.

The model is compared with the voxels themselves, at their own places: a step blurred by the voxel's
length and
the kernel, and a plate of known thickness inside it. Nothing is interpolated, so nothing steps by the voxel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from spineimg.core.grid import Points

TINY = 1e-12
RIDGE = 1e-3
INDEPENDENT = 10.0
"""Voxels of a row and its neighbours that count as independent beside a known plate."""
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


@dataclass(frozen=True, slots=True)
class PlatePrior:
    """What a scan's other edges say: extra height of the plate with its SD (image values).

    And the kernel's SD.
    """

    height: float
    sd: float
    kernel_mm: float


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Voxels near an edge, summed in bins of depth for each row.

    Parameters
    ----------
    depth_mm : ndarray, (d,)
        Middle of each bin along the outward axis, from the start of the search.
    weight, value, square : ndarray, (n, d)
        Sums of the weights, of weighted values and of weighted squares, for each of n rows.
    """

    depth_mm: Points
    weight: Points
    value: Points
    square: Points


DEPTH_BIN_MM = 0.1
ROW_BINS = 2
"""Bins a row step, before they are smoothed to rows."""


@dataclass(frozen=True, slots=True, eq=False)
class Voxels:
    """Voxels near an edge: place along the rows, outward place from the start at that row, and value."""

    along_mm: Points
    outward_mm: Points
    value: Points


def binned(voxels: Voxels, row_mm: Points, row_sd_mm: float, range_mm: tuple[float, float]) -> Samples:
    """Sum voxels for rows ``row_mm`` (equal steps) with a Gaussian weight along the rows.

    Parameters
    ----------
    voxels : Voxels
        Samples of the image.
    row_mm : ndarray, (n,)
        Rows.
    row_sd_mm : float
        SD of the weight along the rows.
    range_mm : tuple of float
        Outward range that counts.
    """
    low, high = range_mm
    bins = max(int(np.ceil((high - low) / DEPTH_BIN_MM)), 1)
    step = float(row_mm[1] - row_mm[0]) / ROW_BINS
    first = float(row_mm[0]) - 3.0 * row_sd_mm
    rows = int(np.ceil((float(row_mm[-1]) + 3.0 * row_sd_mm - first) / step))
    i = np.floor((voxels.along_mm - first) / step).astype(int)
    j = np.floor((voxels.outward_mm - low) / DEPTH_BIN_MM).astype(int)
    keep = (i >= 0) & (i < rows) & (j >= 0) & (j < bins)
    flat, value = i[keep] * bins + j[keep], voxels.value[keep]
    sums = [
        np.bincount(flat, weights, minlength=rows * bins).reshape(rows, bins)
        for weights in (np.ones_like(value), value, value**2)
    ]
    middle = first + (np.arange(rows) + 0.5) * step
    spread = np.exp(-0.5 * ((middle[None] - row_mm[:, None]) / row_sd_mm) ** 2)
    spread[spread < np.exp(-4.5)] = 0.0
    depth = low + (np.arange(bins) + 0.5) * DEPTH_BIN_MM
    taper = np.exp(-0.5 * (depth / (0.6 * -low)) ** 2)
    smoothed = [np.asarray(spread @ part * taper, dtype=np.float64) for part in sums]
    return Samples(np.asarray(depth, dtype=np.float64), *smoothed)


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
    n, k = len(samples.weight), len(position_mm)
    depth = position_mm[:, None] - samples.depth_mm[None]
    inside = blurred_step(depth, model)
    plate = inside - blurred_step(depth - model.thickness_mm, model)
    basis = np.stack([1.0 - inside, inside, plate], axis=-1)
    pairs = (
        (basis[..., :, None] * basis[..., None, :]).transpose(1, 0, 2, 3).reshape(len(samples.depth_mm), -1)
    )
    normal = (samples.weight @ pairs).reshape(n, k, TERMS, TERMS)
    product = (samples.value @ basis.transpose(1, 0, 2).reshape(len(samples.depth_mm), -1)).reshape(
        n, k, TERMS
    )
    count = samples.weight.sum(axis=1)
    mean = samples.value.sum(axis=1) / np.maximum(count, TINY)
    return Moments(normal, product, samples.square.sum(axis=1), count, mean)


def free_levels(moments: Moments, model: EdgeModel, plate: PlatePrior | None = None) -> tuple[Points, Points]:
    """Best levels (n, k, 3) for each row and position, and the misfit (n, k) that they leave.

    Where the plate comes out darker than it may be, the fit is made again without plate. A known plate
    pulls the
    fit as strongly as ``INDEPENDENT`` voxels of the row's own noise.
    """
    # A row without voxels has no level: the small constant keeps its equations solvable.
    scale = (RIDGE * moments.count[:, None, None, None] + TINY**0.5) * np.eye(TERMS)
    normal, product = moments.normal + scale, moments.product
    levels = _solved(normal, product)
    if plate is not None:
        noise = np.median(misfit(moments, levels).min(axis=1))
        pull = noise / plate.sd**2 * moments.count / INDEPENDENT
        normal = normal + pull[:, None, None, None] * np.diag([0.0, 0.0, 1.0])
        product = product + pull[:, None, None] * np.array([0.0, 0.0, plate.height])
        levels = _solved(normal, product)
    if model.signed:
        two = _solved(normal[..., :2, :2], moments.product[..., :2])
        hollow = levels[..., 2] < 0.0
        levels[hollow] = np.concatenate([two, np.zeros((*two.shape[:-1], 1))], axis=-1)[hollow]
    rest = misfit(moments, levels)
    if plate is not None:
        off = (levels[..., 2] - plate.height) ** 2
        rest = rest + (pull / np.maximum(moments.count, TINY))[:, None] * off
    return np.asarray(levels), rest


def _solved(normal: Points, product: Points) -> Points:
    return np.asarray(np.linalg.solve(normal, product[..., None])[..., 0], dtype=np.float64)


def misfit(moments: Moments, levels: Points) -> Points:
    """Weighted mean square left by given levels (n, k, 3) or (n, 1, 3); shape (n, k)."""
    full = np.broadcast_to(levels, moments.product.shape)
    model = np.einsum("nka,nkab,nkb->nk", full, moments.normal, full)
    cross = (full * moments.product).sum(axis=-1)
    rest = np.maximum(moments.square[:, None] - 2.0 * cross + model, 0.0)
    return np.asarray(rest / np.maximum(moments.count, TINY)[:, None])


def flat_misfit(moments: Moments) -> Points:
    """Mean square left by a constant, per row (n,)."""
    return np.asarray(np.maximum(moments.square / np.maximum(moments.count, TINY) - moments.mean**2, 0.0))


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
    shift = np.where(bend > TINY, 0.5 * (left - right) / np.where(bend > TINY, bend, 1.0), 0.0)
    step = float(position_mm[1] - position_mm[0])
    return np.asarray(position_mm[inner] + np.clip(shift, -1.0, 1.0) * step)
