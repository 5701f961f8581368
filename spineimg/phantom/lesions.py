"""Lesions as solids in the frame of their vertebra, and what they do to the image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spineimg.core.labelmap import LesionType
from spineimg.phantom.shapes import Coordinates, Field, cover, ellipsoid
from spineimg.phantom.spec import LesionSpec
from spineimg.phantom.texture import noise

LYTIC_HU = 45.0
BLASTIC_HU = 620.0


@dataclass(frozen=True, slots=True, eq=False)
class LesionSolid:
    """Distance of a lesion (own frame of the vertebra), its kind per voxel, and its HU."""

    distance: Field
    kind: NDArray[np.uint8]
    hu: Field


def lesion_solid(p: Coordinates, bone: Field, spec: LesionSpec, seed: int) -> LesionSolid:
    """Deformed ellipsoid, cut by how far it may lie outside the bone (``bone``: signed distance)."""
    shape = ellipsoid(p, spec.centre_mm, spec.radii_mm)
    shape = shape + np.float32(0.09 * min(spec.radii_mm)) * noise(p, seed, 6.0)
    shape = np.maximum(shape, bone - np.float32(spec.reach_mm))
    patches = noise(p, seed + 1, 2.5)
    if spec.kind == "lytic":
        kind = np.full(shape.shape, LesionType.LYTIC, np.uint8)
        hu = np.float32(LYTIC_HU) + np.float32(6.0) * patches
    elif spec.kind == "blastic":
        kind = np.full(shape.shape, LesionType.BLASTIC, np.uint8)
        hu = np.float32(BLASTIC_HU) + np.float32(110.0) * patches
    else:
        sclerotic = patches > 0
        kind = np.where(sclerotic, LesionType.BLASTIC, LesionType.LYTIC).astype(np.uint8)
        hu = (
            np.where(sclerotic, np.float32(BLASTIC_HU - 80), np.float32(LYTIC_HU))
            + np.float32(15.0) * patches
        )
    return LesionSolid(shape, kind, np.asarray(hu, dtype=np.float32))


def lesion_cover(solid: LesionSolid, width_mm: float) -> Field:
    """Share of each voxel that the lesion fills."""
    return cover(solid.distance, width_mm)
