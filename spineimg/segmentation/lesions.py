"""From lesion voxels to numbered lesions that differ from the patient's own bone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.core.grid import Grid
from spineimg.core.labelmap import LesionType, Part
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.core.volume import Volume
from spineimg.segmentation.paste import Pasted

Bytes = NDArray[np.uint8]
CORE_SHARE = 0.6
"""The core of a body lies at least this share of its largest depth below its surface."""
NEIGHBOURS = 2
"""So many vertebrae up and down are a vertebra's own surroundings."""
TOUCHING = np.ones((3, 3, 3))


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """One connected mark of one kind: its box, its voxels there, its vertebra and what it looks like.

    Parameters
    ----------
    vertebra : int
        Number of the vertebra that most of it lies in, 0 none.
    hu : float
        Mean HU.
    volume_ml : float
        Its volume.
    in_bone, in_posterior : float
        Share of it inside any vertebra, and inside posterior elements.
    """

    box: tuple[slice, ...]
    mask: NDArray[np.bool_]
    vertebra: int
    hu: float
    volume_ml: float
    in_bone: float
    in_posterior: float


def core_hu(volume: Volume, pasted: Pasted) -> dict[int, float]:
    """Median HU of the core of each body, by the number of its vertebra.

    The core alone: in old age the middle of every body is fatty, and no lesion.
    """
    medians = {}
    for number, box in enumerate(ndimage.find_objects(pasted.index), 1):
        if box is None:
            continue
        body = (pasted.index[box] == number) & (pasted.parts[box] == Part.BODY)
        depth = ndimage.distance_transform_edt(body, sampling=volume.grid.spacing_mm)
        inner = depth >= CORE_SHARE * depth.max()
        if body.any() and inner.any():
            medians[number] = float(np.median(volume.array[box][inner]))
    return medians


def own_bone_hu(cores: Mapping[int, float], vertebra: int) -> tuple[float, float] | None:
    """Lowest and highest of what counts as this patient's own spongy bone at one vertebra, HU.

    The median of all bodies, and that of the next ones up and down without the vertebra itself: spongy bone
    grows thinner from the neck to the lumbar spine, and fat of old age fills neighbours alike. None: no body.
    """
    if not cores:
        return None
    everywhere = float(np.median(list(cores.values())))
    near = [hu for n, hu in cores.items() if n != vertebra and abs(n - vertebra) <= NEIGHBOURS]
    here = float(np.median(near)) if len(near) >= NEIGHBOURS else everywhere
    return min(everywhere, here), max(everywhere, here)


def find_lesions(volume: Volume, pasted: Pasted, settings: SegmentationSettings) -> tuple[Bytes, Bytes]:
    """Number the network's lesions; what looks like healthy bone, fat or worn joints, and crumbs go.

    Returns
    -------
    tuple
        Ids 1... (largest first, at most 255) and `LesionType` of each of their voxels.
    """
    ids, types = np.zeros_like(pasted.lesion_types), np.zeros_like(pasted.lesion_types)
    boxes = ndimage.find_objects((pasted.lesion_types > 0).astype(np.uint8))
    if not boxes:
        return ids, types
    box = boxes[0]
    marked = pasted.lesion_types[box].copy()
    cores = core_hu(volume, pasted)
    for kind in LesionType:
        for piece in _pieces(marked, kind, volume, pasted, box):
            own = own_bone_hu(cores, piece.vertebra)
            if own is not None and _is_none(piece, kind, own, settings):
                marked[piece.box][piece.mask] = 0
    ids[box], types[box] = lesion_ids(marked, volume.grid, settings)
    return ids, types


def _pieces(
    marked: Bytes, kind: LesionType, volume: Volume, pasted: Pasted, box: tuple[slice, ...]
) -> Iterator[Piece]:
    """Connected marks of one kind."""
    numbers, _ = ndimage.label(marked == kind, structure=TOUCHING)
    for number, place in enumerate(ndimage.find_objects(numbers), 1):
        mask = numbers[place] == number
        index = pasted.index[box][place][mask]
        bone = index > 0
        yield Piece(
            box=place,
            mask=mask,
            vertebra=int(np.bincount(index[bone]).argmax()) if bone.any() else 0,
            hu=float(volume.array[box][place][mask].mean()),
            volume_ml=float(mask.sum()) * volume.grid.voxel_ml,
            in_bone=float(bone.mean()),
            in_posterior=float((pasted.parts[box][place][mask] == Part.POSTERIOR).mean()),
        )


def _is_none(
    piece: Piece, kind: LesionType, own: tuple[float, float], settings: SegmentationSettings
) -> bool:
    """Whether a mark is no lesion: beside the bone, fat, bone like its surroundings, or a worn joint."""
    posterior = piece.in_posterior > settings.joint_share
    if piece.in_bone < settings.lesion_in_bone_share:
        return True
    if kind is LesionType.LYTIC:
        thin = posterior and piece.volume_ml < settings.lamina_ml
        return thin or not settings.lesion_fat_hu < piece.hu <= settings.lesion_lytic_share * own[0]
    joint = posterior and piece.volume_ml < settings.joint_ml
    return joint or piece.hu < own[1] + settings.lesion_blastic_hu


def lesion_ids(types: Bytes, grid: Grid, settings: SegmentationSettings) -> tuple[Bytes, Bytes]:
    """Give ids to connected lesions of at least the smallest reported volume; smaller ones go.

    Returns
    -------
    tuple
        Ids 1... (largest first, at most 255), and the types without the dropped voxels.
    """
    pieces, found = ndimage.label(types > 0, structure=TOUCHING)
    sizes = np.bincount(pieces.ravel(), minlength=found + 1)[1:] * grid.voxel_ml
    order = [n for n in np.argsort(-sizes) if sizes[n] >= settings.lesion_min_ml][:255]
    table = np.zeros(found + 1, dtype=np.uint8)
    for number, piece in enumerate(order, 1):
        table[piece + 1] = number
    ids = table[pieces]
    return ids, np.where(ids > 0, types, 0).astype(np.uint8)
