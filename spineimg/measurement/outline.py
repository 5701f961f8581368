"""The border of a body's mask in a slab: where the search starts, and where an endplate begins and ends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.core.grid import Points
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.measurement.slab import HEIGHT_STEP_MM, Slab

HALF = 0.5
LEAST_ROWS = 8
SLIVER_ROWS = 3
"""Shorter pieces of a row (1 mm each) are rags of the mask."""


def mask_surface(slab: Slab, outward: int) -> tuple[Points, NDArray[np.bool_]]:
    """Height of the mask's surface per row, linear between samples, and which rows have one."""
    body = slab.body if outward > 0 else slab.body[:, ::-1]
    height = slab.height_mm if outward > 0 else slab.height_mm[::-1]
    inside = body >= HALF
    has = inside.any(axis=1) & ~inside[:, -1]
    last = body.shape[1] - 1 - inside[:, ::-1].argmax(axis=1)
    after = np.minimum(last + 1, body.shape[1] - 1)
    rows = np.arange(len(body))
    here, there = body[rows, last], body[rows, after]
    part = (here - HALF) / np.where(here > there, here - there, 1.0)
    surface = height[last] + outward * np.clip(part, 0.0, 1.0) * HEIGHT_STEP_MM
    return np.asarray(surface), np.asarray(has)


def line_ends(
    slab: Slab, surface: Points, has: NDArray[np.bool_], outward: int, settings: MeasurementSettings
) -> tuple[float, float]:
    """Front and back of an endplate, a little inside the body; rims beyond the waist's reach are cut off."""
    line = np.polynomial.polynomial.polyfit(slab.along_mm[has], surface[has], 1)
    plate = line[0] + line[1] * slab.along_mm
    near, deep = (
        np.array(_row_ends(slab, plate - outward * share * settings.depth_clear_mm)) for share in (1.0, 2.0)
    )
    # The wall's own line, run on to the endplate: the rounded rim is not the end of the depth.
    flare = np.clip((near - deep) * np.array([-1.0, 1.0]), 0.0, settings.osteophyte_mm) * np.array(
        [-1.0, 1.0]
    )
    ends = near + flare
    other, whole = mask_surface(slab, -outward)
    if whole.sum() > LEAST_ROWS:
        far = np.polynomial.polynomial.polyfit(slab.along_mm[whole], other[whole], 1)
        waist = _row_ends(slab, HALF * (plate + far[0] + far[1] * slab.along_mm))
        ends = np.array(
            [max(ends[0], waist[0] - settings.osteophyte_mm), min(ends[1], waist[1] + settings.osteophyte_mm)]
        )
    return float(ends[0]), float(ends[1])


def _row_ends(slab: Slab, level_mm: Points) -> tuple[float, float]:
    """First and last crossing of the body's border along a row that follows ``level_mm``.

    The hollow of a fish vertebra may part the row: all its pieces count but slivers.
    """
    column = (level_mm - slab.height_mm[0]) / HEIGHT_STEP_MM
    row = ndimage.map_coordinates(slab.body, [np.arange(len(column)), column], order=1, mode="nearest")
    inside = row >= HALF
    if not inside.any():
        return float(slab.along_mm[0]), float(slab.along_mm[-1])
    pieces, _ = ndimage.label(inside)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    where = np.flatnonzero((sizes >= min(SLIVER_ROWS, int(sizes.max())))[pieces])
    first, last = int(where[0]), int(where[-1])
    return _crossing(slab.along_mm, row, first, -1), _crossing(slab.along_mm, row, last, 1)


def _crossing(along: Points, row: Points, inside: int, towards: int) -> float:
    outside = inside + towards
    if not 0 <= outside < len(row):
        return float(along[inside])
    part = (row[inside] - HALF) / max(row[inside] - row[outside], 1e-9)
    return float(along[inside] + part * (along[outside] - along[inside]))
