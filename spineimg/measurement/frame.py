"""The own frame of a vertebra: axes from its endplates.

The column and the canal, never from the image grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spineimg.core.grid import Points
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.measurement.column import unit


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Own coordinates of a vertebra, mm: left, posterior, cranial from an origin.

    Parameters
    ----------
    origin : ndarray, (3,)
        LPS mm.
    axes : ndarray, (3, 3)
        Rows: left, posterior, cranial unit vectors in LPS; right-handed.
    """

    origin: Points
    axes: Points

    def to_own_mm(self, lps_mm: Points) -> Points:
        """LPS mm to own (left, posterior, cranial) mm; shape (..., 3)."""
        return np.asarray((lps_mm - self.origin) @ self.axes.T)

    def to_lps_mm(self, own_mm: Points) -> Points:
        """Own mm to LPS mm; shape (..., 3)."""
        return np.asarray(np.asarray(own_mm) @ self.axes + self.origin)

    def moved(self, origin: Points) -> Frame:
        """The same axes at another origin."""
        return Frame(origin, self.axes)


def frame_towards(origin: Points, cranial: Points, posterior: Points) -> Frame:
    """Frame with this cranial axis; ``posterior`` (LPS direction) is made orthogonal, left completes it."""
    up = unit(cranial)
    back = unit(posterior - (posterior @ up) * up)
    return Frame(np.asarray(origin), np.vstack([np.cross(back, up), back, up]))


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """Endplate plane in a frame: height = level + slope_left * left + slope_back * posterior."""

    level: float
    slope_left: float
    slope_back: float

    def normal(self) -> Points:
        """Cranial unit normal in own coordinates."""
        return unit(np.array([-self.slope_left, -self.slope_back, 1.0]))


def endplate_planes(body_mm: Points, settings: MeasurementSettings) -> tuple[Plane, Plane] | None:
    """Planes through the upper and lower surface of a body given as own points, shape (n, 3).

    Columns of 2 mm in the inner part of the footprint; a trimmed least-squares fit leaves rims, holes and
    osteophytes out. None when the body is too small or ragged.
    """
    cell_mm, least_cells, rounds = 2.0, 12, 3
    cell = np.floor(body_mm[:, :2] / cell_mm).astype(int)
    cell -= cell.min(axis=0)
    shape = cell.max(axis=0) + 1
    flat = cell[:, 0] * shape[1] + cell[:, 1]
    top = np.full(int(shape.prod()), -np.inf)
    bottom = np.full(int(shape.prod()), np.inf)
    np.maximum.at(top, flat, body_mm[:, 2])
    np.minimum.at(bottom, flat, body_mm[:, 2])
    filled = np.flatnonzero(np.isfinite(top))
    low = np.floor(body_mm[:, :2] / cell_mm).min(axis=0)
    centre = (np.stack([filled // shape[1], filled % shape[1]], axis=1) + low + 0.5) * cell_mm
    middle = np.median(centre, axis=0)
    reach = np.percentile(np.abs(centre - middle), 97, axis=0) + 1e-6
    inner = (((centre - middle) / reach) ** 2).sum(axis=1) <= settings.endplate_footprint
    tall = top[filled] - bottom[filled]
    inner &= tall > 0.4 * np.median(tall)
    if inner.sum() < least_cells:
        return None
    return (
        _trimmed_plane(centre[inner], top[filled][inner], rounds),
        _trimmed_plane(centre[inner], bottom[filled][inner], rounds),
    )


def _trimmed_plane(at: Points, height: Points, rounds: int) -> Plane:
    design = np.column_stack([np.ones(len(at)), at])
    keep = np.ones(len(at), dtype=bool)
    solution: Points = np.zeros(3)
    for _ in range(rounds):
        solution = np.asarray(np.linalg.lstsq(design[keep], height[keep], rcond=None)[0], dtype=np.float64)
        off = np.abs(height - design @ solution)
        keep = off <= max(2.5 * float(np.median(off)), 0.5)
    return Plane(float(solution[0]), float(solution[1]), float(solution[2]))


def angle_deg(a: Points, b: Points) -> float:
    """Angle between two directions, degrees 0-180."""
    return float(np.degrees(np.arccos(np.clip(unit(a) @ unit(b), -1.0, 1.0))))


def body_frame(
    body_lps: Points, canal_lps: Points, tangent: Points, step_mm: float, settings: MeasurementSettings
) -> Frame:
    """Frame of one vertebra by the rule of sins.md.

    Parameters
    ----------
    body_lps : ndarray, (n, 3)
        Points of the body.
    canal_lps : ndarray, (3,)
        Canal's centre at this level.
    tangent : ndarray, (3,)
        Cranial tangent of the column.
    step_mm : float
        Voxel length along the tangent: a mask of thick slices tells little of an endplate's tilt.
    settings : MeasurementSettings
        Weight of the caudal endplate and the largest disagreement of both.
    """
    origin = np.asarray(body_lps.mean(axis=0))
    rough = frame_towards(origin, tangent, canal_lps - origin)
    planes = endplate_planes(rough.to_own_mm(body_lps), settings)
    if planes is None:
        return rough
    upper, lower = (plane.normal() @ rough.axes for plane in planes)
    if angle_deg(upper, lower) > settings.endplate_disagreement_deg:
        return rough
    weight = settings.endplate_weight * min(1.0, 1.0 / step_mm)
    return frame_towards(origin, weight * lower + (1.0 - weight) * rough.axes[2], canal_lps - origin)
