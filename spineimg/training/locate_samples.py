"""Training samples of the locate net."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spineimg.segmentation.inputs import (
    LOCATE_SPACING_MM,
    OFFSET_UNIT_MM,
    OUTSIDE_HU,
    hu_channels,
)
from spineimg.training.intensity import compose, draw_bone_look, scan
from spineimg.training.patches import Patch, sample_patch
from spineimg.training.sources import BONE_ONLY, CUTOUTS, Source
from spineimg.training.surroundings import add_skull, fill_unknown
from spineimg.training.templates import MERGED, Template
from spineimg.training.warp import Aim, WarpRange, crush, locate_point, source_points

Floats = NDArray[np.float32]

WARP = WarpRange(tilt_deg=14.0, scale=(0.8, 1.2), bend_mm=16.0, elastic_mm=2.5, crush_share=0.3)
WARP_REAL = WarpRange(tilt_deg=14.0, scale=(0.82, 1.2), bend_mm=12.0, elastic_mm=2.0, crush_share=0.15)
_LEVEL_WEIGHT = np.array([0.0] + [1.0] * 7 + [1.2] * 9 + [1.4] * 3 + [1.2] * 5 + [0, 1.2])


@dataclass(frozen=True)
class LocateSample:
    """One patch with its targets (offsets at half resolution, see `networks`)."""

    inputs: Floats
    region: NDArray[np.uint8]
    level: NDArray[np.uint8]
    offset: Floats
    offset_known: NDArray[np.bool_]
    name: str


def pick(
    rng: np.random.Generator, sources: list[Source], real_share: float, levels: tuple[int, ...]
) -> tuple[Source, int]:
    """Draw a level, then a source that has it."""
    kind = bool(rng.random() < real_share)
    usable = [s for s in sources if s.real == kind] or sources
    have = [k for k in levels if any(k in s.template.centres for s in usable)]
    weights = _LEVEL_WEIGHT[have]
    level = int(rng.choice(have, p=weights / weights.sum()))
    found = [s for s in usable if level in s.template.centres]
    share = np.array([s.weight for s in found])
    return found[int(rng.choice(len(found), p=share / share.sum()))], level


def z_limits(template: Template) -> tuple[float, float]:
    """Heights between which a template's anatomy is complete enough to be shown."""
    low = template.origin[2]
    high = low + (template.labels.shape[2] - 1) * template.spacing[2]
    if not template.torso:
        levels = sorted(template.centres)
        first, last = levels[0], levels[-1]
        if first not in template.cut:
            body = np.argwhere(template.labels == first)[:, 2]
            top = template.origin[2] + body.max() * template.spacing[2]
            high = min(high, top + (70.0 if first == 1 else -2.0))
        if last not in template.cut and last != 26:
            body = np.argwhere((template.labels == last) & (template.region == 1))[:, 2]
            if body.size:
                low = max(low, template.origin[2] + body.min() * template.spacing[2] - 2.0)
    return low, high


