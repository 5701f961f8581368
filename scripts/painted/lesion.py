"""Painted lesions: bumpy ellipsoids in a vertebra's own coordinates, carried along when it breaks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from painted.frame import Array
from painted.solid import Solid
from spineimg.core.labelmap import LesionType
from spineimg.core.levels import Level

LesionKind = Literal["lytic", "blastic", "mixed"]
FAR_MM = 20.0
BUMPS = np.array([[0.31, 0.11, -0.07], [-0.09, 0.28, 0.13], [0.05, -0.12, 0.35]])
"""Wave vectors (1/mm) of the outline's bumps and, tripled, of the patches of a mixed lesion."""


@dataclass(frozen=True)
class Lesion:
    """One lesion; centre and radii in own coordinates (left, posterior, cranial) of the intact bone, mm.

    ``reach_mm``: how far it grows out of the bone; negative: it stays so far under the surface.
    ``patch`` (mixed only): share of it that is lytic, about.
    """

    level: Level
    kind: LesionKind
    centre_mm: tuple[float, float, float]
    radii_mm: tuple[float, float, float]
    reach_mm: float = 0.0
    patch: float = 0.5
    phase: float = 0.0

    def distance(self, own: Array, bone: NDArray[np.float32], solid: Solid) -> NDArray[np.float32]:
        """About the signed distance to the lesion's surface at own points; ``bone`` is that to the bone."""
        found = np.maximum(bone - self.reach_mm, own.dtype.type(0.5)).astype(np.float32)
        reach = float(max(self.radii_mm)) * 1.5 + 6.0
        centre = solid.forward(np.array(self.centre_mm))
        near = ((own - centre.astype(own.dtype)) ** 2).sum(axis=-1) < reach**2
        q = (solid.intact(own[near]) - np.array(self.centre_mm)).astype(np.float32)
        radii = np.array(self.radii_mm, np.float32)
        size = np.sqrt(((q / radii) ** 2).sum(axis=-1))
        steep = np.sqrt(((q / radii**2) ** 2).sum(axis=-1))
        blob = size * (size - 1) / np.maximum(steep, np.float32(1e-6))
        waves = np.sin(q @ BUMPS.astype(np.float32) + np.float32(self.phase)).sum(axis=-1)
        blob = blob + np.float32(0.08 * radii.mean()) * waves
        found[near] = np.maximum(blob, bone[near] - self.reach_mm)
        far = ~near
        found[far] = np.maximum(found[far], FAR_MM)
        return found

    def kinds(self, own: Array, solid: Solid) -> NDArray[np.uint8]:
        """`LesionType` of each own point (whether inside or not)."""
        if self.kind != "mixed":
            one = LesionType.LYTIC if self.kind == "lytic" else LesionType.BLASTIC
            return np.full(own.shape[:-1], one, np.uint8)
        q = solid.intact(own) - np.array(self.centre_mm)
        wave = np.sin(q @ (1.4 * BUMPS) + 1.7 * self.phase).sum(axis=-1)
        # The sum of three sines is nearly normal with an SD of 1.22.
        limit = 2.2 * (self.patch - 0.5) * 1.22
        return np.where(wave < limit, LesionType.LYTIC, LesionType.BLASTIC).astype(np.uint8)
