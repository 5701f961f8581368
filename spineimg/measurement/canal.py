"""The spinal canal: the hole of each vertebra's ring, joined to a centre-line through the column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import PchipInterpolator

from spineimg.core.grid import Points
from spineimg.core.levels import Level
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.measurement.frame import Frame, frame_towards

PIXEL_MM = 1.0
POSTERIOR_LPS = np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True, slots=True, eq=False)
class Foramen:
    """Where a vertebra's ring lets the canal through.

    Parameters
    ----------
    frame : Frame
        Rough frame: cranial along the column, posterior from the body, origin at the canal's centre.
    half_width_mm, half_depth_mm : float
        Half axes of the ellipse with the hole's moments.
    closed : bool
        False where no ring closes and the centre was only derived.
    """

    frame: Frame
    half_width_mm: float
    half_depth_mm: float
    closed: bool


def find_foramen(points: Points, tangent: Points, settings: MeasurementSettings) -> Foramen | None:
    """Hole of the ring seen along the column; None where the projection encloses none.

    Parameters
    ----------
    points : ndarray, (n, 3)
        Dense LPS points of one vertebra.
    tangent : ndarray, (3,)
        Cranial tangent of the column there.
    settings : MeasurementSettings
        Smallest hole, widest hole, largest closing.
    """
    frame = frame_towards(np.asarray(points.mean(axis=0)), tangent, POSTERIOR_LPS)
    own = frame.to_own_mm(points)
    pixel = np.floor(own[:, :2] / PIXEL_MM).astype(int)
    pad = int(settings.canal_closing_mm / PIXEL_MM) + 2
    low = pixel.min(axis=0) - pad
    seen = np.zeros(tuple(pixel.max(axis=0) - low + 1 + pad), dtype=bool)
    seen[tuple((pixel - low).T)] = True
    hole = _hole(seen, settings)
    if hole is None:
        return None
    at = (np.argwhere(hole) + low + 0.5) * PIXEL_MM
    centre_own = np.array([*at.mean(axis=0), 0.0])
    posterior = POSTERIOR_LPS
    for _ in range(3):
        turned = frame_towards(frame.to_lps_mm(centre_own), tangent, posterior)
        hole_uv = turned.to_own_mm(frame.to_lps_mm(np.column_stack([at, np.zeros(len(at))])))[:, :2]
        width, depth = 2.0 * hole_uv.std(axis=0)
        around = turned.to_own_mm(points)
        ahead = (around[:, 1] < -depth) & (np.abs(around[:, 0]) < settings.canal_widest_mm)
        if not ahead.any():
            return None
        posterior = -np.asarray(around[ahead].mean(axis=0) @ turned.axes)
    turned = frame_towards(turned.origin, tangent, posterior)
    return Foramen(turned, float(width), float(depth), closed=True)


def _hole(seen: NDArray[np.bool_], settings: MeasurementSettings) -> NDArray[np.bool_] | None:
    radius = 0
    while radius * PIXEL_MM <= settings.canal_closing_mm:
        ring = seen if radius == 0 else ndimage.binary_closing(seen, iterations=radius)
        holes, count = ndimage.label(ndimage.binary_fill_holes(ring) & ~ring)
        if count:
            areas = np.bincount(holes.ravel())[1:] * PIXEL_MM**2
            best = int(areas.argmax())
            box = ndimage.find_objects(holes)[best]
            narrow = max(s.stop - s.start for s in box) * PIXEL_MM <= settings.canal_widest_mm
            if areas[best] >= settings.canal_smallest_mm2 and narrow:
                return np.asarray(holes == best + 1)
        radius += 1
    return None


def derived_foramen(
    points: Points, tangent: Points, like: Foramen | None, settings: MeasurementSettings
) -> Foramen:
    """Where no ring closes: behind the bone's middle part, sized as the nearest closed one.

    A vertebra with posterior elements gets the neighbour's distance from its centroid; a body alone gets its
    own back plus half the canal's depth.
    """
    width = like.half_width_mm if like else settings.canal_default_half_width_mm
    depth = like.half_depth_mm if like else settings.canal_default_half_depth_mm
    posterior = like.frame.axes[1] if like else POSTERIOR_LPS
    frame = frame_towards(np.asarray(points.mean(axis=0)), tangent, posterior)
    own = frame.to_own_mm(points)
    middle = own[np.abs(own[:, 0]) <= settings.wall_slab_share * width]
    spread = own if len(middle) == 0 else middle
    back = float(np.percentile(spread[:, 1], 98))
    reach = float(np.percentile(own[:, 1], 99) - np.percentile(own[:, 1], 1))
    deep = reach > settings.canal_widest_mm + 2.0 * depth
    offset = 0.0 if deep else back + depth
    return Foramen(frame.moved(frame.to_lps_mm(np.array([0.0, offset, 0.0]))), width, depth, closed=False)


@dataclass(frozen=True, slots=True, eq=False)
class CentreLine:
    """The canal's middle and half axes along the whole column, head to foot, sampled densely.

    Parameters
    ----------
    lps_mm : ndarray, (n, 3)
        Points of the line.
    half_axes_mm : ndarray, (n, 2)
        Half width and half depth there.
    """

    lps_mm: Points
    half_axes_mm: Points

    def nearest(self, lps_mm: Points) -> tuple[Points, Points]:
        """Point of the line and half axes nearest to one LPS point."""
        at = int(((self.lps_mm - lps_mm) ** 2).sum(axis=1).argmin())
        return self.lps_mm[at], self.half_axes_mm[at]


def centre_line(foramina: Mapping[Level, Foramen], step_mm: float, reach_mm: float) -> CentreLine:
    """Join the foramina, head to foot, by a monotone curve; both ends run on along their tangent."""
    order = [foramina[level] for level in sorted(foramina)]
    centres = np.array([f.frame.origin for f in order])
    axes = np.array([[f.half_width_mm, f.half_depth_mm] for f in order])
    head = centres[0] + reach_mm * order[0].frame.axes[2]
    foot = centres[-1] - reach_mm * order[-1].frame.axes[2]
    knots = np.vstack([head, centres, foot])
    sizes = np.vstack([axes[:1], axes, axes[-1:]])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(knots, axis=0), axis=1))])
    at = np.arange(0.0, along[-1], step_mm)
    curve = PchipInterpolator(along, np.hstack([knots, sizes]))(at)
    return CentreLine(curve[:, :3], curve[:, 3:])
