"""What the networks see: scaling of Hounsfield units and the guide channel.

Training and inference share these functions, so that they cannot drift apart.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

OUTSIDE_HU = -1024.0
"""Value of voxels outside the field of view, on input and in training."""

LOCATE_SPACING_MM = 3.0
LOCATE_PATCH = (64, 64, 96)
REFINE_SPACING_MM = 1.5
REFINE_PATCH = (64, 64, 48)
REFINE_BACKWARD_MM = 15.0
"""The refine patch is centred this far behind (toward +y of) the body centre."""

GUIDE_SIGMA_MM = 6.0
OFFSET_UNIT_MM = 10.0
LEVEL_UNIT = 26.0

LOCATE_CLASSES = (
    "background",
    "body",
    "posterior",
    "disc",
    "sacrum",
    "rib",
    "other_bone",
    "canal",
)
LOCATE_FIELDS = (
    "offset_x",
    "offset_y",
    "offset_z",
    "cervical",
    "thoracic",
    "lumbar",
    "sacral",
    "level",
)
REFINE_CLASSES = ("background", "body", "posterior", "other_vertebra", "canal")
REFINE_LESIONS = ("lytic", "blastic")

Floats = NDArray[np.float32]


def hu_channels(hu: NDArray[np.floating]) -> Floats:
    """Scale Hounsfield units to the two image channels.

    Parameters
    ----------
    hu
        (a, b, c) Hounsfield units; outside the field of view `OUTSIDE_HU`.

    Returns
    -------
    Floats
        (2, a, b, c): HU clipped to [-1024, 1500] over 1000 less 0.2 (about -1.2 to 1.3),
        and the bone window 0-600 HU as 0-1.
    """
    wide = np.clip(hu, -1024.0, 1500.0) / 1000.0 - 0.2
    bone = np.clip(hu, 0.0, 600.0) / 600.0
    return np.stack([wide, bone]).astype(np.float32)


def guide_channel(
    shape: tuple[int, int, int], point: tuple[float, float, float], spacing_mm: float
) -> Floats:
    """Draw the Gaussian that tells the refine net which vertebra is meant.

    Parameters
    ----------
    shape
        Voxels of the patch.
    point
        Body centre in voxel coordinates of the patch (voxel centres are integers).
    spacing_mm
        Voxel size of the patch.

    Returns
    -------
    Floats
        (1, a, b, c), 1 at the point, standard deviation `GUIDE_SIGMA_MM`.
    """
    sigma = GUIDE_SIGMA_MM / spacing_mm
    axes = [
        np.exp(-0.5 * ((np.arange(n, dtype=np.float32) - p) / sigma) ** 2)
        for n, p in zip(shape, point, strict=True)
    ]
    guide = axes[0][:, None, None] * axes[1][None, :, None] * axes[2][None, None, :]
    out: Floats = guide[None].astype(np.float32)
    return out