def field_of_view(
    rng: np.random.Generator, points: Floats, limits: tuple[float, float], dx: Floats, dy: Floats
) -> NDArray[np.bool_]:
    """Draw the box of the patch that the imagined scan covers.

    Cuts where the template ends, along the patch's own axes, and at random.
    """
    shape = points.shape[1:]
    seen = np.ones(shape, bool)
    near = (np.abs(dx) < 45) & (np.abs(dy) < 55)
    n = shape[2]
    above = np.flatnonzero((near & (points[2] > limits[1])).any((0, 1)))
    below = np.flatnonzero((near & (points[2] < limits[0])).any((0, 1)))
    middle = np.flatnonzero((near & (points[2] <= limits[1]) & (points[2] >= limits[0])).any((0, 1)))
    centre = float(middle.mean()) if middle.size else n / 2
    top = int(above[above > centre].min()) if (above > centre).any() else n
    bottom = int(below[below < centre].max()) + 1 if (below < centre).any() else 0
    if rng.random() < 0.15 and top - bottom > 30:
        height = int(rng.uniform(60, 200) / LOCATE_SPACING_MM)
        start = int(rng.integers(bottom, max(bottom + 1, top - height)))
        top, bottom = min(top, start + height), max(bottom, start)
    seen[:, :, top:] = False
    seen[:, :, :bottom] = False
    if rng.random() < 0.33:
        column = np.argwhere(near[:, :, n // 2])
        mid = column.mean(0) if column.size else np.array(shape[:2]) / 2
        for axis in (0, 1):
            if rng.random() < 0.75:
                width = rng.uniform(60, 120) / LOCATE_SPACING_MM
                start = int(mid[axis] + rng.normal(0, 5) - width / 2)
                keep = np.zeros(shape[axis], bool)
                keep[max(start, 0) : int(start + width)] = True
                seen &= keep.reshape([-1 if a == axis else 1 for a in range(3)])
    elif rng.random() < 0.4:  # a round reconstruction field
        gx, gy = np.ogrid[: shape[0], : shape[1]]
        radius = rng.uniform(60, 130) / LOCATE_SPACING_MM
        cx, cy = np.array(shape[:2]) / 2 + rng.normal(0, 6, 2)
        seen &= (np.hypot(gx - cx, gy - cy) < radius)[:, :, None]
    return seen


def real_intensity(rng: np.random.Generator, image: Floats, spacing: float, most_slice_mm: float) -> Floats:
    """Vary a real image: gain, offset, gentle gamma on bone, then the scanner."""
    hu = image
    if rng.random() < 0.7:
        power = np.exp(rng.normal(0, 0.18))
        bright = hu > 80
        hu = np.where(bright, 80 + 600 * (np.clip(hu - 80, 0, None) / 600) ** power, hu)
        hu = np.where(bright, hu, hu + rng.normal(0, 15))
    return scan(rng, hu.astype(np.float32), spacing, most_slice_mm)


def make_hu(rng: np.random.Generator, source: Source, patch: Patch, points: Floats, spacing: float) -> Floats:
    """Hounsfield units of a patch before lesions and scanner (synthetic or real)."""
    partial = source.template.name in (BONE_ONLY, CUTOUTS)
    if patch.image is not None and not partial:
        return patch.image
    if not source.template.torso or partial:
        fill_unknown(rng, patch.labels, points, source.template)
    if 1 in source.template.centres and rng.random() < 0.75:
        add_skull(rng, patch, points, source.template)
    look = draw_bone_look(rng, spacing)
    hu, bone, _ = compose(rng, patch.labels, patch.region, patch.depth, look)
    if patch.image is None:
        return hu
    if source.template.name == CUTOUTS:
        return np.where(patch.depth > -0.8, patch.image, hu).astype(np.float32)
    shown = patch.image > 170
    hu = np.where(shown, patch.image, np.where(bone > 0.6, np.minimum(hu, 190), hu))
    return hu.astype(np.float32)


def locate_sample(
    rng: np.random.Generator,
    sources: list[Source],
    shape: tuple[int, int, int],
    real_share: float,
) -> LocateSample:
    """Make one sample of the locate net.

    Parameters
    ----------
    rng
        Random generator; the sample is a function of its state.
    sources
        From `load_sources`.
    shape
        Patch size in voxels of 3 mm.
    real_share
        Share of samples from real images.
    """
    source, level = pick(rng, sources, real_share, (*range(1, 25), 26))
    template = source.template
    ranges = WARP_REAL if source.real else WARP
    aim = template.centres[level] + rng.normal(0, 1, 3) * np.array([18.0, 16.0, 45.0])
    aim[1] -= rng.uniform(-10, 25)
    points = source_points(rng, shape, LOCATE_SPACING_MM, Aim(aim), ranges)
    if rng.random() < ranges.crush_share:
        crush(rng, points, template, level)
    patch = sample_patch(template, points, source.image)
    centre = template.centres[level]
    dx, dy = points[0] - centre[0], points[1] - centre[1]
    hu = make_hu(rng, source, patch, points, LOCATE_SPACING_MM)
    if source.real:
        hu = real_intensity(rng, hu, LOCATE_SPACING_MM, 6.0)
    else:
        hu = scan(rng, hu, LOCATE_SPACING_MM, 6.0)
    seen = field_of_view(rng, points, z_limits_cached(template), dx, dy)
    if source.real:
        seen &= patch.inside
    region = patch.region
    hu[~seen] = OUTSIDE_HU
    region[~seen] = 0
    spine = np.isin(region, (1, 2, 4, MERGED))
    ids = np.where(spine & (patch.labels <= 26), patch.labels, 0).astype(np.uint8)
    offset, known = offset_targets(points, template, ids[::2, ::2, ::2])
    return LocateSample(hu_channels(hu), region, ids, offset, known, template.name)


_LIMITS: dict[str, tuple[float, float]] = {}


def z_limits_cached(template: Template) -> tuple[float, float]:
    """`z_limits`, remembered by name."""
    if template.name not in _LIMITS:
        _LIMITS[template.name] = z_limits(template)
    return _LIMITS[template.name]


def offset_targets(
    points: Floats, template: Template, ids: NDArray[np.uint8]
) -> tuple[Floats, NDArray[np.bool_]]:
    """Vectors from half-resolution voxels to the centre of their own vertebra's body.

    Returns
    -------
    tuple
        (3, a/2, b/2, c/2) in units of `OFFSET_UNIT_MM`, and where they are known.
    """
    offset = np.zeros((3, *ids.shape), np.float32)
    known = np.zeros(ids.shape, bool)
    for level in np.unique(ids):
        if level in (0, 26) or int(level) not in template.centres:
            continue
        if int(level) in template.cut:
            continue
        centre = locate_point(points, template.centres[int(level)])
        if centre is None:
            continue
        own = ids == level
        where = np.nonzero(own)
        for axis in range(3):
            delta = (centre[axis] - (2.0 * where[axis] + 0.5)) * LOCATE_SPACING_MM
            offset[axis][where] = delta / OFFSET_UNIT_MM
        known |= own
    return offset, known
