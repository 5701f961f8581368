"""What distinguishes CT from MR before the networks: scale of the values, channels, where it is empty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spineimg.core.volume import Modality, Volume
from spineimg.segmentation.inputs import hu_channels
from spineimg.segmentation.mr_inputs import OUTSIDE_BELOW, mr_channels, mr_units

Floats = NDArray[np.float32]
BONE_HU = 120.0
"""A CT tile without any voxel above this holds no bone and is skipped."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a modality is shown to the networks.

    Parameters
    ----------
    channels : callable
        Values (a, b, c) to image channels (2, a, b, c).
    busy_from : float
        A tile without any value as high is skipped.
    """

    channels: Callable[[NDArray[np.floating]], Floats]
    busy_from: float


CT = Look(hu_channels, BONE_HU)
MR = Look(mr_channels, OUTSIDE_BELOW)


def look_of(modality: Modality) -> Look:
    """Give the look of a modality."""
    return CT if modality is Modality.CT else MR


def prepared(volume: Volume) -> Volume:
    """Bring a volume to the scale that its look expects: CT stays HU, MR becomes robust units."""
    if volume.modality is Modality.CT:
        return volume
    return replace(volume, array=mr_units(volume.array))
