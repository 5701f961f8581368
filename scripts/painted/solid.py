"""A bone that was moved and broken by a known map: what is drawn, and what the truth is read from."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from painted.anatomy import FINE_MM, Bone
from painted.fracture import Fracture
from painted.frame import Array, Outline, first_exit
from spineimg.core.levels import Level

SITES = {"anterior": 0.1, "middle": 0.5, "posterior": 0.9}
RAY_MM = 0.2
SLAB_SHARE = 0.2
"""Width of the mid-sagittal slab, share of the body's width (the reference's rule)."""
CLEAR_MM = 3.0
WIDEST = 1.5
"""A body is at most so many times wider than deep; the ray may have run into a transverse process."""


def _row(x: Array, y: float, z: float) -> Array:
    """Points (n, 3) side by side."""
    return np.stack([x, np.full(len(x), y), np.full(len(x), z)], axis=1)


@dataclass(frozen=True, eq=False)
class Solid:
    """A template's bone in own coordinates (left, posterior, cranial; mm), scaled, wrinkled, broken.

    ``scale`` multiplies the own axes, ``wrinkle`` (3, 3) holds the amplitudes of a smooth field; both change
    the intact bone. ``fracture`` then squeezes the body along its cranial axis.
    """

    bone: Bone
    pose: Array
    """Own coordinates to LPS, (4, 4), rigid."""
    scale: Array = field(default_factory=lambda: np.ones(3))
    wrinkle: Array = field(default_factory=lambda: np.zeros((3, 3)))
    fracture: Fracture | None = None

    @property
    def level(self) -> Level:
        """Its level."""
        return self.bone.level

    @property
    def outline(self) -> Outline:
        """Extent of the intact body in own coordinates."""
        o, (x, y, z) = self.bone.outline, self.scale
        return Outline(
            min(o.width * x, WIDEST * (o.wall_y - o.front_y) * y),
            o.front_y * y, o.wall_y * y, o.lower_z * z, o.upper_z * z,
            o.canal_x * x, o.canal_y * y, o.canal_half_width * x, o.canal_back * y,
        )  # fmt: skip

    def intact(self, own: Array) -> Array:
        """Own coordinates of the broken bone to those of the intact one (..., 3)."""
        return own if self.fracture is None else self.fracture.undo(own, self.outline)

    def _index(self, own: Array, step_mm: Array | float) -> Array:
        """Index into an array of the template of a step, from own coordinates (..., 3); shape (3, ...)."""
        q = self.intact(own)
        # A smooth field of some 45 mm wavelength, at most a few tenths of a millimetre.
        phase, size = (row.astype(q.dtype) for row in self.wrinkle[:2])
        x, y, z = (q[..., k] for k in range(3))
        bent = (
            x + size[0] * np.sin(q.dtype.type(0.14) * z + phase[0]),
            y + size[1] * np.sin(q.dtype.type(0.13) * x + phase[1]),
            z + size[2] * np.sin(q.dtype.type(0.15) * y + phase[2]),
        )
        bone = self.bone
        matrix = ((bone.frame.axes / self.scale[:, None]) / step_mm).astype(q.dtype)
        start = ((bone.frame.origin - bone.start_mm) / step_mm).astype(q.dtype)
        index = np.empty((3, *q.shape[:-1]), q.dtype)
        for k in range(3):
            index[k] = bent[0] * matrix[0, k] + bent[1] * matrix[1, k] + bent[2] * matrix[2, k] + start[k]
        return index

    def distance(self, own: Array) -> NDArray[np.float32]:
        """About the signed distance to the surface at own points (..., 3), mm; exact at 0."""
        index = self._index(own, FINE_MM)
        found: NDArray[np.float32] = ndimage.map_coordinates(
            self.bone.distance, index, order=1, mode="nearest", output=np.float32
        )
        return found

    def part(self, own: Array) -> NDArray[np.uint8]:
        """`Part` of the bone that is nearest to own points (..., 3)."""
        index = np.rint(self._index(own, self.bone.parts_step_mm)).astype(np.intp)
        limit = np.array(self.bone.parts.shape).reshape(3, *([1] * (index.ndim - 1))) - 1
        index = np.clip(index, 0, limit)
        found: NDArray[np.uint8] = self.bone.parts[index[0], index[1], index[2]]
        return found

    def rays(self, starts: Array, direction: Array, reach: float = 45.0) -> Array:
        """Way from own points (n, 3) along a direction until the surface, mm; nan where there is none."""
        steps = np.arange(0.0, reach, RAY_MM)
        values = self.distance(starts[:, None, :] + steps[None, :, None] * direction)
        return first_exit(values.astype(np.float64), steps)

    @functools.cached_property
    def _points(self) -> dict[int, dict[str, Array]]:
        """Endplate points of the intact bone: 1 upper, -1 lower."""
        return {which: self._intact_endplate(which) for which in (1, -1)}

    def _intact_endplate(self, which: int) -> dict[str, Array]:
        """Mean over the mid-sagittal slab, at 10, 50 and 90 % of the depth 3 mm inside the endplate."""
        whole = replace(self, fracture=None)
        o = self.outline
        x = np.linspace(-0.5, 0.5, 5) * SLAB_SHARE * o.width
        up = np.array([0.0, 0.0, float(which)])
        y0, z0 = 0.5 * (o.front_y + o.wall_y), 0.5 * (o.lower_z + o.upper_z)
        top = float(np.nanmean(whole.rays(_row(x, y0, z0), up)))
        inside = z0 + which * max(top - CLEAR_MM, 0.5 * top)
        at = _row(x, y0, inside)
        front = y0 - float(np.nanmedian(whole.rays(at, np.array([0.0, -1.0, 0.0]))))
        back = y0 + float(np.nanmedian(whole.rays(at, np.array([0.0, 1.0, 0.0]))))
        points = {}
        for site, share in SITES.items():
            y = front + share * (back - front)
            # A waist or a tilted endplate may leave one of these starts outside the bone.
            for z in (inside, 0.5 * (inside + z0), z0):
                start = _row(x, y, z)
                if (whole.distance(start) < -0.3).all():
                    far = whole.rays(start, up)
                    points[site] = np.array([0.0, y, z + which * float(np.mean(far))])
                    break
            else:
                points[site] = np.full(3, np.nan)
        return points

    def forward(self, own: Array) -> Array:
        """Own coordinates of the intact bone to those of the broken one."""
        return own if self.fracture is None else self.fracture.apply(own, self.outline)

    def endplate(self, which: int) -> dict[str, Array]:
        """Own points of an endplate (1 upper, -1 lower) at the three sites, moved as the bone was."""
        return {site: self.forward(point) for site, point in self._points[which].items()}

    def heights(self) -> dict[str, float]:
        """The three heights, mm; nan where the bone has none."""
        upper, lower = self.endplate(1), self.endplate(-1)
        return {site: float(np.linalg.norm(upper[site] - lower[site])) for site in SITES}

    @functools.cached_property
    def _sides(self) -> dict[int, tuple[Array, Array]]:
        """Intact own points of each endplate at 10 and 90 % of its width, half-way back."""
        whole, o = replace(self, fracture=None), self.outline
        z0 = 0.5 * (o.lower_z + o.upper_z)
        found = {}
        for which, points in self._points.items():
            y0 = 0.5 * (points["anterior"][1] + points["posterior"][1])
            ends = []
            for share in (-0.4, 0.4):
                start = _row(share * o.width + np.linspace(-1.5, 1.5, 5), y0, z0)
                far = whole.rays(start, np.array([0.0, 0.0, float(which)]))
                ends.append(np.array([share * o.width, y0, z0 + which * float(np.median(far))]))
            found[which] = (ends[0], ends[1])
        return found

    def normal(self, which: int) -> Array:
        """Cranial unit normal of an endplate (own): chords from 10 to 90 % of its depth and of its width."""
        points = self.endplate(which)
        right, left = (self.forward(point) for point in self._sides[which])
        normal = np.cross(left - right, points["posterior"] - points["anterior"])
        result: Array = normal / np.linalg.norm(normal)
        return result if result[2] > 0 else -result

    def corner(self, which: int) -> Array:
        """Posterior corner (own) in the midline: the wall at 12-38 % of the height run on to the endplate."""
        upper, lower = self._points[1]["posterior"], self._points[-1]["posterior"]
        end, height = (upper if which > 0 else lower), float(upper[2] - lower[2])
        x = np.linspace(-0.5, 0.5, 3) * SLAB_SHARE * self.outline.width
        z = end[2] - which * np.linspace(0.12, 0.38, 7) * height
        y0 = end[1] - 3.0
        whole = replace(self, fracture=None)
        wall = np.array([y0 + np.median(whole.rays(_row(x, y0, h), np.array([0.0, 1.0, 0.0]))) for h in z])
        fit = np.polynomial.polynomial.polyfit(z, wall, 1)
        return self.forward(np.array([0.0, float(fit[0] + fit[1] * z[0]), float(end[2])]))

    def to_lps(self, own: Array) -> Array:
        """Own coordinates to LPS (..., 3)."""
        result: Array = own @ self.pose[:3, :3].T + self.pose[:3, 3]
        return result
