"""What fills a bone: trabecular texture, the basivertebral vein, impaction under a broken endplate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spineimg.core.labelmap import Part
from spineimg.core.levels import Level, Region
from spineimg.phantom.column import Stand
from spineimg.phantom.look_alikes import with_look_alike
from spineimg.phantom.shapes import Coordinates, Field, cover, rod
from spineimg.phantom.spec import PhantomSpec
from spineimg.phantom.texture import noise

# Trabecular density against L1's: cervical bodies are much denser, thoracic somewhat (Yoganandan 2006,
# Bone 39:484; Wong 2005 for C-, T- and L-spine by quantitative CT).
_DENSER = {Region.CERVICAL: 1.65, Region.THORACIC: 1.2, Region.LUMBAR: 1.0, Region.SACRAL: 0.92}
BODY_SHELL_MM, ARCH_SHELL_MM = 0.65, 1.1


def trabecular_hu(level: Level, spec: PhantomSpec) -> float:
    """Mean HU of the healthy trabecular bone of a level."""
    own = float(np.random.default_rng([spec.patient.seed, 105, level.verse_id]).normal(0.0, 0.035))
    return spec.patient.density_hu * _DENSER[level.region] * (1 + own)


def marrow_hu(
    p: Coordinates, part: NDArray[np.uint8], near: NDArray[np.bool_], stand: Stand, spec: PhantomSpec
) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """HU inside the cortex, and the cortex's thickness in hundredths of mm, of the voxels ``near`` (1-D)."""
    level, seed = stand.level, spec.patient.seed * 37 + stand.level.verse_id
    q = Coordinates(p.x[near], p.y[near], p.z[near])
    in_body = part[near] == Part.BODY
    mean = np.float32(trabecular_hu(level, spec))
    # Trabeculae run mostly upright: the lattice is stretched along the axis.
    stretched = Coordinates(q.x, q.y, q.z * np.float32(0.55))
    fine, coarse = noise(stretched, seed, 0.62), noise(q, seed + 1, 2.6)
    hu: Field = mean * (1 + np.float32(0.17) * fine + np.float32(0.07) * coarse)
    if level is not Level.SACRUM:
        # Denser toward the arch, by degrees: the pedicle begins as the body ends.
        behind = np.clip((q.y - np.float32(stand.shape.size.depth / 2)) / np.float32(9.0), 0, 1)
        hu = hu * (1 + np.float32(0.3) * behind) + np.float32(90.0) * behind
    if level is not Level.SACRUM and level.region is not Region.CERVICAL:
        back = stand.shape.size.depth / 2
        vein = rod(q, ((0.0, back, 0.5), (0.0, 1.0, 0.0)), (2.0, 1.1), (2.1, 1.0, 1.0))
        hu = hu + cover(vein, 1.0) * (np.float32(40) - hu) * np.float32(0.75)
    for number, look in enumerate(spec.look_alikes):
        if look.level is level:
            inside = with_look_alike(q, hu, look, spec.patient.seed * 41 + number)
            hu = np.where(in_body, inside, hu)
    if stand.shape.fracture is not None:
        upper, lower = stand.shape.endplates(q.x, q.y)
        whole_upper, whole_lower = stand.shape.unfractured().endplates(q.x, q.y)
        lost = (whole_upper - upper) * np.exp(-np.maximum(upper - q.z, 0) / np.float32(3.5))
        lost += (lower - whole_lower) * np.exp(-np.maximum(q.z - lower, 0) / np.float32(3.5))
        hu = hu + np.where(in_body, np.clip(lost * np.float32(14.0), 0, 150), 0)
    shell = np.where(in_body, BODY_SHELL_MM * 100, ARCH_SHELL_MM * 100).astype(np.uint8)
    return np.clip(hu, -100, 1500).astype(np.int16), shell
