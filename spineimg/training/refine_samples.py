"""Training samples of the refine net: one vertebra, its neighbours, its lesions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.segmentation.inputs import (
    OUTSIDE_HU,
    REFINE_BACKWARD_MM,
    REFINE_PATCH,
    REFINE_SPACING_MM,
    guide_channel,
    hu_channels,
)
from spineimg.training.intensity import scan
from spineimg.training.lesions import Place, grow_osteophytes, paint_lesions, paint_lookalikes
from spineimg.training.locate_samples import make_hu, pick, real_intensity, z_limits_cached
from spineimg.training.patches import Patch, sample_patch
from spineimg.training.sources import Source
from spineimg.training.templates import IGNORE, MERGED
from spineimg.training.warp import Aim, WarpRange, crush, source_points

Floats = NDArray[np.float32]
Floats64 = NDArray[np.float64]
Painter = Callable[[np.random.Generator, Floats, Patch, NDArray[np.uint8], Floats64], NDArray[np.uint8]]

WARP = WarpRange(tilt_deg=20.0, scale=(0.78, 1.25), bend_mm=8.0, elastic_mm=1.6, crush_share=0.35)
WARP_REAL = WarpRange(tilt_deg=20.0, scale=(0.8, 1.25), bend_mm=5.0, elastic_mm=1.3, crush_share=0.25)
MOST_DRAWS = 20
LEAST_VOXELS = 200
LESION_SHARE = 0.8
OSTEOPHYTE_SHARE = 0.2
NEIGHBOUR_SHARE = 0.25
CUT_SHARE = 0.15
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


def own_lesions(lesions: NDArray[np.uint8], target: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Keep the lesion parts that touch this vertebra; a neighbour's outgrowth is not its own."""
    own = np.isin(target, (1, 2, REFINE_MERGED))
    pieces, count = ndimage.label((lesions > 0) & (own | (target == 0)))
    touched = np.zeros(count + 1, bool)
    touched[np.unique(pieces[own])] = True
    touched[0] = False
    return np.where(touched[pieces], lesions, 0).astype(np.uint8)


def paint_vertebra(
    rng: np.random.Generator,
    hu: Floats,
    patch: Patch,
    target: NDArray[np.uint8],
    guide: Floats64,
    lesion_share: float = LESION_SHARE,
) -> NDArray[np.uint8]:
    """Paint look-alikes, lesions and lesions of neighbours; give the lesion bits.

    Spurs of bone are added to ``target`` as body.
    """
    own = np.isin(target, (1, 2, REFINE_MERGED))
    truth = np.zeros(own.shape, np.uint8)
    if own.sum() <= LEAST_VOXELS:
        return truth
    disc = patch.region == 3
    other = target == 3
    place = Place(own, target == 1, disc, other, guide, patch.depth, REFINE_SPACING_MM)
    paint_lookalikes(rng, hu, place)
    if rng.random() < OSTEOPHYTE_SHARE:
        target[grow_osteophytes(rng, hu, place, target == 0)] = 1
    if rng.random() < lesion_share:
        truth = paint_lesions(rng, hu, place)
    if rng.random() < NEIGHBOUR_SHARE and other.sum() > 2 * LEAST_VOXELS:
        # a lesion of a neighbour is not this vertebra's
        paint_lesions(rng, hu, Place(other, other, disc, own, guide, patch.depth, REFINE_SPACING_MM))
    return truth


def _outside(rng: np.random.Generator, points: Floats, source: Source, patch: Patch) -> NDArray[np.bool_]:
    """Voxels that the imagined scan does not cover."""
    low, high = z_limits_cached(source.template)
    outside: NDArray[np.bool_] = (points[2] > high + 1) | (points[2] < low - 1)
    if source.real:
        outside |= ~patch.inside
    if rng.random() < CUT_SHARE:  # the scan ends near this vertebra
        edge = int(rng.integers(2, 14))
        if rng.random() < 0.5:
            outside[:, :, :edge] = True
        else:
            outside[:, :, -edge:] = True
    return outside


def refine_sample(
    rng: np.random.Generator, sources: list[Source], real_share: float, paint: Painter = paint_vertebra
) -> RefineSample:
    """Make one sample of the refine net (see `RefineSample`); ``paint`` puts lesions where there are none."""
    source, level = pick(rng, sources, real_share, tuple(range(1, 25)))
    for _ in range(MOST_DRAWS):
        if source.template.lesion_levels and rng.random() < LESION_LEVEL_SHARE:
            level = int(rng.choice(source.template.lesion_levels))
        if level not in source.template.cut:
            break
        source, level = pick(rng, sources, real_share, tuple(range(1, 25)))
    template = source.template
    jitter = rng.normal(0, 6.0 if rng.random() < 0.15 else 3.0, 3)
    guide_mm = np.array([0.0, -REFINE_BACKWARD_MM, 0.0])
    anchor = guide_mm + jitter
    aim = Aim(template.centres[level], (float(anchor[0]), float(anchor[1]), float(anchor[2])))
    ranges = WARP_REAL if source.real else WARP
    points = source_points(rng, REFINE_PATCH, REFINE_SPACING_MM, aim, ranges)
    if rng.random() < ranges.crush_share:
        which = level if rng.random() < 0.7 else level + int(rng.choice([-1, 1]))
        if which in template.centres:
            crush(rng, points, template, which)
    patch = sample_patch(template, points, source.image)
    hu = make_hu(rng, source, patch, points, REFINE_SPACING_MM).copy()
    target = refine_target(patch.region, patch.labels, level)
    middle = np.array([(n - 1) / 2 for n in REFINE_PATCH])
    guide = middle + guide_mm / REFINE_SPACING_MM
    if patch.lesions is not None:
        truth = own_lesions(patch.lesions, target)
    else:
        centre = middle + anchor / REFINE_SPACING_MM
        truth = paint(rng, hu, patch, target, centre)
    if source.real:
        hu = real_intensity(rng, hu, REFINE_SPACING_MM, 5.0)
    else:
        hu = scan(rng, hu, REFINE_SPACING_MM, 5.0)
    outside = _outside(rng, points, source, patch)
    hu[outside] = OUTSIDE_HU
    target[outside] = 0
    truth[outside] = 0
    point = (float(guide[0]), float(guide[1]), float(guide[2]))
    channel = guide_channel(REFINE_PATCH, point, REFINE_SPACING_MM)
    inputs = np.concatenate([hu_channels(hu), channel])
    lesions = np.stack([truth & 1, (truth >> 1) & 1]).astype(np.uint8)
    return RefineSample(inputs, target, lesions, point, template.name, level)
