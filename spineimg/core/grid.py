"""Where voxels lie in the patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""Points in millimetres or voxels: shape (..., 3)."""


def sealed(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array read-only (a view is not copied)."""
    array.setflags(write=False)
    return array


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Where voxels lie: array index (a, b, c) to LPS, in millimetres.

    Parameters
    ----------
    shape : tuple of int
        Voxels along the three array axes.
    affine : ndarray, (4, 4)
        ``lps = affine @ [a, b, c, 1]``; columns need not be at right angles (a sheared stack).
    """

    shape: tuple[int, int, int]
    affine: Points

    def __post_init__(self) -> None:
        affine = np.array(self.affine, dtype=np.float64)
        if affine.shape != (4, 4) or not np.isfinite(affine).all() or abs(np.linalg.det(affine)) < 1e-9:
            raise ValueError(f"affine must be a finite, invertible 4x4 matrix, not {affine!r}")
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise ValueError(f"shape must be three positive numbers, not {self.shape!r}")
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))
        object.__setattr__(self, "affine", sealed(affine))

    @property
    def spacing_mm(self) -> Points:
        """Length of one step along each array axis, mm, shape (3,)."""
        return np.asarray(np.linalg.norm(self.affine[:3, :3], axis=0))

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel, ml."""
        return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000.0

    def to_lps_mm(self, index: Points) -> Points:
        """Array index to LPS mm; shape (..., 3) in and out."""
        return np.asarray(np.asarray(index, dtype=np.float64) @ self.affine[:3, :3].T + self.affine[:3, 3])

    def to_index(self, lps_mm: Points) -> Points:
        """LPS mm to (fractional) array index; shape (..., 3) in and out."""
        inverse = np.linalg.inv(self.affine[:3, :3])
        return np.asarray((np.asarray(lps_mm, dtype=np.float64) - self.affine[:3, 3]) @ inverse.T)

    def same_place(self, other: Grid, tolerance_mm: float = 0.1) -> bool:
        """Whether both grids have one shape and their corners agree within a tolerance."""
        if self.shape != other.shape:
            return False
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in self.shape])).reshape(3, -1).T
        gap = self.to_lps_mm(corners) - other.to_lps_mm(corners)
        return bool(np.abs(gap).max() <= tolerance_mm)

    def cropped(self, start: tuple[int, int, int], stop: tuple[int, int, int]) -> Grid:
        """Grid of ``array[start[0]:stop[0], ...]``."""
        affine = self.affine.copy()
        affine[:3, 3] = self.to_lps_mm(np.array(start, dtype=np.float64))
        return Grid((stop[0] - start[0], stop[1] - start[1], stop[2] - start[2]), affine)


def axis_aligned_grid(low_lps_mm: Points, high_lps_mm: Points, spacing_mm: float) -> Grid:
    """Isotropic grid along the LPS axes whose voxel centres start at ``low`` and reach ``high``."""
    count = np.maximum(1, np.ceil((high_lps_mm - low_lps_mm) / spacing_mm - 1e-6).astype(int) + 1)
    affine = np.diag([spacing_mm, spacing_mm, spacing_mm, 1.0])
    affine[:3, 3] = low_lps_mm
    return Grid((int(count[0]), int(count[1]), int(count[2])), affine)
