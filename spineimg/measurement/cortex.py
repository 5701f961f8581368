"""Whether the cortex over a lesion is broken, structure by structure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.core.labelmap import Part
from spineimg.core.levels import Level
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.measurement.posterolateral import STRUCTURES, measurable

POSTERIOR_WALL = "posterior_wall"


def broken_cortex(
    level: Level,
    parts: NDArray[np.uint8],
    lesion: NDArray[np.bool_],
    image: NDArray[np.generic],
    face_mm2: float,
    settings: MeasurementSettings,
) -> tuple[str, ...]:
    """Names of the structures whose surface over a lesion has lost the density of cortex (CT).

    Parameters
    ----------
    level : Level
        Level of the lesion.
    parts : ndarray of uint8
        Parts of this vertebra in its box, 0 outside it, `Part.CANAL` where the canal is.
    lesion, image : ndarray
        Lesion and densities (HU) in the same box.
    face_mm2 : float
        Mean area of a voxel's face.
    settings : MeasurementSettings
        Density of cortex, smallest broken area.
    """
    bone = (parts > 0) & (parts != Part.CANAL)
    outside = ~bone
    cross = ndimage.generate_binary_structure(3, 1)
    skin = bone & ndimage.binary_dilation(outside, cross) & lesion
    if not skin.any():
        return ()
    # Face neighbours only: round a corner the whole cortex beside a hole would be seen through it.
    brightest = ndimage.maximum_filter(np.where(bone, image, -1000).astype(np.float32), footprint=cross)
    open_skin = skin & (brightest < settings.cortex_hu)
    least = settings.cortex_broken_mm2 / face_mm2
    counts = np.bincount(parts[open_skin], minlength=len(Part) + 1)
    names = [name for part, name in STRUCTURES.items() if measurable(level, part) and counts[part] >= least]
    to_canal = open_skin & (parts == Part.BODY) & ndimage.binary_dilation(parts == Part.CANAL, cross)
    if to_canal.sum() >= least:
        names.append(POSTERIOR_WALL)
    return tuple(names)
