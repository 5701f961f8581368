"""Training samples of MR: drawn from templates, or real with masks of bodies alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spineimg.segmentation.inputs import (
    LOCATE_SPACING_MM,
    OUTSIDE_HU,
    REFINE_BACKWARD_MM,
    REFINE_PATCH,
    REFINE_SPACING_MM,
    guide_channel,
)
from spineimg.segmentation.mr_inputs import mr_channels
from spineimg.training.locate_samples import (
    WARP,
    WARP_REAL,
    LocateSample,
    field_of_view,
    offset_targets,
    pick,
    z_limits_cached,
)
from spineimg.training.mr_intensity import compose_mr, mr_scan, vary_contrast
from spineimg.training.mr_losses import NOT_BODY
from spineimg.training.patches import Patch, sample_patch
from spineimg.training.refine_samples import MOST_DRAWS, RefineSample, refine_target
from spineimg.training.refine_samples import WARP as FINE_WARP
from spineimg.training.refine_samples import WARP_REAL as FINE_WARP_REAL
from spineimg.training.sources import Source
from spineimg.training.surroundings import add_skull, fill_unknown
from spineimg.training.templates import IGNORE, MERGED
from spineimg.training.warp import Aim, WarpRange, crush, source_points

Floats = NDArray[np.float32]
CONUS_LEVEL = 20
"""The cord ends about L1; below are nerve roots."""
CUT_SHARE = 0.15
RIM_MM = 1.2
"""Outermost layer of a drawn body: real masks alone say whether it belongs to it."""
LOW_LEVELS = (23, 24, 26)
LOW_SHARE = 0.35
"""Share of locate samples about L4 to S1: the names of most MR hang on that border."""
BESIDE_SHARE = 0.12
"""Share of drawn locate samples that look past the spine: most MR of a hospital shows none."""
SLAB_SHARE = 0.8
"""Share of samples that a sagittal slab cuts at both sides."""


def mr_intensities(
    rng: np.random.Generator, source: Source, patch: Patch, points: Floats, spacing: float
) -> Floats:
    """Units of a patch before coil, slices and noise (drawn, or a real image with other contrast)."""
    template = source.template
    if patch.image is not None:
        return vary_contrast(rng, patch.image)
    if not template.torso:
        fill_unknown(rng, patch.labels, points, template)
    if 1 in template.centres and rng.random() < 0.75:
        add_skull(rng, patch, points, template)
    if CONUS_LEVEL in template.centres:
        cord = points[2] > template.centres[CONUS_LEVEL][2] + rng.normal(0, 18)
    else:
        cord = np.full(points.shape[1:], min(template.centres) < CONUS_LEVEL)
    return compose_mr(rng, patch.labels, patch.region, patch.depth, spacing, cord)


def beside(rng: np.random.Generator, level: int) -> NDArray[np.float64]:
    """Offset to a place without spine: before it, at its side, or in the head above the atlas."""
    if level == 1:
        return np.array([0.0, rng.uniform(-40.0, 0.0), rng.uniform(110.0, 160.0)])
    if rng.random() < 0.5:
        return np.array([0.0, -rng.uniform(115.0, 160.0), 0.0])
    return np.array([rng.choice([-1.0, 1.0]) * rng.uniform(80.0, 120.0), 0.0, 0.0])


def _slice_mm(rng: np.random.Generator, source: Source) -> float:
    """Slice thickness to imitate; real images have their own already."""
    share = rng.random()
    if source.real:
        return float(rng.uniform(2.0, 5.0)) if share < 0.3 else 0.0
    return float(rng.uniform(2.0, 5.0)) if share < 0.75 else 0.0


def _slab(rng: np.random.Generator, seen: NDArray[np.bool_], dx: Floats, spacing: float) -> None:
    """Cut the field of view at both sides, and seldom in front, in place."""
    if rng.random() < SLAB_SHARE:
        near = np.abs(dx).mean((1, 2)).argmin() + rng.normal(0, 7) / spacing
        half = rng.uniform(26, 52) / spacing
        x = np.arange(seen.shape[0])
        seen[np.abs(x - near) > half] = False
    if rng.random() < 0.5:
        seen[:, : int(rng.uniform(0, 0.25) * seen.shape[1])] = False


def mr_locate_sample(
    rng: np.random.Generator, sources: list[Source], shape: tuple[int, int, int], real_share: float
) -> LocateSample:
    """Make one MR sample of the locate net (see `locate_samples.locate_sample`)."""
    everywhere = (*range(1, 25), 26)
    levels = LOW_LEVELS if rng.random() < LOW_SHARE else everywhere
    source, level = pick(rng, sources, real_share, levels)
    template = source.template
    ranges = WARP_REAL if source.real else WARP
    aim = template.centres[level] + rng.normal(0, 1, 3) * np.array([7.0, 14.0, 45.0])
    aim[1] += rng.uniform(-15, 25)
    if not source.real and rng.random() < BESIDE_SHARE:
        aim = aim + beside(rng, level)
    points = source_points(rng, shape, LOCATE_SPACING_MM, Aim(aim), ranges)
    if rng.random() < ranges.crush_share:
        crush(rng, points, template, level)
    patch = sample_patch(template, points, source.image)
    centre = template.centres[level]
    dx, dy = points[0] - centre[0], points[1] - centre[1]
    units = mr_intensities(rng, source, patch, points, LOCATE_SPACING_MM)
    if source.real:
        seen = patch.inside.copy()
        if rng.random() < 0.3:
            seen &= field_of_view(rng, points, z_limits_cached(template), dx, dy)
    else:
        seen = field_of_view(rng, points, z_limits_cached(template), dx, dy)
        _slab(rng, seen, dx, LOCATE_SPACING_MM)
    units = np.where(patch.inside, units, 0.0).astype(np.float32)
    units = mr_scan(rng, units, seen, LOCATE_SPACING_MM, _slice_mm(rng, source))
    region = patch.region
    units[~seen] = OUTSIDE_HU
    region[~seen] = 0
    spine = np.isin(region, (1, 2, 4, MERGED))
    ids = np.where(spine & (patch.labels <= 26), patch.labels, 0).astype(np.uint8)
    offset, known = offset_targets(points, template, ids[::2, ::2, ::2])
    return LocateSample(mr_channels(units), region, ids, offset, known, template.name)


def mr_refine_target(patch: Patch, level: int) -> NDArray[np.uint8]:
    """Target codes of the refine net; what is only known not to be a body stays so."""
    target = refine_target(patch.region, patch.labels, level)
    target[patch.region == NOT_BODY] = NOT_BODY
    return target


def mr_refine_sample(rng: np.random.Generator, sources: list[Source], real_share: float) -> RefineSample:
    """Make one MR sample of the refine net (no lesions: none is known on MR)."""
    source, level = pick(rng, sources, real_share, tuple(range(1, 25)))
    for _ in range(MOST_DRAWS):
        if level not in source.template.cut:
            break
        source, level = pick(rng, sources, real_share, tuple(range(1, 25)))
    template = source.template
    jitter = rng.normal(0, 6.0 if rng.random() < 0.15 else 3.0, 3)
    guide_mm = np.array([0.0, -REFINE_BACKWARD_MM, 0.0])
    anchor = guide_mm + jitter
    ranges: WarpRange = FINE_WARP_REAL if source.real else FINE_WARP
    aim = Aim(template.centres[level], (float(anchor[0]), float(anchor[1]), float(anchor[2])))
    points = source_points(rng, REFINE_PATCH, REFINE_SPACING_MM, aim, ranges)
    if rng.random() < ranges.crush_share:
        which = level if rng.random() < 0.7 else level + int(rng.choice([-1, 1]))
        if which in template.centres:
            crush(rng, points, template, which)
    patch = sample_patch(template, points, source.image)
    units = mr_intensities(rng, source, patch, points, REFINE_SPACING_MM)
    target = mr_refine_target(patch, level)
    if not source.real:  # readers of MR draw the marrow, label maps of CT the cortex too
        target[(target == 1) & (patch.depth < RIM_MM)] = IGNORE
    seen = patch.inside.copy() if source.real else np.ones(REFINE_PATCH, bool)
    if not source.real:
        low, high = z_limits_cached(template)
        seen &= (points[2] <= high + 1) & (points[2] >= low - 1)
        _slab(rng, seen, points[0] - np.float32(template.centres[level][0]), REFINE_SPACING_MM)
    if rng.random() < CUT_SHARE:  # the scan ends near this vertebra
        edge = int(rng.integers(2, 14))
        seen[:, :, slice(None, edge) if rng.random() < 0.5 else slice(-edge, None)] = False
    units = np.where(patch.inside, units, 0.0).astype(np.float32)
    units = mr_scan(rng, units, seen, REFINE_SPACING_MM, _slice_mm(rng, source))
    units[~seen] = OUTSIDE_HU
    target[~seen] = 0
    guide = [(n - 1) / 2 + g / REFINE_SPACING_MM for n, g in zip(REFINE_PATCH, guide_mm, strict=True)]
    point = (float(guide[0]), float(guide[1]), float(guide[2]))
    inputs = np.concatenate([mr_channels(units), guide_channel(REFINE_PATCH, point, REFINE_SPACING_MM)])
    return RefineSample(inputs, target, np.zeros((2, *REFINE_PATCH), np.uint8), point, template.name, level)
