"""Paste the patches back to the image's own grid: vertebrae compete, borders fall below voxel size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.core.grid import Grid
from spineimg.core.labelmap import LesionType, Part
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.segmentation.borders import bone_evidence, rim_hu, weighed
from spineimg.segmentation.refine import BODY, CANAL, OTHER, Patch
from spineimg.segmentation.resample import Floats, linear
from spineimg.segmentation.vessels import drop_vessels

Bytes = NDArray[np.uint8]
Box = tuple[slice, slice, slice]
OWN_LOWEST = 0.3
"""Where neighbours agree that bone is theirs together, the stronger one needs this much to take it."""


@dataclass(frozen=True, slots=True, eq=False)
class Pasted:
    """Masks on the image's grid; vertebrae are numbered 1... in the order of the patches.

    Parameters
    ----------
    index : ndarray of uint8
        Number of the vertebra, 0 none.
    parts : ndarray of uint8
        `Part` ids: body, posterior, canal.
    lesion_types : ndarray of uint8
        `LesionType` of each lesion voxel, 0 none.
    """

    index: Bytes
    parts: Bytes
    lesion_types: Bytes


@dataclass(slots=True, eq=False)
class _Canvas:
    """Running competition on the image's grid."""

    best: Floats
    shared: Floats
    passes: Bytes
    canal: Floats
    lytic: Floats
    blastic: Floats
    index: Bytes
    body: NDArray[np.bool_]


def paste(
    patches: Sequence[Patch],
    grid: Grid,
    settings: SegmentationSettings,
    hu: NDArray[np.generic] | None = None,
) -> Pasted:
    """Let all patches compete on the image's grid.

    A voxel belongs to the vertebra with the largest probability of its own, where that is at
    least half, or where the patches together call it bone of some vertebra (own plus "other
    vertebra") though each one alone is undecided; but never where they together call it canal
    more than that vertebra is sure of it. Probabilities are interpolated, not labels,
    so borders lie where the half crosses, between voxels of the patch. On CT the image's own edge
    moves them (`borders`).

    Parameters
    ----------
    patches : sequence of Patch
        One per vertebra, head to foot (at most 255).
    grid : Grid
        The image's grid.
    settings : SegmentationSettings
        Limits of probability.
    hu : ndarray, (a, b, c), or None
        The CT on ``grid``; None (MR): the network alone draws the borders.
    """
    box = _box(patches, grid)
    cut = grid.cropped(*_corners(box))
    canvas = _canvas(cut.shape)
    image = None if hu is None else hu[box]
    for number, patch in enumerate(patches, 1):
        _add(canvas, number, _at(patch, cut, image, settings))
    passes = np.maximum(canvas.passes, 1)
    limit = settings.vertebra_probability
    canal = canvas.canal / passes
    vertebra = (canvas.best >= limit) | ((canvas.shared / passes >= limit) & (canvas.best >= OWN_LOWEST))
    vertebra &= canal <= canvas.best
    index = np.where(vertebra, canvas.index, 0).astype(np.uint8)
    if image is not None:
        drop_vessels(index, image, cut, settings)
    index = tidy(index, len(patches), settings)
    fill_bodies(index, canvas.body)
    kind = np.where(canvas.body, int(Part.BODY), int(Part.POSTERIOR))
    parts = np.where(index > 0, kind, 0).astype(np.uint8)
    parts[(index == 0) & (canal >= limit)] = int(Part.CANAL)
    types = lesion_types(canvas.lytic, canvas.blastic, settings)
    # A destroyed body stays that vertebra's: lesion voxels inside its hull were won above by `own`.
    return Pasted(_whole(index, box, grid), _whole(parts, box, grid), _whole(types, box, grid))


def lesion_types(lytic: Floats, blastic: Floats, settings: SegmentationSettings) -> Bytes:
    """`LesionType` where a probability passes its limit, 0 elsewhere; the one that passes by more has it."""
    over = np.stack([lytic - settings.lytic_probability, blastic - settings.blastic_probability])
    kinds = np.array([LesionType.LYTIC, LesionType.BLASTIC], dtype=np.uint8)
    return np.where(over.max(0) >= 0, kinds[over.argmax(0)], 0).astype(np.uint8)


def fill_bodies(index: Bytes, body: NDArray[np.bool_]) -> None:
    """Fill the hollows of each body, in place: the network may leave out what a lesion has replaced.

    A hollow is what a body encloses in a plane along two axes of the image; other vertebrae keep theirs.
    """
    for number, box in enumerate(ndimage.find_objects(index), 1):
        if box is None:
            continue
        mine = (index[box] == number) & body[box]
        hollow = enclosed(mine) & (index[box] == 0)
        index[box][hollow] = number
        body[box][hollow] = True


