"""From lesion voxels to numbered lesions that differ from the patient's own bone."""

from __future__ import annotations

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


def own_bone_hu(volume: Volume, pasted: Pasted) -> float | None:
    """HU of the patient's own spongy bone: median over the bodies of each core's median, None without body.

    The core alone: in old age the middle of every body is fatty, and no lesion.

    Parameters
    ----------
    volume : Volume
        CT in HU.
    pasted : Pasted
        Vertebrae on the image's grid.
    """
    medians = []
    boxes = ndimage.find_objects(pasted.index)
    for number, box in enumerate(boxes, 1):
        if box is None:
            continue
        body = (pasted.index[box] == number) & (pasted.parts[box] == Part.BODY)
        depth = ndimage.distance_transform_edt(body, sampling=volume.grid.spacing_mm)
        inner = depth >= CORE_SHARE * depth.max()
        if inner.any():
            medians.append(float(np.median(volume.array[box][inner])))
    return float(np.median(medians)) if medians else None


def find_lesions(volume: Volume, pasted: Pasted, settings: SegmentationSettings) -> tuple[Bytes, Bytes]:
    """Number the network's lesions; what is too small or no different from the patient's own bone goes.

    Returns
    -------
    tuple
        Ids 1... (largest first, at most 255) and `LesionType` of each of their voxels.
    """
    types = pasted.lesion_types.copy()
    own = own_bone_hu(volume, pasted)
    if own is not None:
        for kind in LesionType:
            drop_alike(types, kind, volume, own, settings)
    drop_dense_joints(types, pasted, volume.grid, settings)
    return lesion_ids(types, volume.grid, settings)


def drop_alike(
    types: Bytes, kind: LesionType, volume: Volume, own: float, settings: SegmentationSettings
) -> None:
    """Clear pieces of one kind (in place) whose mean HU is that of the patient's own bone."""
    pieces, found = ndimage.label(types == kind, structure=np.ones((3, 3, 3)))
    if not found:
        return
    means = np.asarray(ndimage.mean(volume.array, pieces, np.arange(1, found + 1)))
    if kind is LesionType.LYTIC:
        alike = means > settings.lesion_lytic_share * own
    else:
        alike = means < own + settings.lesion_blastic_hu
    types[np.concatenate([[False], alike])[pieces]] = 0


def drop_dense_joints(types: Bytes, pasted: Pasted, grid: Grid, settings: SegmentationSettings) -> None:
    """Clear small blastic pieces (in place) mostly in posterior elements: worn joints are dense too."""
    pieces, found = ndimage.label(types == LesionType.BLASTIC, structure=np.ones((3, 3, 3)))
    if not found:
        return
    number = np.arange(1, found + 1)
    share = np.asarray(ndimage.mean(pasted.parts == Part.POSTERIOR, pieces, number))
    volume_ml = np.bincount(pieces.ravel())[1:] * grid.voxel_ml
    joint = (share > settings.joint_share) & (volume_ml < settings.joint_ml)
    types[np.concatenate([[False], joint])[pieces]] = 0


def lesion_ids(types: Bytes, grid: Grid, settings: SegmentationSettings) -> tuple[Bytes, Bytes]:
    """Give ids to connected lesions of at least the smallest reported volume; smaller ones go.

    Returns
    -------
    tuple
        Ids 1... (largest first, at most 255), and the types without the dropped voxels.
    """
    pieces, found = ndimage.label(types > 0, structure=np.ones((3, 3, 3)))
    sizes = np.bincount(pieces.ravel(), minlength=found + 1)[1:] * grid.voxel_ml
    order = [n for n in np.argsort(-sizes) if sizes[n] >= settings.lesion_min_ml][:255]
    table = np.zeros(found + 1, dtype=np.uint8)
    for number, piece in enumerate(order, 1):
        table[piece + 1] = number
    ids = table[pieces]
    return ids, np.where(ids > 0, types, 0).astype(np.uint8)
