"""Bones drawn on the fine grid: who owns a voxel, how deep it lies, which lesion it has."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from painted.anatomy import FINE_MM
from painted.frame import Array
from painted.lesion import Lesion
from painted.solid import Solid
from spineimg.core.grid import Grid
from spineimg.core.labelmap import Part
from spineimg.core.levels import Level

FAR = 99.0
EDGE_MM = 2.0
NEAR_MM = 1.5
COARSE_NEAR_MM = 3.5
Box = tuple[slice, slice, slice]


class Canvas:
    """Arrays on the fine grid that the bones are drawn into; ``depth`` negative inside, mm."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.depth = np.full(grid.shape, FAR, np.float32)
        self.owner = np.zeros(grid.shape, np.uint8)
        self.part = np.zeros(grid.shape, np.uint8)
        self.lesion = np.zeros(grid.shape, np.uint8)
        self.kind = np.zeros(grid.shape, np.uint8)
        self.in_lesion = np.full(grid.shape, FAR, np.float32)
        self.disc = np.zeros(grid.shape, np.bool_)
        self.canal = np.zeros(grid.shape, np.bool_)

    def box(self, lps: Array) -> Box | None:
        """Box of the grid about LPS points (n, 3); None where they lie outside."""
        index = self.grid.to_index(lps)
        low = np.maximum(np.floor(index.min(axis=0)).astype(int), 0)
        high = np.minimum(np.ceil(index.max(axis=0)).astype(int) + 1, self.grid.shape)
        if (high <= low).any():
            return None
        return slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])

    def own(self, box: Box, solid: Solid) -> Array:
        """Own coordinates of the voxels of a box, (..., 3)."""
        matrix = (np.linalg.inv(solid.pose) @ self.grid.affine).astype(np.float32)
        axes = [np.arange(s.start, s.stop, dtype=np.float32) for s in box]
        own: Array = (
            axes[0][:, None, None, None] * matrix[:3, 0]
            + axes[1][None, :, None, None] * matrix[:3, 1]
            + axes[2][None, None, :, None] * matrix[:3, 2]
            + matrix[:3, 3]
        )
        return own


def extent(solid: Solid) -> Array:
    """LPS points of a box about a bone with 2 mm to spare, (8, 3)."""
    bone = solid.bone
    box = ndimage.find_objects((bone.distance < EDGE_MM).view(np.uint8))[0]
    low, high = (np.array([getattr(s, end) for s in box]) * FINE_MM for end in ("start", "stop"))
    corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T + bone.start_mm
    return solid.to_lps(bone.frame.to_own(corners) * solid.scale)


def draw(grid: Grid, solids: Mapping[Level, Solid], lesions: tuple[Lesion, ...]) -> Canvas:
    """Draw discs and canal, then every bone, then the lesions."""
    canvas = Canvas(grid)
    order = sorted(solids)
    for upper, lower in itertools.pairwise(order):
        _draw_disc(canvas, solids[upper], solids[lower])
    for level in order:
        if level is not Level.SACRUM:
            _draw_canal(canvas, solids[level])
    for level in order:
        _draw_bone(canvas, solids[level])
    for number, lesion in enumerate(lesions, 1):
        _draw_lesion(canvas, solids[lesion.level], lesion, number)
    return canvas


def _draw_bone(canvas: Canvas, solid: Solid) -> None:
    box = canvas.box(extent(solid))
    if box is None:
        return
    own = canvas.own(box, solid)
    if solid.fracture is None:
        depth = _near_distance(solid, own)
    else:
        depth = true_distance(solid.distance(own), canvas.grid)
    nearer = depth < canvas.depth[box]
    canvas.depth[box][nearer] = depth[nearer]
    canvas.owner[box][nearer] = solid.level.verse_id
    inside = nearer & (depth < NEAR_MM)
    canvas.part[box][inside] = solid.part(own[inside])


def _near_distance(solid: Solid, own: Array) -> NDArray[np.float32]:
    """Distance at own points (a, b, c, 3), looked up only where a coarse look says that bone is near."""
    stride = 3
    coarse = solid.distance(own[::stride, ::stride, ::stride]) < COARSE_NEAR_MM
    for axis in range(3):
        coarse = np.repeat(coarse, stride, axis=axis)
    near = coarse[tuple(slice(0, n) for n in own.shape[:3])]
    # A sample speaks for the voxels behind it as well as for those before it.
    for axis in range(3):
        shifted = np.roll(near, -(stride - 1), axis=axis)
        near = near | shifted
    depth = np.full(own.shape[:3], FAR, np.float32)
    depth[near] = solid.distance(own[near])
    return depth


