"""The surface of a body along one line, below voxel size, on the image's own edge near the mask's border."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.core.grid import Points
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.core.volume import Modality
from spineimg.measurement.edges import (
    EdgeModel,
    Moments,
    PlatePrior,
    Samples,
    Voxels,
    binned,
    flat_misfit,
    free_levels,
    gather,
    misfit,
    refine,
    smooth_path,
)
from spineimg.measurement.outline import HALF, LEAST_ROWS, line_ends, mask_surface
from spineimg.measurement.slab import HEIGHT_STEP_MM, Slab

POSITION_STEP_MM = 0.25
LEVEL_ROWS = 7
INDEPENDENT_ROWS = 3.0
"""So many rows of a short stretch err apart (ours)."""
STEEPEST = 0.5
"""Steeper than this is the rounded rim, no plate."""
RIM_SHARE = 0.2
"""Shares of the depth at both ends where rims rise."""


@dataclass(frozen=True, slots=True, eq=False)
class EdgeLine:
    """One endplate in one slab, in own coordinates.

    Parameters
    ----------
    along_mm, height_mm : ndarray, (n,)
        Posterior (or left) and cranial coordinate.
    sd_mm : ndarray, (n,)
        SD of each height.
    on_image : ndarray of bool, (n,)
        Whether the image's own edge was found there; elsewhere the mask's surface stands in.
    ends_mm : tuple of float
        Front and back (or right and left) end of the endplate, osteophytes left out.
    """

    along_mm: Points
    height_mm: Points
    sd_mm: Points
    on_image: NDArray[np.bool_]
    ends_mm: tuple[float, float]
    seen: EdgeModel | None = None
    plate: float = 0.0
    """Blur that fitted best, and the median extra height of the plate.

    What other edges of the scan may know.
    """

    ends_sd_mm: float = 0.0
    """SD of both ends along the line: on a steep plate a point beside its place has another height."""
    rim_sd_mm: float = 0.0
    """SD that the raised rims add near both ends."""
    flat_mm: tuple[float, float] | None = None
    """Stretch that alone tells the slope, where what lies beside it is no endplate."""

    def at_depth(self, share: float) -> tuple[float, float, float]:
        """Along, height and SD at a share of the depth, from a local parabola over some millimetres."""
        place = self.ends_mm[0] + share * (self.ends_mm[1] - self.ends_mm[0])
        height, slope, sd = self._local(place)
        rim = self.rim_sd_mm if min(share, 1.0 - share) < RIM_SHARE else 0.0
        along = min(abs(slope), STEEPEST) * self.ends_sd_mm
        return place, height, float(np.sqrt(sd**2 + along**2 + rim**2))

    def at(self, place_mm: float) -> tuple[float, float]:
        """Height and SD at a place along the line."""
        height, _, sd = self._local(place_mm)
        return height, sd

    def slope(self) -> tuple[float, float]:
        """Slope (height per along) of the chord between the 10 and 90 % points; SD as if both erred apart."""
        if self.flat_mm is not None:
            return self._straight(*self.flat_mm)
        a, za, sa = self.at_depth(0.1)
        b, zb, sb = self.at_depth(0.9)
        return (zb - za) / (b - a), float(np.hypot(sa, sb) / abs(b - a))

    def _straight(self, first_mm: float, last_mm: float) -> tuple[float, float]:
        """Slope of a straight line over a stretch, and its SD; neighbouring rows err alike."""
        inside = (self.along_mm >= first_mm) & (self.along_mm <= last_mm)
        x = self.along_mm[inside]
        slope = np.polynomial.polynomial.polyfit(x, self.height_mm[inside], 1)[1]
        spread = float(np.std(x)) * np.sqrt(INDEPENDENT_ROWS)
        return float(slope), float(np.median(self.sd_mm[inside])) / spread

    def _local(self, place_mm: float) -> tuple[float, float, float]:
        """Height, slope and SD at a place."""
        reach_mm, least = 4.0, 4
        off = self.along_mm - place_mm
        near = np.abs(off) <= reach_mm
        if near.sum() < least:
            near = np.argsort(np.abs(off)) < least
        x, y = off[near], self.height_mm[near]
        weight = (1.0 - (np.abs(x) / (np.abs(x).max() + 1e-6)) ** 3) / self.sd_mm[near]
        fit = np.polynomial.polynomial.polyfit(x, y, 2 if len(x) > least else 1, w=weight)
        return float(fit[0]), float(fit[1]), float(np.median(self.sd_mm[near]))


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """How an edge is looked for.

    Parameters
    ----------
    outward : int
        1 for the upper or posterior side, -1 for the lower one.
    voxel_mm : float
        Voxel length across the edge.
    modality : Modality
        CT plates are bright; MR plates may be dark.
    plate : PlatePrior or None
        What the other edges of the scan say of the plate.
    """

    outward: int
    voxel_mm: float
    modality: Modality
    plate: PlatePrior | None = None


def find_edge_line(slab: Slab, look: Look, settings: MeasurementSettings) -> EdgeLine | None:
    """Find one surface of the body; None where the mask gives too little to start from."""
    surface, has = mask_surface(slab, look.outward)
    if has.sum() < LEAST_ROWS:
        return None
    thick = (slab.body >= HALF).sum(axis=1) * HEIGHT_STEP_MM
    has &= thick > settings.ragged_share * np.median(thick[has])
    ends = line_ends(slab, surface, has, look.outward, settings)
    rows = np.flatnonzero(has & (slab.along_mm >= ends[0] - 1.0) & (slab.along_mm <= ends[1] + 1.0))
    if len(rows) < LEAST_ROWS:
        return None
    start = ndimage.median_filter(surface[rows], size=5, mode="nearest")
    start = ndimage.gaussian_filter1d(start, 1.0 + HALF * look.voxel_mm, mode="nearest")
    place = _Search(slab.along_mm[rows], start, _free_mm(slab, rows, start, look.outward, settings))
    fit = _search(slab, place, look, settings)
    path = _path(fit.cost, look, settings)
    offset = refine(fit.cost, path, fit.position_mm)
    outside, inside, plate = fit.levels.T
    contrast = np.maximum(np.abs(inside + plate - outside), np.abs(inside - outside))
    found = fit.gain[np.arange(len(rows)), path] > settings.edge_gain
    if look.modality is Modality.CT:
        found &= contrast > settings.edge_smallest_hu
    found = ndimage.median_filter(found.astype(np.uint8), size=5, mode="nearest").astype(bool)
    height = np.where(found, start + look.outward * offset, start)
    edge_sd = settings.edge_sd_mm + settings.edge_sd_per_square * look.voxel_mm**2
    mask_sd = np.hypot(settings.mask_sd_mm, settings.mask_sd_per_spacing * look.voxel_mm)
    sd = np.where(found, edge_sd, mask_sd)
    typical = float(np.median(plate[found])) if found.any() else 0.0
    doubt = (settings.ends_sd_mm, settings.rim_sd_mm + settings.rim_sd_per_spacing * look.voxel_mm)
    line = (slab.along_mm[rows], np.asarray(height), np.asarray(sd), found)
    return EdgeLine(*line, ends, fit.model, typical, *doubt)


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """Rows, the start at each, and how far outward the neighbour leaves free."""

    along_mm: Points
    start_mm: Points
    free_mm: float


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """Cost and gain (n, k) of the positions (k,).

    Levels (n, 3) that rows share with their neighbours, model.
    """

    position_mm: Points
    cost: Points
    gain: Points
    levels: Points
    model: EdgeModel


def _search(slab: Slab, place: _Search, look: Look, settings: MeasurementSettings) -> _Fit:
    """Free fit for every kernel, then levels shared along the edge.

    The contrast changes slowly, the edge may not.
    """
    reach = settings.edge_search_mm + settings.search_per_spacing * look.voxel_mm
    position = np.arange(-reach, min(reach, place.free_mm) + 1e-6, POSITION_STEP_MM)
    samples = _near(slab, place, look, reach, settings)
    kernels = (look.plate.kernel_mm,) if look.plate else settings.kernel_sds_mm
    fits: list[tuple[float, EdgeModel, Moments]] = []
    for kernel in kernels:
        model = EdgeModel(settings.endplate_thickness_mm, look.voxel_mm, kernel, look.modality is Modality.CT)
        moments = gather(samples, position, model)
        fits.append(
            (float(np.median(free_levels(moments, model, look.plate)[1].min(axis=1))), model, moments)
        )
    _, model, moments = min(fits, key=lambda fit: fit[0])
    free, free_rest = free_levels(moments, model, look.plate)
    prior = HALF * (position[None] / (settings.mask_trust_mm + 0.3 * look.voxel_mm)) ** 2
    levels, rest = free, free_rest
    cost = prior
    for _ in range(2):
        noise = np.maximum(np.median(rest.min(axis=1)), 1.0)
        effective = np.maximum(moments.count, 1.0)[:, None]
        excess = (rest - rest.min(axis=1, keepdims=True)) * effective / (2.0 * noise)
        cost = np.minimum(excess, settings.cost_cap) + prior
        path = _path(cost, look, settings)
        chosen = free[np.arange(len(path)), path]
        shared = ndimage.median_filter(chosen, size=(LEVEL_ROWS, 1), mode="nearest")
        levels = ndimage.gaussian_filter1d(shared, 2.0, axis=0, mode="nearest")
        share = settings.shared_levels
        rest = share * misfit(moments, levels[:, None]) + (1.0 - share) * free_rest
    gain = (flat_misfit(moments)[:, None] - rest) / np.maximum(rest.min(axis=1, keepdims=True), 1.0)
    return _Fit(position, cost, gain, levels, model)


def _path(cost: Points, look: Look, settings: MeasurementSettings) -> NDArray[np.intp]:
    """Smoothest cheap path; thick slices can't show a step, so the path is stiffer there."""
    stiff = max(1.0, look.voxel_mm) ** settings.stiffening
    return smooth_path(cost, settings.step_cost * stiff, settings.jump_cost * stiff)


def _near(slab: Slab, place: _Search, look: Look, reach_mm: float, settings: MeasurementSettings) -> Samples:
    """Voxels within reach of the search, summed to the rows."""
    start = np.interp(slab.voxel_along_mm, place.along_mm, place.start_mm)
    outward = look.outward * (slab.voxel_height_mm - start)
    half = HALF * look.voxel_mm
    span = (-reach_mm - settings.inside_mm - half, place.free_mm + half)
    voxels = Voxels(slab.voxel_along_mm, outward, slab.voxel_value)
    return binned(voxels, place.along_mm, settings.row_sd_mm, span)


def _free_mm(
    slab: Slab, rows: NDArray[np.intp], start: Points, outward: int, settings: MeasurementSettings
) -> float:
    """How far outward the profiles may look before the neighbour's own endplate.

    Half the gap of the masks.
    """
    other = slab.other[rows] >= HALF
    outer = (slab.height_mm[None] - start[:, None]) * outward
    gap = np.where(other & (outer > 0.0), outer, np.inf).min(axis=1)
    furthest = settings.edge_search_mm + 1.5
    return float(np.clip(HALF * np.percentile(np.minimum(gap, 4.0 * furthest), 25), 1.0, furthest))
