"""Mark lesions: each vertebra seen against the patient's own bone, its masks as a further input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.core.volume import Volume
from spineimg.segmentation.inputs import OUTSIDE_HU
from spineimg.segmentation.lesion_inputs import (
    LESION_CHANNELS,
    NORMAL,
    OwnBone,
    lesion_channels,
    local_mean,
    spread_about,
)
from spineimg.segmentation.refine import BODY, OTHER, POSTERIOR, Patch
from spineimg.segmentation.resample import to_grid
from spineimg.segmentation.tiles import inference, run_network

if TYPE_CHECKING:
    from torch import nn

Floats = NDArray[np.float32]

CORE_VOXELS = 3
"""The core of a body lies more than this many voxels of the patch below its surface (as in training) ..."""
LEAST_CORE_VOXELS = 40
"""... or fewer, where that leaves less than this."""


def mark_lesions(
    volume: Volume, patches: Sequence[Patch], net: nn.Module, settings: SegmentationSettings
) -> tuple[Patch, ...]:
    """Run the lesion network once per vertebra.

    Parameters
    ----------
    volume : Volume
        CT in HU.
    patches : sequence of Patch
        What the fine network says about each vertebra.
    net : Module
        Maps (n, channels, x, y, z) to (n, 2, x, y, z), logits of lytic and blastic; its ``channels_in`` says
        how many of `LESION_CHANNELS` it was trained on.
    settings : SegmentationSettings
        Patches at once, threads.

    Returns
    -------
    tuple of Patch
        The same patches with their lesion probabilities.
    """
    images = [np.maximum(to_grid(volume.array, volume.grid, p.grid), OUTSIDE_HU) for p in patches]
    own = own_bone(images, patches)
    known = int(getattr(net, "channels_in", len(LESION_CHANNELS)))
    out: list[Patch] = []
    with inference(settings):
        for first in range(0, len(patches), settings.tiles_at_once):
            some = range(first, min(len(patches), first + settings.tiles_at_once))
            inputs = [lesion_channels(images[n], own, _vertebra(patches[n]))[:known] for n in some]
            raw = run_network(net, np.stack(inputs))
            marks = 1.0 / (1.0 + np.exp(-np.clip(raw, -30, 30)))
            out += [replace(patches[n], lytic=m[0], blastic=m[1]) for n, m in zip(some, marks, strict=True)]
    return tuple(out)


def own_bone(images: Sequence[Floats], patches: Sequence[Patch]) -> OwnBone:
    """The patient's own spongy bone: the median of the bodies' cores, and the spread over all of them."""
    medians, means = [], []
    for image, patch in zip(images, patches, strict=True):
        body = patch.probability[BODY] >= 0.5  # the middle of the softmax
        for depth in range(CORE_VOXELS, 0, -1):
            core = ndimage.binary_erosion(body, iterations=depth)
            if core.sum() >= LEAST_CORE_VOXELS:
                medians.append(float(np.median(image[core])))
                means.append(local_mean(image)[core])
                break
    if not medians:
        return NORMAL
    middle = float(np.median(medians))
    return OwnBone(middle, spread_about(middle, means))


def _vertebra(patch: Patch) -> Floats:
    """Probabilities of body, posterior elements and other vertebrae, (3, x, y, z)."""
    return np.asarray(patch.probability[[BODY, POSTERIOR, OTHER]], dtype=np.float32)
