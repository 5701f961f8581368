"""The frame of one template vertebra by the rule of SINS' reference, and the outline that goes with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

if TYPE_CHECKING:
    from painted.anatomy import Bone

Array = NDArray[np.float64]
FURTHEST_MM = 45.0
ROOT_STEP_MM = 0.4


@dataclass(frozen=True, eq=False)
class Frame:
    """Origin and axes (rows: left, posterior, cranial) in the template's LPS."""

    origin: Array
    axes: Array

    @classmethod
    def identity(cls) -> Frame:
        """The template's own axes."""
        return cls(np.zeros(3), np.eye(3))

    def to_own(self, lps: Array) -> Array:
        """Template LPS to own coordinates, (..., 3)."""
        result: Array = (lps - self.origin) @ self.axes.T
        return result

    def to_lps(self, own: Array) -> Array:
        """Own coordinates to template LPS, (..., 3)."""
        result: Array = own @ self.axes + self.origin
        return result

    def matrix(self) -> Array:
        """Own coordinates to template LPS as (4, 4)."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.axes.T
        matrix[:3, 3] = self.origin
        return matrix


@dataclass(frozen=True)
class Outline:
    """Extent of body and canal in own coordinates, mm."""

    width: float
    front_y: float
    wall_y: float
    lower_z: float
    upper_z: float
    canal_x: float
    canal_y: float
    canal_half_width: float
    canal_back: float

    @classmethod
    def nothing(cls) -> Outline:
        """Before it is known."""
        return cls(*(0.0,) * 9)


def sample(bone: Bone, lps: Array) -> NDArray[np.float32]:
    """Signed distance of a bone at template LPS points (..., 3), mm."""
    from painted.anatomy import FINE_MM

    index = np.moveaxis((lps - bone.start_mm) / FINE_MM, -1, 0)
    found: NDArray[np.float32] = ndimage.map_coordinates(
        bone.distance, index, order=1, mode="nearest", output=np.float32
    )
    return found


def first_exit(values: Array, steps: Array) -> Array:
    """Where profiles (..., n) that start inside first leave (linear between samples); nan where never."""
    out = values > 0
    place = out.argmax(axis=-1)
    known = out.any(axis=-1) & (place > 0)
    at = np.maximum(place, 1)
    after = np.take_along_axis(values, at[..., None], -1)[..., 0]
    before = np.take_along_axis(values, at[..., None] - 1, -1)[..., 0]
    share = before / np.where(before == after, 1.0, before - after)
    found: Array = np.where(known, steps[at - 1] + share * (steps[at] - steps[at - 1]), np.nan)
    return found


def _rays(bone: Bone, frame: Frame, starts: Array, direction: Array) -> Array:
    """Distance along ``direction`` (own) from own points (n, 3) to the surface."""
    steps = np.arange(0.0, FURTHEST_MM, ROOT_STEP_MM)
    own = starts[:, None, :] + steps[None, :, None] * direction
    return first_exit(sample(bone, frame.to_lps(own)).astype(np.float64), steps)


def own_frame(bone: Bone, centre: Array, tangent: Array, canal: Array) -> Frame:
    """Frame by the rule: posterior towards the canal, cranial as said here.

    Caudal endplate's normal and the tangent in equal parts; the tangent alone where the endplates disagree by
    more than 15 degrees.
    """
    back = canal_centre(centre, tangent, canal) - centre
    frame = _towards(centre, tangent, back)
    normals = []
    for sign in (-1.0, 1.0):
        x, y = np.meshgrid(np.linspace(-11, 11, 9), np.linspace(-9, 9, 9))
        starts = np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], axis=1)
        far = _rays(bone, frame, starts, np.array([0.0, 0.0, sign]))
        keep = np.isfinite(far) & (far < 25.0)
        if keep.sum() < 20:
            return frame
        design = np.column_stack([starts[keep, :2], np.ones(keep.sum())])
        for _ in range(3):
            fit = np.linalg.lstsq(design, sign * far[keep], rcond=None)[0]
            off = np.abs(sign * far[keep] - design @ fit)
            good = off <= max(2.5 * float(np.median(off)), 0.5)
            kept = np.flatnonzero(keep)[good]
            keep = np.zeros_like(keep)
            keep[kept] = True
            design = design[good]
        normal = np.array([-fit[0], -fit[1], 1.0])
        normals.append(normal / np.linalg.norm(normal) @ frame.axes)
    lower, upper = normals
    if np.degrees(np.arccos(np.clip(lower @ upper, -1, 1))) > 15.0:
        return frame
    return _towards(centre, lower + tangent, back)


def _towards(origin: Array, cranial: Array, back: Array) -> Frame:
    z = cranial / np.linalg.norm(cranial)
    y = back - (back @ z) * z
    y /= np.linalg.norm(y)
    return Frame(origin, np.stack([np.cross(y, z), y, z]))


def canal_centre(centre: Array, tangent: Array, canal: Array) -> Array:
    """Middle of the canal in the slice across the column at a body's centre."""
    off = canal - centre
    near = (np.abs(off @ tangent) < 4.0) & (np.linalg.norm(off, axis=1) < 45.0)
    if not near.any():
        return centre + np.array([0.0, 25.0, 0.0])
    middle: Array = canal[near].mean(axis=0)
    return middle


def outline_of(bone: Bone, frame: Frame, canal: Array) -> Outline:
    """Extent of the body by rays from its centre, and of the canal from its points beside it."""
    ahead = _rays(bone, frame, np.zeros((1, 3)), np.array([0.0, -1.0, 0.0]))[0]
    behind = _rays(bone, frame, np.zeros((1, 3)), np.array([0.0, 1.0, 0.0]))[0]
    sides = [_rays(bone, frame, np.zeros((1, 3)), np.array([s, 0.0, 0.0]))[0] for s in (-1.0, 1.0)]
    ends = [_rays(bone, frame, np.zeros((1, 3)), np.array([0.0, 0.0, s]))[0] for s in (-1.0, 1.0)]
    own = frame.to_own(canal)
    near = own[(np.abs(own[:, 2]) < 5.0) & (np.linalg.norm(own, axis=1) < 45.0)]
    if len(near) < 5:
        near = np.array([[-9.0, 16.0, 0.0], [9.0, 30.0, 0.0]])
    x, y = near[:, 0], near[:, 1]
    # Half axes of an ellipse from its variance: half = 2 SD.
    half = float(np.clip(2.0 * x.std(), 7.0, 16.0))
    wall = float(behind) if np.isfinite(behind) else float(y.mean() - 2 * y.std())
    return Outline(
        width=float(np.nansum(sides)),
        front_y=-float(np.nan_to_num(ahead, nan=15.0)),
        wall_y=wall,
        lower_z=-float(np.nan_to_num(ends[0], nan=12.0)),
        upper_z=float(np.nan_to_num(ends[1], nan=12.0)),
        canal_x=float(x.mean()),
        canal_y=float(y.mean()),
        canal_half_width=half,
        canal_back=float(y.mean() + 2.0 * y.std()),
    )
