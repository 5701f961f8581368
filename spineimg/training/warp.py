"""One coordinate map per sample: pose, size, bending, elastic shift, crushed vertebra."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from spineimg.training.noise import smooth_field
from spineimg.training.templates import Template

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class WarpRange:
    """How strongly samples are deformed.

    Attributes
    ----------
    tilt_deg
        Half width of the uniform rotation about each axis.
    scale
        Range of the common scale; each axis gets up to 6 % more or less.
    bend_mm
        Largest amplitude of the sine bending of the column.
    elastic_mm
        Standard deviation of the smooth displacement.
    crush_share
        Share of samples with one compressed vertebra.
    """

    tilt_deg: float
    scale: tuple[float, float]
    bend_mm: float
    elastic_mm: float
    crush_share: float


@dataclass(frozen=True)
class Aim:
    """Where a patch looks.

    Attributes
    ----------
    point
        LPS point of the template.
    anchor_mm
        Where it lands, in mm from the middle of the patch.
    """

    point: NDArray[np.float64]
    anchor_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)


def source_points(
    rng: np.random.Generator,
    shape: tuple[int, int, int],
    spacing_mm: float,
    aim: Aim,
    ranges: WarpRange,
) -> Floats:
    """Give, for every voxel of a patch, the LPS point of the template it shows.

    Parameters
    ----------
    rng
        Random generator.
    shape, spacing_mm
        The patch.
    aim
        Which point of the template lands where.
    ranges
        Strength of the deformation.

    Returns
    -------
    Floats
        (3, a, b, c) LPS mm in the template's frame.
    """
    angles = rng.uniform(-ranges.tilt_deg, ranges.tilt_deg, 3)
    rotation = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    common = np.exp(rng.uniform(*np.log(ranges.scale)))
    scale = common * rng.uniform(0.94, 1.06, 3)
    matrix = (rotation / scale[None, :]).astype(np.float32)
    axes = [
        (np.arange(n, dtype=np.float32) - (n - 1) / 2) * np.float32(spacing_mm) - np.float32(a)
        for n, a in zip(shape, aim.anchor_mm, strict=True)
    ]
    out = np.empty((3, *shape), np.float32)
    for row in range(3):
        out[row] = (
            matrix[row, 0] * axes[0][:, None, None]
            + matrix[row, 1] * axes[1][None, :, None]
            + matrix[row, 2] * axes[2][None, None, :]
        )
    for row in (0, 1):
        if rng.random() < 0.6:
            period = rng.uniform(180.0, 420.0)
            phase = rng.uniform(0.0, 2 * np.pi)
            amplitude = rng.uniform(0.0, ranges.bend_mm) * (0.7 if row == 0 else 1.0)
            out[row] += amplitude * (np.sin(2 * np.pi * out[2] / period + phase) - np.sin(phase))
    if ranges.elastic_mm > 0:
        knots = tuple(max(4, int(n * spacing_mm / 40.0) + 3) for n in shape)
        for row in range(3):
            out[row] += (ranges.elastic_mm * rng.uniform(0.2, 1.2)) * smooth_field(rng, shape, knots)
    out += aim.point.astype(np.float32)[:, None, None, None]
    return out


def crush(rng: np.random.Generator, points: Floats, template: Template, level: int) -> None:
    """Compress one vertebra of the map in place, as a wedge or as a whole.

    The part of the column above moves down with it; the effect fades out behind the
    body, so that posterior elements keep their shape.
    """
    centre = template.centres[level]
    above, below = template.centres.get(level - 1), template.centres.get(level + 1)
    if above is None or below is None:
        return
    up = above - below
    spread = float(np.linalg.norm(up))
    up = up / spread
    half = 0.5 * 0.38 * spread
    forward = np.array([0.0, -1.0, 0.0]) + up[1] * up
    forward /= np.linalg.norm(forward)
    offset = points - centre.astype(np.float32)[:, None, None, None]
    along = np.tensordot(up.astype(np.float32), offset, axes=1)
    front = np.tensordot(forward.astype(np.float32), offset, axes=1)
    least = rng.uniform(0.3, 0.9)
    kind = rng.random()
    position = np.clip(front / 32.0 + 0.5, 0.0, 1.0)  # 0 at the back wall, 1 at the front
    if kind < 0.5:  # wedge
        factor = 1.0 - (1.0 - least) * position
    elif kind < 0.75:  # biconcave: less in the middle
        bowl = 1.0 - (2.0 * position - 1.0) ** 2
        factor = 1.0 - (1.0 - max(least, 0.5)) * bowl
    else:
        factor = np.full_like(position, least)
    fade = 1.0 / (1.0 + np.exp(-(front + 19.0) / 3.0))
    factor = 1.0 - (1.0 - factor) * fade
    inside = np.clip(along / factor, -half, half)
    # inside the body: along / factor; beyond it: shifted by what the body has lost
    moved = inside + (along - inside * factor)
    shift = (moved - along).astype(np.float32)
    points += up.astype(np.float32)[:, None, None, None] * shift


def locate_point(points: Floats, target: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Find the voxel coordinates at which a map shows a template's point.

    Returns
    -------
    array or None
        Voxel coordinates, None when the point is not inside the patch.
    """
    coarse = points[:, ::3, ::3, ::3] - target.astype(np.float32)[:, None, None, None]
    start = np.unravel_index(int((coarse**2).sum(0).argmin()), coarse.shape[1:])
    voxel = np.array(start, float) * 3
    for _ in range(6):
        i = np.clip(np.round(voxel).astype(int), 1, np.array(points.shape[1:]) - 2)
        here = points[:, i[0], i[1], i[2]]
        jacobian = np.stack(
            [
                (points[:, i[0] + 1, i[1], i[2]] - points[:, i[0] - 1, i[1], i[2]]) / 2,
                (points[:, i[0], i[1] + 1, i[2]] - points[:, i[0], i[1] - 1, i[2]]) / 2,
                (points[:, i[0], i[1], i[2] + 1] - points[:, i[0], i[1], i[2] - 1]) / 2,
            ],
            axis=1,
        )
        if abs(np.linalg.det(jacobian)) < 1e-6:
            return None
        new = i + np.linalg.solve(jacobian, target - here)
        new = np.clip(new, voxel - 6, voxel + 6)
        if np.abs(new - voxel).max() < 0.3:
            voxel = new
            break
        voxel = new
    if (voxel < -4).any() or (voxel > np.array(points.shape[1:]) + 3).any():
        return None
    return voxel
