"""What the lesion network sees: bone against the patient's own, and where the vertebra is.

Training and inference share these functions, so that they cannot drift apart.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

MARROW_HU = 150.0
"""Half the lesions differ from the patient's own spongy bone by less than this."""
DENSE_HU = 800.0
"""Reach of the window for blastic bone above the patient's own."""
SOFT_HU = 40.0
"""Soft tissue; lytic lesions lie about it, fat of the marrow far below."""
SOFT_REACH_HU = 100.0
NORMAL_HU = 150.0
"""Own bone where a scan shows none that is healthy."""

LESION_CHANNELS = ("marrow", "dense", "soft", "body", "posterior", "other")


def lesion_channels(hu: NDArray[np.floating], own_bone_hu: float, vertebra: NDArray[np.floating]) -> Floats:
    """Make the inputs of the lesion network.

    Parameters
    ----------
    hu
        (a, b, c) Hounsfield units.
    own_bone_hu
        HU of the patient's own spongy bone (median of healthy bodies' cores).
    vertebra
        (3, a, b, c) probabilities of this vertebra's body, its posterior elements, other vertebrae.

    Returns
    -------
    Floats
        (6, a, b, c), see `LESION_CHANNELS`: HU less the own bone in a narrow and a wide window,
        HU about soft tissue, then the probabilities.
    """
    relative = hu - own_bone_hu
    image = np.stack(
        [
            np.clip(relative / MARROW_HU, -2.0, 2.0),
            np.clip(relative / DENSE_HU, -0.5, 1.5),
            np.clip((hu - SOFT_HU) / SOFT_REACH_HU, -1.5, 1.5),
        ]
    )
    out: Floats = np.concatenate([image, vertebra]).astype(np.float32)
    return out
