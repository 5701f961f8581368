"""Training samples of the refine net: one vertebra, its neighbours, its lesions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spineimg.segmentation.inputs import (
    OUTSIDE_HU,
    REFINE_BACKWARD_MM,
    REFINE_PATCH,
    REFINE_SPACING_MM,
    guide_channel,
    hu_channels,
)
from spineimg.training.intensity import scan
from spineimg.training.lesions import paint_lesions, paint_lookalikes
from spineimg.training.locate_samples import make_hu, pick, real_intensity, z_limits_cached
from spineimg.training.patches import sample_patch
from spineimg.training.sources import Source
from spineimg.training.templates import IGNORE, MERGED
from spineimg.training.warp import WarpRange, crush, locate_point, source_points

Floats = NDArray[np.float32]

WARP = WarpRange(tilt_deg=20.0, scale=(0.78, 1.25), bend_mm=8.0, elastic_mm=1.6, crush_share=0.35)
WARP_REAL = WarpRange(tilt_deg=20.0, scale=(0.8, 1.25), bend_mm=5.0, elastic_mm=1.3, crush_share=0.25)
MOST_DRAWS = 20
LESION_LEVEL_SHARE = 0.5
"""Share of a phantom's samples that go to a vertebra with a lesion."""
REFINE_MERGED = 5
"""Target code: this vertebra, body or posterior not known."""


@dataclass(frozen=True)
class RefineSample:
    """One patch: inputs (3, ...), target classes, lesion truth (2, ...), guide voxel."""

    inputs: Floats
    region: NDArray[np.uint8]
    lesions: NDArray[np.uint8]
    guide: tuple[float, float, float]
    name: str
    level: int


def refine_target(region: NDArray[np.uint8], labels: NDArray[np.uint8], level: int) -> NDArray[np.uint8]:
    """Turn region classes and level ids into the refine net's target codes."""
    target = np.zeros(region.shape, np.uint8)
    own = labels == level
    target[own & (region == 1)] = 1
    target[own & (region == 2)] = 2
    target[own & (region == MERGED)] = REFINE_MERGED
    target[~own & np.isin(region, (1, 2, 4, MERGED))] = 3
    target[region == 7] = 4
    target[(region == IGNORE)] = IGNORE
    return target


def refine_sample(rng: np.random.Generator, sources: list[Source], real_share: float) -> RefineSample:
    """Make one sample of the refine net (see `RefineSample`)."""
    source, level = pick(rng, sources, real_share, tuple(range(1, 25)))
    for _ in range(MOST_DRAWS):
        if source.template.lesion_levels and rng.random() < LESION_LEVEL_SHARE:
            level = int(rng.choice(source.template.lesion_levels))
        if level not in source.template.cut:
            break
        source, level = pick(rng, sources, real_share, tuple(range(1, 25)))
    template = source.template
    centre = template.centres[level]
    wide = 6.0 if rng.random() < 0.15 else 3.0
    jitter = rng.normal(0, wide, 3)
    shift = np.array([0.0, REFINE_BACKWARD_MM, 0.0])
    aim = centre + shift + jitter
    ranges = WARP_REAL if source.real else WARP
    points = source_points(rng, REFINE_PATCH, REFINE_SPACING_MM, aim, ranges)
    if rng.random() < ranges.crush_share:
        which = level if rng.random() < 0.7 else level + int(rng.choice([-1, 1]))
        if which in template.centres:
            crush(rng, points, template, which)
    patch = sample_patch(template, points, source.image)
    hu = make_hu(rng, source, patch, points, REFINE_SPACING_MM).copy()
    target = refine_target(patch.region, patch.labels, level)
    own = np.isin(target, (1, 2, REFINE_MERGED))
    body = target == 1
    found = locate_point(points, centre)
    middle = np.array([(n - 1) / 2 for n in REFINE_PATCH])
    if found is None:
        found = middle - shift / REFINE_SPACING_MM
    truth = np.zeros(own.shape, np.uint8)
    if patch.lesions is not None:
        truth = np.where(own | (target == 0), patch.lesions, 0).astype(np.uint8)
    elif own.sum() > 200:
        paint_lookalikes(rng, hu, own, body, patch.region == 3, found, patch.depth, REFINE_SPACING_MM)
        if rng.random() < 0.6:
            truth = paint_lesions(rng, hu, own, body, patch.depth, REFINE_SPACING_MM)
        if rng.random() < 0.25:  # a lesion of a neighbour is not this vertebra's
            other = target == 3
            if other.sum() > 400:
                paint_lesions(rng, hu, other, other, patch.depth, REFINE_SPACING_MM)
    if source.real:
        hu = real_intensity(rng, hu, REFINE_SPACING_MM, 5.0)
    else:
        hu = scan(rng, hu, REFINE_SPACING_MM, 5.0)
    low, high = z_limits_cached(template)
    outside = (points[2] > high + 1) | (points[2] < low - 1)
    if source.real:
        outside |= ~patch.inside
    if rng.random() < 0.15:  # the scan ends near this vertebra
        edge = int(rng.integers(2, 14))
        if rng.random() < 0.5:
            outside[:, :, :edge] = True
        else:
            outside[:, :, -edge:] = True
    hu[outside] = OUTSIDE_HU
    target[outside] = 0
    truth[outside] = 0
    guide_mm = found * REFINE_SPACING_MM
    # the guide is where the patch was aimed, less the shift: the located centre
    guide_vox = (middle * REFINE_SPACING_MM - shift) / REFINE_SPACING_MM
    if np.abs(guide_mm / REFINE_SPACING_MM - guide_vox).max() > 14:
        guide_vox = found
    point = (float(guide_vox[0]), float(guide_vox[1]), float(guide_vox[2]))
    guide = guide_channel(REFINE_PATCH, point, REFINE_SPACING_MM)
    inputs = np.concatenate([hu_channels(hu), guide])
    lesions = np.stack([truth & 1, (truth >> 1) & 1]).astype(np.uint8)
    return RefineSample(inputs, target, lesions, point, template.name, level)
