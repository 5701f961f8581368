"""What the lesion network sees: bone against the patient's own, and where the vertebra is.

Training and inference share these functions, so that they cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float32]

MARROW_HU = 150.0
"""Half the lesions differ from the patient's own spongy bone by less than this."""
DENSE_HU = 800.0
"""Reach of the window for blastic bone above the patient's own."""
SOFT_HU = 40.0
"""Soft tissue; lytic lesions lie about it, fat of the marrow far below."""
SOFT_REACH_HU = 100.0
SPREADS = 3.0
"""So many spreads of the patient's own spongy bone are one unit: what stays within is his marrow."""
LEAST_SPREAD_HU = 10.0
"""No spongy bone on a scan is more even than this."""
MAD_TO_SD = 1.4826
SMOOTH_VOXELS = 3
"""The spread is that of means over so many voxels each way: marrow, not noise."""

LESION_CHANNELS = ("marrow", "dense", "soft", "body", "posterior", "other", "spread")
"""Weights with fewer channels were trained on the first ones."""


@dataclass(frozen=True, slots=True)
class OwnBone:
    """The patient's own healthy spongy bone.

    Parameters
    ----------
    hu : float
        Its middle.
    spread_hu : float
        Robust SD of its local means about that, over all bodies.
    """

    hu: float
    spread_hu: float


NORMAL = OwnBone(150.0, 25.0)
"""Taken where a scan shows none that is healthy."""


def local_mean(hu: NDArray[np.floating]) -> Floats:
    """Mean over `SMOOTH_VOXELS` each way."""
    return np.asarray(ndimage.uniform_filter(np.asarray(hu, dtype=np.float32), SMOOTH_VOXELS))


def spread_about(middle: float, means: Sequence[NDArray[np.floating]]) -> float:
    """Robust SD of local means of healthy spongy bone about the patient's middle, HU."""
    return MAD_TO_SD * float(np.median(np.abs(np.concatenate(list(means)) - middle)))


def lesion_channels(hu: NDArray[np.floating], own: OwnBone, vertebra: NDArray[np.floating]) -> Floats:
    """Make the inputs of the lesion network.

    Parameters
    ----------
    hu
        (a, b, c) Hounsfield units.
    own
        The patient's own spongy bone (healthy bodies' cores).
    vertebra
        (3, a, b, c) probabilities of this vertebra's body, its posterior elements, other vertebrae.

    Returns
    -------
    Floats
        (7, a, b, c), see `LESION_CHANNELS`: HU less the own bone in a narrow and a wide window,
        HU about soft tissue, the probabilities, and the local mean less the own bone in spreads of it.
    """
    relative = hu - own.hu
    spread = (local_mean(hu) - own.hu) / (SPREADS * max(own.spread_hu, LEAST_SPREAD_HU))
    image = np.stack(
        [
            np.clip(relative / MARROW_HU, -2.0, 2.0),
            np.clip(relative / DENSE_HU, -0.5, 1.5),
            np.clip((hu - SOFT_HU) / SOFT_REACH_HU, -1.5, 1.5),
        ]
    )
    out: Floats = np.concatenate([image, vertebra, np.clip(spread, -2.0, 2.0)[None]]).astype(np.float32)
    return out