def enclosed(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What a mask encloses in any plane along two of its axes."""
    out = np.zeros_like(mask)
    for axis in range(3):
        flat = ndimage.generate_binary_structure(3, 1)
        flat[tuple(slice(None) if a != axis else [0, 2] for a in range(3))] = False
        rooms, count = ndimage.label(~mask, structure=flat)
        inner = np.ones(count + 1, dtype=bool)
        inner[0] = False
        for side in range(3):
            if side != axis:
                inner[rooms.take([0, -1], axis=side)] = False
        out |= inner[rooms]
    return out


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """One patch on the image's grid: where, and its fields there."""

    box: Box
    own: Floats
    other: Floats
    canal: Floats
    lytic: Floats
    blastic: Floats
    inside: NDArray[np.bool_]
    body: NDArray[np.bool_]


def _at(
    patch: Patch, cut: Grid, image: NDArray[np.generic] | None, settings: SegmentationSettings
) -> _Seen | None:
    """Interpolate a patch to the image's grid and let the image speak; None where they don't meet."""
    box = _box([patch], cut)
    start, stop = _corners(box)
    if any(b <= a for a, b in zip(start, stop, strict=True)):
        return None
    target = cut.cropped(start, stop)
    shares = (patch.own, *patch.probability[[BODY, OTHER, CANAL]], patch.lytic, patch.blastic)
    own, body, other, canal, lytic, blastic = (linear(f, patch.grid, target, 0.0) for f in shares)
    inside = linear(np.ones(patch.grid.shape, dtype=np.float32), patch.grid, target, 0.0) > 0.5
    is_body = body >= 0.5 * own
    if image is not None:
        evidence = bone_evidence(image[box], is_body, rim_hu(patch, image, cut, settings), settings)
        evidence[np.maximum(lytic, blastic) >= settings.border_lesion] = 1.0
        own, other, canal = weighed(own, other, canal, evidence)
    return _Seen(box, own, other, canal, lytic, blastic, inside, is_body)


def _add(canvas: _Canvas, number: int, seen: _Seen | None) -> None:
    """Let one patch compete."""
    if seen is None:
        return
    box = seen.box
    canvas.shared[box] += seen.own + seen.other
    canvas.canal[box] += seen.canal
    canvas.passes[box] += seen.inside
    np.maximum(canvas.lytic[box], seen.lytic, out=canvas.lytic[box])
    np.maximum(canvas.blastic[box], seen.blastic, out=canvas.blastic[box])
    wins = seen.own > canvas.best[box]
    canvas.index[box][wins] = number
    canvas.body[box][wins] = seen.body[wins]
    np.maximum(canvas.best[box], seen.own, out=canvas.best[box])


def _canvas(shape: tuple[int, int, int]) -> _Canvas:
    """Return an empty canvas."""
    fields = [np.zeros(shape, dtype=np.float32) for _ in range(5)]
    marks = [np.zeros(shape, dtype=np.uint8) for _ in range(2)]
    best, shared, canal, lytic, blastic = fields
    body = np.zeros(shape, dtype=bool)
    return _Canvas(best, shared, marks[0], canal, lytic, blastic, marks[1], body)


def _box(patches: Sequence[Patch], grid: Grid) -> Box:
    """Voxels of a grid that any patch covers."""
    corners = []
    for patch in patches:
        ends = np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in patch.grid.shape])).reshape(3, -1).T
        corners.append(grid.to_index(patch.grid.to_lps_mm(ends)))
    index = np.concatenate(corners)
    start = np.clip(np.floor(index.min(0)).astype(int), 0, grid.shape)
    stop = np.clip(np.ceil(index.max(0)).astype(int) + 1, start, grid.shape)
    return (slice(start[0], stop[0]), slice(start[1], stop[1]), slice(start[2], stop[2]))


def _corners(box: Box) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Start and stop of a box."""
    a, b, c = box
    return (int(a.start), int(b.start), int(c.start)), (int(a.stop), int(b.stop), int(c.stop))


def _whole(cut: Bytes, box: Box, grid: Grid) -> Bytes:
    """Put a cut-out back into the image's grid."""
    out = np.zeros(grid.shape, dtype=np.uint8)
    out[box] = cut
    return out


def tidy(index: Bytes, count: int, settings: SegmentationSettings) -> Bytes:
    """Drop crumbs: pieces of a vertebra below a share of its largest piece."""
    out = index.copy()
    for number, box in enumerate(ndimage.find_objects(index, count), 1):
        if box is None:
            continue
        mine = index[box] == number
        pieces, found = ndimage.label(mine, structure=np.ones((3, 3, 3)))
        if found < 2:
            continue
        sizes = np.bincount(pieces.ravel())[1:]
        small = np.flatnonzero(sizes < settings.crumb_share * sizes.max()) + 1
        out[box][np.isin(pieces, small)] = 0
    return out
