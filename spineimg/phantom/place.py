"""Where the patient lies in the scanner, and the grid that sees the levels asked for."""

from __future__ import annotations

import numpy as np

from spineimg.core.grid import Grid, Points
from spineimg.core.levels import Level
from spineimg.phantom.column import Stand
from spineimg.phantom.spec import PhantomSpec

# Slices and pixels wider than this are computed in an odd number of thinner ones and averaged.
_WHOLE_UP_TO_MM = 1.7
# Directions of columns, rows and slices, LPS.
_AXES = {
    "axial": np.array([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]]),
    "sagittal": np.array([[0, 1.0, 0], [0, 0, -1.0], [1.0, 0, 0]]),
    "coronal": np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]]),
}


def seen_levels(spec: PhantomSpec, stands: dict[Level, Stand]) -> list[Level]:
    """The stretch asked for."""
    return [level for level in stands if spec.top <= level <= spec.bottom]


def scan_pose(spec: PhantomSpec, stands: dict[Level, Stand]) -> Points:
    """Patient frame to LPS: turned about the middle of the stretch, then shifted; (4, 4)."""
    levels = seen_levels(spec, stands)
    pivot = np.mean([stands[level].centre for level in levels], axis=0)
    a, b, c = np.radians(spec.scan.turn_deg)
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    pose = np.eye(4)
    pose[:3, :3] = about_z @ about_y @ about_x
    pose[:3, 3] = pivot - pose[:3, :3] @ pivot + np.array(spec.scan.shift_mm)
    return pose


def scan_grid(spec: PhantomSpec, stands: dict[Level, Stand], pose: Points) -> Grid:
    """Grid round the stretch; axial: columns to the left, rows to the back, slices to the head."""
    scan, levels = spec.scan, seen_levels(spec, stands)
    ends = []
    for level in levels:
        stand = stands[level]
        half = stand.shape.size.height / 2 + (20.0 if level is Level.SACRUM else 0.0)
        ends += [stand.to_patient(np.array([0.0, 0.0, half])), stand.to_patient(np.array([0.0, 0.0, -half]))]
    points = np.array(ends) @ pose[:3, :3].T + pose[:3, 3]
    low, high = points.min(axis=0), points.max(axis=0)
    axes = _AXES[scan.orientation]
    spacing = np.array(scan.spacing_mm)
    extent = np.array([scan.width_mm, scan.depth_mm, high[2] - low[2] + 2 * scan.margin_mm])
    count = np.maximum(np.round(np.abs(axes) @ extent / spacing).astype(int), 1)
    middle = (low + high) / 2
    middle[1] += 14.0 - 0.28 * max(0.0, scan.depth_mm - 180.0)
    affine = np.eye(4)
    affine[:3, :3] = axes.T * spacing
    affine[:3, 3] = middle - affine[:3, :3] @ ((count - 1) / 2)
    return Grid((int(count[0]), int(count[1]), int(count[2])), affine)


def subdivided(grid: Grid) -> tuple[Grid, tuple[int, int, int]]:
    """A finer grid whose voxels fill those of ``grid`` in odd counts, and the counts."""
    counts = []
    for spacing in grid.spacing_mm:
        counts.append(2 * int(np.ceil((float(spacing) / _WHOLE_UP_TO_MM - 1) / 2 - 1e-6)) + 1)
    n = np.array(counts)
    affine = grid.affine.copy()
    affine[:3, :3] = grid.affine[:3, :3] / n
    affine[:3, 3] = grid.to_lps_mm(-(n - 1) / (2 * n))
    shape = (grid.shape[0] * counts[0], grid.shape[1] * counts[1], grid.shape[2] * counts[2])
    return Grid(shape, affine), (counts[0], counts[1], counts[2])
