"""A bone of the column evaluated only where it matters: in it and close around it.

Distances are costly and most of a bone's box lies far from it. A look at every third voxel tells where.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spineimg.core.labelmap import Part
from spineimg.core.levels import Level
from spineimg.phantom.column import Stand
from spineimg.phantom.shapes import FAR_MM, Coordinates
from spineimg.phantom.skeleton import sacrum
from spineimg.phantom.vertebra import Solid, vertebra

_EVERY = 3
_MARGIN_MM = 2.5
"""As far as anything asks for the distance: cortex, partial volume and joint space."""
_SLACK = 1.5
"""Distances are approximate away from the surface: the coarse look is this much more generous."""


def bone_near(p: Coordinates, stand: Stand, reach_mm: float = 0.0) -> Solid:
    """The bone of one level on full arrays of coordinates in its own frame.

    Exact inside and up to ``reach_mm`` and the width of a joint outside; `FAR_MM` and part "body" beyond.
    """
    coarse = Coordinates(*(q[1::_EVERY, 1::_EVERY, 1::_EVERY] for q in p))
    if min(coarse.x.shape) < 2:
        return _bone(p, stand)
    steps = [[float(np.take(q, 1, a).flat[0] - q.flat[0]) for a in range(3)] for q in coarse]
    half = float(np.linalg.norm(np.abs(steps).sum(axis=1))) / 2
    close = _bone(coarse, stand).distance < _MARGIN_MM + reach_mm + _SLACK * half
    near = _spread(close, p.x.shape)
    found = _bone(Coordinates(*(q[near] for q in p)), stand)
    distance = np.full(p.x.shape, FAR_MM, np.float32)
    distance[near] = found.distance
    part = np.full(p.x.shape, Part.BODY, np.uint8)
    part[near] = found.part
    if found.fused is None:
        return Solid(distance, part)
    fused = np.full(p.x.shape, FAR_MM, np.float32)
    fused[near] = found.fused
    return Solid(distance, part, fused)


def _bone(p: Coordinates, stand: Stand) -> Solid:
    if stand.level is not Level.SACRUM:
        return vertebra(p, stand.level, stand.shape)
    body = p.y < np.float32(stand.shape.size.depth / 2 - 1) + p.z * np.float32(0.13)
    return Solid(sacrum(p, stand), np.where(body, np.uint8(Part.BODY), np.uint8(Part.LAMINA)))


def _spread(close: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The coarse mask over the blocks of voxels that its samples stand for."""
    for axis, count in enumerate(shape):
        place = np.minimum(np.arange(count) // _EVERY, close.shape[axis] - 1)
        close = np.take(close, place, axis)
    return close
