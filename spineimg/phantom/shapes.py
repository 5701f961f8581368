"""Signed distances of simple solids (negative inside, mm), and how to join them.

Arrays are float32 of one shape; distances are exact near the surface and approximate far away, which is all
that partial volume and shells need.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating[Any]]
Number = Field | np.floating[Any] | float
Vector = tuple[float, float, float]
FAR_MM = np.float32(60.0)


class Coordinates(NamedTuple):
    """Coordinates of voxels in some frame, mm; arrays that broadcast together."""

    x: Field
    y: Field
    z: Field


def union(first: Field, second: Field, blend_mm: float) -> Field:
    """Union whose seam is filled over ``blend_mm``."""
    overlap = np.maximum(np.float32(blend_mm) - np.abs(first - second), np.float32(0))
    return np.asarray(np.minimum(first, second) - overlap * overlap * np.float32(0.25 / blend_mm))


def intersection(first: Field, second: Field, blend_mm: float) -> Field:
    """Intersection whose edge is rounded over ``blend_mm``."""
    return np.asarray(-union(-first, -second, blend_mm))


def cover(distance: Field, width_mm: float) -> Field:
    """Share of a voxel of that width that lies inside, 0-1."""
    share = np.float32(0.5) - distance * np.float32(1.0 / width_mm)
    return np.asarray(np.clip(share, np.float32(0), np.float32(1)))


def ellipsoid(p: Coordinates, centre: Vector, radii: Vector) -> Field:
    """Ellipsoid along the axes of the frame."""
    x, y, z = ((q - np.float32(c)) for q, c in zip(p, centre, strict=True))
    rx, ry, rz = (np.float32(r) for r in radii)
    unit = np.sqrt((x / rx) ** 2 + (y / ry) ** 2 + (z / rz) ** 2)
    slope = np.sqrt((x / rx**2) ** 2 + (y / ry**2) ** 2 + (z / rz**2) ** 2)
    return np.asarray((unit - 1) * unit / np.maximum(slope, np.float32(1e-3)))


def rod(
    p: Coordinates, ends: tuple[Vector, Vector], radii: tuple[float, float], squash: Vector = (1.0, 1.0, 1.0)
) -> Field:
    """Round-ended rod whose radius runs from the first to the second.

    ``squash`` stretches the rod's section along the axes of the frame, so that it may be an oval plate.
    """
    (ax, ay, az), (bx, by, bz) = (tuple(c / s for c, s in zip(end, squash, strict=True)) for end in ends)
    x, y, z = (q * np.float32(1.0 / s) for q, s in zip(p, squash, strict=True))
    x, y, z = x - np.float32(ax), y - np.float32(ay), z - np.float32(az)
    ux, uy, uz = np.float32(bx - ax), np.float32(by - ay), np.float32(bz - az)
    length2 = np.float32(max(float(ux * ux + uy * uy + uz * uz), 1e-6))
    along = np.clip((x * ux + y * uy + z * uz) / length2, np.float32(0), np.float32(1))
    x, y, z = x - along * ux, y - along * uy, z - along * uz
    away = np.sqrt(x * x + y * y + z * z)
    radius = np.float32(radii[0]) + along * np.float32(radii[1] - radii[0])
    if squash == (1.0, 1.0, 1.0):
        return np.asarray(away - radius)
    sx, sy, sz = (np.float32(1.0 / s) for s in squash)
    slope = np.sqrt((x * sx) ** 2 + (y * sy) ** 2 + (z * sz) ** 2)
    floor = np.float32(min(1.0 / s for s in squash))
    slope = np.maximum(slope / np.maximum(away, np.float32(1e-3)), floor)
    return np.asarray((away - radius) / slope)


def oval(x: Field, y: Field, half_x: Number, half_y: Number, power: float = 2.0) -> Field:
    """Superellipse in the plane about the origin."""
    if power == 2.0:
        unit = np.sqrt((x / half_x) ** 2 + (y / half_y) ** 2)
    else:
        unit = (
            np.abs(x / half_x) ** np.float32(power) + np.abs(y / half_y) ** np.float32(power)
        ) ** np.float32(1.0 / power)
    unit = np.maximum(unit, np.float32(1e-3))
    return np.asarray(((unit - 1) / unit * np.sqrt(x * x + y * y)).astype(np.float32))
