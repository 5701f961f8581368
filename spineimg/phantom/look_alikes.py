"""What looks like a metastasis and is none, painted into the marrow of its body."""

from __future__ import annotations

import numpy as np

from spineimg.phantom.shapes import Coordinates, Field, cover, ellipsoid
from spineimg.phantom.spec import LookAlikeSpec
from spineimg.phantom.texture import noise

FAT_HU, COLUMN_HU = -15.0, 330.0
"""A haemangioma: fat between a few coarse upright trabeculae (the polka dots of an axial slice)."""
ENOSTOSIS_HU, SCLEROSIS_HU, RIM_HU, VEIN_HU = 1100.0, 420.0, 380.0, 45.0


def with_look_alike(q: Coordinates, hu: Field, spec: LookAlikeSpec, seed: int) -> Field:
    """Marrow with one of them; coordinates in the own frame of the vertebra, arrays of one shape."""
    distance = ellipsoid(q, spec.centre_mm, spec.radii_mm)
    if spec.kind == "schmorl-node":
        # The hollow itself is cut from the bone; what is left here is its dense rim.
        share = np.exp(-np.maximum(distance, np.float32(0)) / np.float32(1.6))
        return np.asarray(hu + share * (np.float32(RIM_HU) - hu))
    if spec.kind == "haemangioma":
        upright = Coordinates(q.x, q.y, q.z * np.float32(0.08))
        columns = np.clip(noise(upright, seed, 1.1) * np.float32(2.0) - np.float32(1.2), 0, 1)
        target = np.float32(FAT_HU) + columns * np.float32(COLUMN_HU - FAT_HU)
    elif spec.kind == "enostosis":
        # Spicules run out into the marrow.
        distance = distance + np.float32(0.8) * noise(q, seed, 0.8)
        target = np.full_like(hu, ENOSTOSIS_HU)
    elif spec.kind == "endplate-sclerosis":
        distance = distance + np.float32(1.0) * noise(q, seed, 2.2)
        target = np.float32(SCLEROSIS_HU) + np.float32(40.0) * noise(q, seed + 1, 1.5)
    else:
        target = np.full_like(hu, VEIN_HU)
    return np.asarray(hu + cover(distance, 1.2) * (target - hu))