def true_distance(level: NDArray[np.float32], grid: Grid) -> NDArray[np.float32]:
    """Divide a level function by its slope near its zero: squeezed bone keeps the thickness of its cortex."""
    slope = np.sqrt(sum((g / s) ** 2 for g, s in zip(np.gradient(level), grid.spacing_mm, strict=True)))
    found: NDArray[np.float32] = (level / np.clip(slope, 0.6, 4.0)).astype(np.float32)
    return found


def _draw_lesion(canvas: Canvas, solid: Solid, lesion: Lesion, number: int) -> None:
    far = np.linalg.norm(lesion.radii_mm) + 8.0
    centre = solid.to_lps(solid.forward(np.array(lesion.centre_mm)))
    box = canvas.box(centre + far * np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T)
    if box is None:
        return
    own = canvas.own(box, solid)
    mine = np.where(
        canvas.owner[box] == solid.level.verse_id, canvas.depth[box], np.maximum(canvas.depth[box], 0.0)
    )
    mine = np.maximum(mine, solid.distance(own))
    inside = lesion.distance(own, mine.astype(np.float32), solid)
    # A lesion grows into soft tissue, not into the neighbour.
    inside[(canvas.owner[box] != solid.level.verse_id) & (canvas.depth[box] < 0)] = FAR
    nearer = inside < canvas.in_lesion[box]
    canvas.in_lesion[box][nearer] = inside[nearer]
    canvas.lesion[box][nearer] = number
    canvas.kind[box][nearer] = lesion.kinds(own, solid)[nearer]


def _draw_disc(canvas: Canvas, upper: Solid, lower: Solid) -> None:
    """Fill the gap between two bodies inside the round outline of the upper one; bones are drawn over it."""
    o = upper.outline
    y0, depth = 0.5 * (o.front_y + o.wall_y), 0.5 * (o.wall_y - o.front_y)
    low = np.array([-0.5 * o.width, o.front_y, o.lower_z - 13.0])
    high = np.array([0.5 * o.width, o.wall_y, o.lower_z + 3.0])
    box = canvas.box(upper.to_lps(np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T))
    if box is None:
        return
    q = canvas.own(box, upper)
    inside = (q[..., 0] / (0.48 * o.width)) ** 2 + ((q[..., 1] - y0) / (0.95 * depth)) ** 2 < 1
    inside &= q[..., 2] < o.lower_z + 3.0
    if lower.level is not Level.SACRUM:
        inside &= canvas.own(box, lower)[..., 2] > lower.outline.upper_z - 3.0
    canvas.disc[box] |= inside


def _draw_canal(canvas: Canvas, solid: Solid) -> None:
    o = solid.outline
    reach = 0.5 * (o.upper_z - o.lower_z) + 6.0
    low = np.array([o.canal_x - 16, o.wall_y, -reach])
    high = np.array([o.canal_x + 16, o.canal_back + 2, reach])
    box = canvas.box(solid.to_lps(np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T))
    if box is None:
        return
    q = canvas.own(box, solid)
    deep = max(o.canal_back - o.canal_y, 5.0)
    tube = ((q[..., 0] - o.canal_x) / o.canal_half_width) ** 2 + ((q[..., 1] - o.canal_y) / deep) ** 2 < 1
    canvas.canal[box] |= tube & (np.abs(q[..., 2]) < reach)


def labels_of(canvas: Canvas, middle: tuple[slice, ...]) -> dict[str, NDArray[np.uint8]]:
    """Masks at the middle of every scanned voxel."""
    solid = canvas.depth[middle] < 0
    array = np.where(solid, canvas.owner[middle], 0).astype(np.uint8)
    parts = np.where(solid, canvas.part[middle], np.where(canvas.canal[middle], Part.CANAL, 0)).astype(
        np.uint8
    )
    ill = canvas.in_lesion[middle] < 0
    lesions = np.where(ill, canvas.lesion[middle], 0).astype(np.uint8)
    kinds = np.where(ill, canvas.kind[middle], 0).astype(np.uint8)
    return {"array": array, "parts": parts, "lesions": lesions, "lesion_types": kinds}
