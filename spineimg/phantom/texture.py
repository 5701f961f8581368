"""Random fields that belong to the patient: the same place has the same texture on every grid."""

from __future__ import annotations

import functools

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from spineimg.phantom.shapes import Coordinates, Field

_SIZE = 64


@functools.lru_cache(maxsize=8)
def _lattice(seed: int) -> Field:
    rng = np.random.default_rng([seed, 104])
    field = gaussian_filter(rng.standard_normal((_SIZE,) * 3).astype(np.float32), 1.0, mode="wrap")
    field = np.asarray(field / field.std(), dtype=np.float32)
    field.setflags(write=False)
    return field


def noise(p: Coordinates, seed: int, scale_mm: float) -> Field:
    """Smooth random field, mean 0, deviation 1; ``scale_mm`` is the lattice step (features are 2-3 steps)."""
    x, y, z = np.broadcast_arrays(*p)
    points = np.stack([x, y, z]) * np.float32(1.0 / scale_mm)
    return np.asarray(map_coordinates(_lattice(seed), points, order=1, mode="grid-wrap", output=np.float32))
