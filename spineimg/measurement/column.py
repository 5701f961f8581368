"""The column of vertebrae as points in the patient: boxes, dense points and the tangent of their curve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.core.grid import Grid, Points
from spineimg.core.labelmap import LabelMap, Part
from spineimg.core.levels import Level
from spineimg.core.settings.measurement import MeasurementSettings

SEGMENTS_BELOW_S1 = (Level.S2, Level.S3, Level.S4, Level.S5)
Box = tuple[slice, slice, slice]


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """The mask of one vertebra in its bounding box.

    Parameters
    ----------
    level : Level
        Its level.
    box : tuple of slice
        Where the piece lies in the whole array.
    mask : ndarray of bool
        Voxels of the vertebra inside the box.
    grid : Grid
        Grid of the box.
    complete : bool
        False where the mask reaches the edge of the field of view.
    body_whole : bool
        Whether the body at least lies inside: then its heights and its place in the column are known, and the
        tip of a process that is cut takes nothing from them.
    """

    level: Level
    box: Box
    mask: NDArray[np.bool_]
    grid: Grid
    complete: bool
    body_whole: bool

    def dense_points(self, mask: NDArray[np.bool_], step_mm: float) -> Points:
        """LPS points of a mask of the box, voxels subdivided until steps are below ``step_mm``.

        Shape (n, 3).
        """
        index = np.argwhere(mask).astype(np.float64)
        repeats = np.maximum(1, np.ceil(self.grid.spacing_mm / step_mm - 0.05).astype(int))
        offsets = np.stack(
            np.meshgrid(*[(np.arange(n) + 0.5) / n - 0.5 for n in repeats], indexing="ij"), axis=-1
        ).reshape(-1, 3)
        return self.grid.to_lps_mm((index[:, None, :] + offsets[None]).reshape(-1, 3))


def pieces(labels: LabelMap, settings: MeasurementSettings) -> dict[Level, Piece]:
    """Boxes of all vertebrae and the sacrum, head to foot; fragments are left out."""
    found: dict[Level, Piece] = {}
    divided = bool(np.isin(labels.array[::4, ::4, ::4], [m.verse_id for m in SEGMENTS_BELOW_S1]).any())
    shape = labels.grid.shape
    edge = settings.border_voxels
    for number, box in enumerate(ndimage.find_objects(labels.array), 1):
        if box is None:
            continue
        level = Level.from_verse_id(number)
        if level is Level.SACRUM and divided:
            level = Level.S1
        mask = labels.array[box] == number
        volume_ml = float(mask.sum()) * labels.grid.voxel_ml
        if volume_ml < settings.smallest_vertebra_ml or level is Level.COCCYX:
            continue
        whole = all(s.start >= edge and s.stop <= n - edge for s, n in zip(box, shape, strict=True))
        start, stop = (tuple(int(getattr(s, end)) for s in box) for end in ("start", "stop"))
        grid = labels.grid.cropped(start, stop)  # type: ignore[arg-type]
        where = (box[0], box[1], box[2])
        body_whole = whole or _body_inside(mask, where, labels, edge)
        found[level] = Piece(level, where, mask, grid, whole, body_whole)
    return dict(sorted(found.items()))


def _body_inside(mask: NDArray[np.bool_], box: Box, labels: LabelMap, edge: int) -> bool:
    """Whether the body of a cut vertebra lies inside the image; False where the parts are not known."""
    if labels.parts is None:
        return False
    body = mask & (labels.parts[box] == Part.BODY)
    inner = tuple(
        slice(max(edge - s.start, 0), min(n - edge, s.stop) - s.start)
        for s, n in zip(box, labels.grid.shape, strict=True)
    )
    return bool(body.any()) and int(body[inner].sum()) == int(body.sum())


def tangents(centres: Mapping[Level, Points]) -> dict[Level, Points]:
    """Cranial unit tangent of the column at each level, from its neighbours' centres (LPS mm).

    Central differences; the outermost get their only step, a single vertebra the patient's long axis.
    """
    levels = sorted(centres)
    if len(levels) == 1:
        return {levels[0]: np.array([0.0, 0.0, 1.0])}
    points = np.array([centres[level] for level in levels])
    steps = points[:-1] - points[1:]
    lengths = np.linalg.norm(steps, axis=1, keepdims=True)
    steps /= lengths
    # On a circle each step leans by half its arc: weights of the opposite lengths cancel that.
    middle = steps[:-1] * lengths[1:] + steps[1:] * lengths[:-1]
    raw = np.vstack([steps[:1], middle, steps[-1:]])
    return {level: unit(t) for level, t in zip(levels, raw, strict=True)}


def unit(vector: Points) -> Points:
    """Return the vector at length 1."""
    return np.asarray(vector / np.linalg.norm(vector))
