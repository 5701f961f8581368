"""Training samples of the lesion net: a refine sample, seen against the patient's own bone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.segmentation.lesion_inputs import (
    NORMAL,
    OwnBone,
    lesion_channels,
    local_mean,
    spread_about,
)
from spineimg.training.marrow import thin_marrow
from spineimg.training.noise import smooth_field
from spineimg.training.patches import Patch
from spineimg.training.refine_samples import (
    REFINE_MERGED,
    Painter,
    RefineSample,
    paint_vertebra,
    refine_sample,
)
from spineimg.training.sources import Source

Floats = NDArray[np.float32]
Floats64 = NDArray[np.float64]

REFERENCE_SD_HU = 15.0
"""How far the own bone that the engine measures may lie from the patch's (ours)."""
LEAST_CORE_VOXELS = 40
SPREAD_SD = 0.2
"""SD of the log of its spread: a scan's bodies differ more, or less, than those of a patch."""
LESION_SHARE = 0.9
"""Share of patches that get lesions; one in three of these stays invisible and is dropped."""
THIN_SHARE, THIN_LESION_SHARE = 0.25, 0.6
"""Share of patients with thin marrow, and of those with lesions among them: thin marrow alone is none."""
DESTROYED_SHARE = 0.5
"""Share of samples whose masks have a hole where the lesion took the bone."""


@dataclass(frozen=True)
class LesionSample:
    """One patch: inputs (7, ...), lesion truth (2, ...), this vertebra, voxels left out."""

    inputs: Floats
    lesions: NDArray[np.uint8]
    own: NDArray[np.bool_]
    ignore: NDArray[np.bool_]


def image_hu(sample: RefineSample) -> Floats:
    """Hounsfield units of a refine sample, from the first channel (`inputs.hu_channels`)."""
    hu: Floats = (sample.inputs[0] + 0.2) * 1000.0
    return hu


def own_bone(hu: Floats, region: NDArray[np.uint8], lesions: NDArray[np.uint8]) -> OwnBone:
    """Middle and spread of healthy bone deep inside the vertebrae of a patch."""
    bone = np.isin(region, (1, 3, REFINE_MERGED))
    healthy = ~np.asarray(ndimage.binary_dilation(lesions.max(0) > 0, iterations=2))
    for depth in (3, 2, 1):
        core = ndimage.binary_erosion(bone, iterations=depth) & healthy
        if core.sum() >= LEAST_CORE_VOXELS:
            middle = float(np.median(hu[core]))
            return OwnBone(middle, spread_about(middle, [local_mean(hu)[core]]))
    return NORMAL


def paint_patient(
    rng: np.random.Generator, hu: Floats, patch: Patch, target: NDArray[np.uint8], guide: Floats64
) -> NDArray[np.uint8]:
    """Paint look-alikes and lesions into a patient who may have thin marrow; give the lesion bits."""
    if rng.random() >= THIN_SHARE:
        return paint_vertebra(rng, hu, patch, target, guide, LESION_SHARE)
    thin_marrow(rng, hu, np.isin(target, (1, 2, 3, REFINE_MERGED)), patch.depth)
    return paint_vertebra(rng, hu, patch, target, guide, THIN_LESION_SHARE)


def seen_vertebra(rng: np.random.Generator, sample: RefineSample) -> Floats:
    """The masks as a network might give them: shifted, blurred, with holes where bone is gone."""
    region = sample.region
    merged = 0.5 * (region == REFINE_MERGED)
    exact = np.stack([(region == 1) + merged, (region == 2) + merged, region == 3]).astype(np.float32)
    if rng.random() < DESTROYED_SHARE:
        gone = ndimage.gaussian_filter(sample.lesions[0].astype(np.float32), 1.0)
        exact = exact * (1.0 - np.float32(rng.uniform(0.3, 1.0)) * gone)
    shift = (0.0, *rng.normal(0, 0.5, 3))
    moved = ndimage.shift(exact, shift, order=1, mode="nearest")
    sigma = rng.uniform(0.4, 1.2)
    blurred = ndimage.gaussian_filter(moved, (0.0, sigma, sigma, sigma))
    doubt = rng.uniform(0.0, 0.3) * smooth_field(rng, region.shape, (9, 9, 8))
    sure = np.clip(blurred * (1.0 + doubt), 0.0, 1.0)
    out: Floats = np.where(blurred > 0.02, sure, 0.0).astype(np.float32)
    return out


def lesion_sample(
    rng: np.random.Generator, sources: list[Source], real_share: float, paint: Painter = paint_patient
) -> LesionSample:
    """Make one sample of the lesion net (see `LesionSample`)."""
    return seen_sample(rng, refine_sample(rng, sources, real_share, paint))


def seen_sample(rng: np.random.Generator, sample: RefineSample) -> LesionSample:
    """Turn a refine sample into one of the lesion net."""
    hu = image_hu(sample)
    exact = own_bone(hu, sample.region, sample.lesions)
    reference = OwnBone(
        exact.hu + rng.normal(0, REFERENCE_SD_HU), exact.spread_hu * np.exp(rng.normal(0, SPREAD_SD))
    )
    inputs = lesion_channels(hu, reference, seen_vertebra(rng, sample))
    own = np.isin(sample.region, (1, 2, REFINE_MERGED))
    ignore = sample.region == 255
    return LesionSample(inputs, sample.lesions, own, ignore)
