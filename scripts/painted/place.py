"""The scanner's grid about the bones of a case, and the finer one on which it is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from painted.anatomy import FINE_MM
from painted.column import rotation
from painted.frame import Array
from painted.plan import Scan
from painted.solid import Solid
from spineimg.core.grid import Grid
from spineimg.core.levels import Level

EDGE_MM = 5.0
DRAWN_MM = 1.0
"""Steps longer than this are drawn finer and averaged."""
# Array axes (columns) in LPS: two in the plane of a slice, then across the slices.
AXES = {
    "axial": np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]).T,
    "sagittal": np.array([[0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]]).T,
    "coronal": np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]).T,
}
OBLIQUE_DEG = (14.0, 9.0, 7.0)


@dataclass(frozen=True, eq=False)
class Place:
    """The scan's grid, the drawn one, and how many drawn voxels make a scanned one along each axis."""

    grid: Grid
    fine: Grid
    counts: tuple[int, int, int]


def surface(solid: Solid) -> Array:
    """Some LPS points inside a bone, (n, 3)."""
    bone = solid.bone
    index = np.argwhere(bone.distance[::3, ::3, ::3] < 0) * 3
    own = bone.frame.to_own(index * FINE_MM + bone.start_mm) * solid.scale
    return solid.to_lps(own)


def place(scan: Scan, solids: Mapping[Level, Solid]) -> Place:
    """A field of view that holds every bone of the case whole, as wide and deep as asked."""
    axes = rotation(OBLIQUE_DEG) @ AXES["axial"] if scan.orientation == "oblique" else AXES[scan.orientation]
    points = np.concatenate([surface(s) for s in solids.values()])
    bodies = np.array([s.pose[:3, 3] for s in solids.values()])
    low, high = points.min(axis=0) - EDGE_MM, points.max(axis=0) + EDGE_MM
    middle = 0.5 * (bodies.min(axis=0) + bodies.max(axis=0)) + np.array([0.0, 14.0, 0.0])
    half = 0.5 * np.array([scan.width_mm, scan.depth_mm, 0.0])
    low, high = np.minimum(low, middle - half), np.maximum(high, middle + half)
    low[2], high[2] = points[:, 2].min() - EDGE_MM, points[:, 2].max() + EDGE_MM
    corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T
    if scan.orientation == "oblique":
        corners = np.concatenate([points, middle + (corners - middle) * np.array([0.8, 0.8, 0.0])])
    along = corners @ axes
    spacing = np.array([scan.spacing_mm[0], scan.spacing_mm[0], scan.spacing_mm[1]])
    start = along.min(axis=0) - 0.5 * EDGE_MM
    shape = np.ceil((along.max(axis=0) + 0.5 * EDGE_MM - start) / spacing).astype(int)
    affine = np.eye(4)
    affine[:3, :3] = axes * spacing
    affine[:3, 3] = axes @ start
    grid = Grid((int(shape[0]), int(shape[1]), int(shape[2])), affine)
    return Place(grid, *finer(grid))


def finer(grid: Grid) -> tuple[Grid, tuple[int, int, int]]:
    """Split voxels until no step is longer than the drawn one; odd numbers keep a voxel in the middle."""
    counts = []
    for step in grid.spacing_mm:
        n = int(np.ceil(step / DRAWN_MM - 0.05))
        counts.append(n if n % 2 else n + 1)
    number = np.array(counts)
    affine = grid.affine.copy()
    affine[:3, :3] = grid.affine[:3, :3] / number
    affine[:3, 3] = grid.affine[:3, 3] - affine[:3, :3] @ ((number - 1) / 2)
    shape = np.array(grid.shape) * number
    return Grid((int(shape[0]), int(shape[1]), int(shape[2])), affine), (counts[0], counts[1], counts[2])
