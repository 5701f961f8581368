"""A fracture painted into a real CT: image and masks are warped together about one body.

The bone above and below does not move; the discs beside the body take up what it loses.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from painted.fracture import Fracture
from painted.frame import Array, Frame, Outline
from spineimg.core.grid import Grid
from spineimg.core.labelmap import LabelMap, Part
from spineimg.core.levels import Level
from spineimg.core.volume import Volume

REACH_MM = 9.0
"""Above and below the body the map fades over the disc, at most so much."""
SIDE_MM = 6.0
CORE_MM = 10.0
"""Half width of the middle of a body, where its endplates are sought."""


def paint_fracture(
    volume: Volume, labels: LabelMap, level: Level, fracture: Fracture
) -> tuple[Volume, LabelMap]:
    """Squeeze one body of a real scan.

    Parameters
    ----------
    volume : Volume
        The scan.
    labels : LabelMap
        Its masks; ``parts`` with the body where there are any, otherwise body and arch are told apart by the
        canal-side half of the mask.
    level : Level
        The body to squeeze; it and its neighbours must be in ``labels``.
    fracture : Fracture
        Kind and loss; every cranial line through the body loses exactly its share.

    Returns
    -------
    tuple of Volume and LabelMap
        On the same grid; image by cubic interpolation, masks by the nearest voxel.
    """
    frame, outline, discs = body_frame(labels, level)
    box, own = _around(volume.grid, frame, outline)
    source = frame.to_lps(_source(own, fracture, outline, discs))
    index = np.moveaxis(volume.grid.to_index(source), -1, 0)
    array = np.array(volume.array)
    warped = ndimage.map_coordinates(array.astype(np.float32), index, order=3, mode="nearest")
    array[box] = np.rint(warped) if np.issubdtype(array.dtype, np.integer) else warped
    masks: dict[str, NDArray[np.uint8]] = {}
    for name in ("array", "parts", "lesions", "lesion_types"):
        mask = getattr(labels, name)
        if mask is not None:
            masks[name] = np.array(mask)
            masks[name][box] = ndimage.map_coordinates(mask, index, order=0, mode="nearest")
    return replace(volume, array=array), replace(labels, **masks)  # type: ignore[arg-type]


def body_frame(labels: LabelMap, level: Level) -> tuple[Frame, Outline, tuple[float, float]]:
    """Frame and outline of a body from masks (LPS), and the heights of the discs above and below, mm."""
    points = {}
    for other in labels.levels():
        mask = labels.array == other.verse_id
        if labels.parts is not None and (labels.parts[mask] == Part.BODY).any():
            mask &= labels.parts == Part.BODY
        points[other] = labels.grid.to_lps_mm(np.argwhere(mask))
    order = sorted(points)
    place = order.index(level)
    above, below = (
        points[order[max(place - 1, 0)]].mean(axis=0),
        points[order[min(place + 1, len(order) - 1)]].mean(axis=0),
    )
    z = (above - below) / np.linalg.norm(above - below)
    own = points[level]
    if labels.parts is None:
        own = own[own[:, 1] < np.percentile(own[:, 1], 45)]
    y = np.array([0.0, 1.0, 0.0])
    y = y - (y @ z) * z
    y /= np.linalg.norm(y)
    frame = Frame(own.mean(axis=0), np.stack([np.cross(y, z), y, z]))
    q = frame.to_own(own)
    core = q[(np.abs(q[:, 0]) < CORE_MM) & (np.abs(q[:, 1]) < CORE_MM)]
    low, high = np.percentile(q, 1, axis=0), np.percentile(q, 99, axis=0)
    lower, upper = np.percentile(core[:, 2], [1, 99])
    outline = Outline(
        float(high[0] - low[0]), float(low[1]), float(high[1]), float(lower), float(upper),
        0.0, float(high[1] + 9.0), 10.0, float(high[1] + 18.0),
    )  # fmt: skip
    ends = [frame.to_own(points[order[k]]) for k in (place - 1, place + 1) if 0 <= k < len(order)]
    discs = [REACH_MM, REACH_MM]
    for q in ends:
        middle = q[(np.abs(q[:, 0]) < CORE_MM) & (np.abs(q[:, 1]) < CORE_MM), 2]
        if len(middle) == 0:
            continue
        above_it = middle.mean() > 0
        gap = np.percentile(middle, 1) - upper if above_it else lower - np.percentile(middle, 99)
        discs[0 if above_it else 1] = float(np.clip(gap, 1.0, REACH_MM))
    return frame, outline, (discs[0], discs[1])


def _around(grid: Grid, frame: Frame, outline: Outline) -> tuple[tuple[slice, slice, slice], Array]:
    """Box of the grid that the map touches, and the own coordinates of its voxels."""
    half = 0.5 * outline.width + SIDE_MM + 2.0
    low = np.array([-half, outline.front_y - SIDE_MM - 2.0, outline.lower_z - REACH_MM - 6.0])
    high = np.array([half, outline.wall_y + 12.0, outline.upper_z + REACH_MM + 6.0])
    corners = frame.to_lps(np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T)
    index = grid.to_index(corners)
    first = np.maximum(np.floor(index.min(axis=0)).astype(int), 0)
    last = np.minimum(np.ceil(index.max(axis=0)).astype(int) + 1, grid.shape)
    box = (slice(first[0], last[0]), slice(first[1], last[1]), slice(first[2], last[2]))
    mesh = np.stack(np.meshgrid(*[np.arange(s.start, s.stop) for s in box], indexing="ij"), axis=-1)
    return box, frame.to_own(grid.to_lps_mm(mesh))


def _source(own: Array, fracture: Fracture, outline: Outline, discs: tuple[float, float]) -> Array:
    """Where each point of the broken scan comes from: linear in the body, fading over the discs."""
    x, y, z = (own[..., k] for k in range(3))
    half = 0.5 * outline.width
    outside = np.clip((np.abs(x) - half) / SIDE_MM, 0.0, 1.0) + np.clip(
        (outline.front_y - y) / SIDE_MM, 0.0, 1.0
    )
    left = 1.0 - (1.0 - fracture.left(own, outline)) * np.clip(1.0 - outside, 0.0, 1.0)
    fixed = fracture.fixed(outline)
    top, bottom = fixed + (outline.upper_z - fixed) * left, fixed + (outline.lower_z - fixed) * left
    # Piecewise linear along each cranial line: body, then the disc stretched back to where it was.
    inside = fixed + (z - fixed) / left
    reach_up, reach_down = outline.upper_z + discs[0], outline.lower_z - discs[1]
    over = outline.upper_z + (z - top) * discs[0] / np.maximum(reach_up - top, 1e-3)
    under = outline.lower_z - (bottom - z) * discs[1] / np.maximum(bottom - reach_down, 1e-3)
    source = np.where(z > top, over, np.where(z < bottom, under, inside))
    source = np.where((z > reach_up) | (z < reach_down), z, source)
    result: Array = np.stack([x, y, source], axis=-1)
    return result
