"""Lesions looked for by density, where the labels bring none: bone unlike the patient's own healthy bone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.core.labelmap import LabelMap, LesionType
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.core.volume import Modality, Volume
from spineimg.measurement.column import Piece, pieces
from spineimg.measurement.density import Core, Healthy, core_of, healthy_bone

MOST_LESIONS = 255
PURE_SHARE = 0.05
"""Less of one kind than this is the rim of the other: partial volume."""


def find_lesions(volume: Volume, labels: LabelMap, settings: MeasurementSettings) -> LabelMap:
    """Mark what differs from the patient's own healthy trabecular bone, largest first.

    Only calibrated CT has a density to compare; on MR and uncalibrated CT the labels come back with no lesion
    looked for (``lesions`` stays None).

    Parameters
    ----------
    volume : Volume
        The image.
    labels : LabelMap
        Vertebrae with complete parts; given lesions are kept as they are.
    settings : MeasurementSettings
        Distances from the reference, smallest lesion.

    Returns
    -------
    LabelMap
        With ``lesions`` and ``lesion_types``.
    """
    if labels.lesions is not None or volume.modality is not Modality.CT or not volume.origin.calibrated:
        return labels
    column = pieces(labels, settings)
    cores = {level: core_of(volume, labels, piece, settings) for level, piece in column.items()}
    healthy = healthy_bone(cores, settings)
    found: list[tuple[float, Piece, NDArray[np.bool_], NDArray[np.uint8]]] = []
    for level, piece in column.items():
        if level not in healthy or all(m.region is not level.region for m in healthy[level].levels):
            continue  # bone of another region is denser or thinner by nature
        core = cores[level]
        kinds = _unlike(core, healthy[level], settings)
        groups, count = ndimage.label(_joined(kinds > 0, core, settings))
        for number in range(1, count + 1):
            group = groups == number
            seed_ml = float((group & (kinds > 0)).sum()) * core.grid.voxel_ml
            if seed_ml < settings.smallest_lesion_ml or not _solid(group, core, settings):
                continue
            grown = _grown(group, kinds, core, healthy[level], settings)
            fine_mask, fine_kinds = _full_size(grown, _typed(grown, kinds, core), core, piece)
            found.append((float(grown.sum()) * core.grid.voxel_ml, piece, fine_mask, fine_kinds))
    found.sort(key=lambda item: -item[0])
    lesions = np.zeros(labels.grid.shape, np.uint8)
    types = np.zeros(labels.grid.shape, np.uint8)
    for number, (_, piece, mask, kinds_here) in enumerate(found[:MOST_LESIONS], 1):
        free = mask & piece.mask
        lesions[piece.box][free] = number
        types[piece.box][free] = kinds_here[free]
    return replace(labels, lesions=lesions, lesion_types=types)


def _unlike(core: Core, healthy: Healthy, settings: MeasurementSettings) -> NDArray[np.uint8]:
    """`LesionType` of each working voxel that is unlike healthy bone, deep inside the bone only."""
    low, high = healthy.limits(core.body, settings)
    deep = core.mask & (core.depth_mm >= settings.erosion_mm)
    kinds = np.zeros(core.mask.shape, np.uint8)
    kinds[deep & (core.smooth < low)] = LesionType.LYTIC
    kinds[deep & (core.smooth > high)] = LesionType.BLASTIC
    return kinds


def _joined(seed: NDArray[np.bool_], core: Core, settings: MeasurementSettings) -> NDArray[np.bool_]:
    """Close small gaps between lytic and blastic patches of one lesion."""
    ball = _ball(settings.fill_mm, core)
    return np.asarray(ndimage.binary_closing(np.pad(seed, 3), ball)[3:-3, 3:-3, 3:-3] & core.mask)


def _ball(radius_mm: float, core: Core) -> NDArray[np.bool_]:
    reach = np.maximum(1, np.round(radius_mm / core.grid.spacing_mm)).astype(int)
    axes = [np.arange(-r, r + 1) * s for r, s in zip(reach, core.grid.spacing_mm, strict=True)]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    far = np.maximum(radius_mm, float(core.grid.spacing_mm.min()) * 1.01)
    return np.asarray(x**2 + y**2 + z**2 <= far**2)


def _solid(group: NDArray[np.bool_], core: Core, settings: MeasurementSettings) -> bool:
    """Whether a group is more than a thin sheet along a surface: partial volume makes sheets."""
    inner = ndimage.distance_transform_edt(np.pad(group, 1), sampling=core.grid.spacing_mm).max()
    return bool(inner >= settings.lesion_thickness_mm)


def _grown(
    group: NDArray[np.bool_],
    kinds: NDArray[np.uint8],
    core: Core,
    healthy: Healthy,
    settings: MeasurementSettings,
) -> NDArray[np.bool_]:
    """Give the lesion its outline: half-way between its own density and healthy bone.

    Lytic and blastic parts apart; it may grow into the shell that the search left out, no further.
    """
    reach_mm = settings.erosion_mm + settings.fill_mm
    outside = ndimage.distance_transform_edt(~group, sampling=core.grid.spacing_mm)
    near = core.mask & (outside <= reach_mm)
    middle = np.where(core.body, healthy.body, healthy.posterior)
    outline = np.zeros_like(group)
    for kind, sign in ((LesionType.LYTIC, -1.0), (LesionType.BLASTIC, 1.0)):
        seed = group & (kinds == kind)
        if not seed.any():
            continue
        contrast = sign * (core.smooth - middle)
        outline |= near & (contrast > 0.5 * float(np.median(contrast[seed])))
    joined, _ = ndimage.label(outline | (group & (kinds > 0)))
    kept = np.unique(joined[group & (kinds > 0)])
    return np.asarray(np.isin(joined, kept[kept > 0]))


def _typed(mask: NDArray[np.bool_], kinds: NDArray[np.uint8], core: Core) -> NDArray[np.uint8]:
    """Type every voxel of a lesion: its one kind, or lytic and blastic parted half-way between both."""
    lytic, blastic = (float((kinds[mask] == kind).sum()) for kind in (LesionType.LYTIC, LesionType.BLASTIC))
    typed = np.zeros_like(kinds)
    if min(lytic, blastic) < PURE_SHARE * max(lytic + blastic, 1.0):
        typed[mask] = LesionType.LYTIC if lytic >= blastic else LesionType.BLASTIC
        return typed
    low, high = np.percentile(core.image[mask], [10, 90])
    typed[mask] = np.where(core.image[mask] < 0.5 * (low + high), LesionType.LYTIC, LesionType.BLASTIC)
    return typed


def _full_size(
    mask: NDArray[np.bool_], kinds: NDArray[np.uint8], core: Core, piece: Piece
) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
    """Back to the image's own voxels."""
    shape = piece.mask.shape
    fine = []
    for array in (mask.astype(np.uint8), kinds):
        wide = array
        for axis, factor in enumerate(core.factor):
            wide = np.repeat(wide, factor, axis=axis)
        fine.append(wide[: shape[0], : shape[1], : shape[2]])
    return np.asarray(fine[0], dtype=np.bool_), np.asarray(fine[1], dtype=np.uint8)
