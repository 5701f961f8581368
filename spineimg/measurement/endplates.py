"""Upper and lower endplate of a body as lines below voxel size, in its sagittal and coronal middle slab."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.core.grid import Points
from spineimg.core.labelmap import LabelMap
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.core.volume import Modality, Volume
from spineimg.measurement.edges import (
    EdgeModel,
    Moments,
    Samples,
    flat_misfit,
    free_levels,
    gather,
    misfit,
    refine,
    smooth_path,
)
from spineimg.measurement.frame import Frame
from spineimg.measurement.slab import HEIGHT_STEP_MM, ROW_STEP_MM, Extent, Slab, cut_slab, step_along

HALF = 0.5
POSITION_STEP_MM = 0.25
LEVEL_ROWS = 7
LEAST_ROWS = 8
SAGITTAL, CORONAL = 1, 0


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

    def at_depth(self, share: float) -> tuple[float, float, float]:
        """Along, height and SD at a share of the depth, from a local parabola over some millimetres."""
        place = self.ends_mm[0] + share * (self.ends_mm[1] - self.ends_mm[0])
        height, sd = self.at(place)
        return place, height, sd

    def at(self, place_mm: float) -> tuple[float, float]:
        """Height and SD at a place along the line."""
        reach_mm, least = 4.0, 4
        off = self.along_mm - place_mm
        near = np.abs(off) <= reach_mm
        if near.sum() < least:
            near = np.argsort(np.abs(off)) < least
        x, y = off[near], self.height_mm[near]
        weight = (1.0 - (np.abs(x) / (np.abs(x).max() + 1e-6)) ** 3) / self.sd_mm[near]
        fit = np.polynomial.polynomial.polyfit(x, y, 2 if len(x) > least else 1, w=weight)
        return float(fit[0]), float(np.median(self.sd_mm[near]))

    def slope(self) -> tuple[float, float]:
        """Slope (height per along) of the chord between the 10 and 90 % points, and its SD."""
        a, za, sa = self.at_depth(0.1)
        b, zb, sb = self.at_depth(0.9)
        return (zb - za) / (b - a), float(np.hypot(sa, sb) / abs(b - a))


@dataclass(frozen=True, slots=True, eq=False)
class Plates:
    """Edges of a body in one slab; ``back`` is the posterior wall (rows along the cranial axis, sagittal only)."""

    upper: EdgeLine | None
    lower: EdgeLine | None
    back: EdgeLine | None
    slab: Slab


@dataclass(frozen=True, slots=True, eq=False)
class BodyBox:
    """Extent of a body in its own frame, mm: width, depth and height ranges (left, posterior, cranial)."""

    width: tuple[float, float]
    depth: tuple[float, float]
    height: tuple[float, float]

    @classmethod
    def of(cls, own: Points) -> BodyBox:
        """From own points (n, 3); the outermost percent at each end is left out."""
        low, high = np.percentile(own, [1, 99], axis=0)
        return cls((low[0], high[0]), (low[1], high[1]), (low[2], high[2]))


def find_endplates(
    volume: Volume, labels: LabelMap, verse_id: int, frame: Frame, body: BodyBox, settings: MeasurementSettings
) -> tuple[Plates, Plates]:
    """Edges in the mid-sagittal and the mid-coronal slab; None where the mask gives too little.

    Parameters
    ----------
    volume, labels : Volume, LabelMap
        Image and masks on one grid, ``labels.parts`` complete.
    verse_id : int
        Vertebra.
    frame : Frame
        Its own frame.
    body : BodyBox
        Extent of its body.
    settings : MeasurementSettings
        Slab width, search range, model of the edge.
    """
    margin = settings.edge_search_mm + 4.0
    half_width = HALF * settings.slab_width_share * (body.width[1] - body.width[0])
    half_depth = HALF * settings.slab_width_share * (body.depth[1] - body.depth[0])
    middle = HALF * (body.depth[0] + body.depth[1])
    height = (body.height[0] - margin, body.height[1] + margin)
    extents = (
        Extent(SAGITTAL, (body.depth[0] - 3.0, body.depth[1] + 3.0), (-half_width, half_width), height),
        Extent(
            CORONAL,
            (body.width[0] - 2.0, body.width[1] + 2.0),
            (middle - half_depth, middle + half_depth),
            height,
        ),
    )
    sagittal, coronal = (cut_slab(volume, labels, verse_id, frame, extent) for extent in extents)
    step = step_along(volume.grid, frame.axes[2])
    upper, lower = (_edge_line(sagittal, sign, step, volume.modality, settings) for sign in (1, -1))
    across = step_along(volume.grid, frame.axes[1])
    back = _edge_line(_turned(sagittal), 1, across, volume.modality, settings)
    left, right = (_edge_line(coronal, sign, step, volume.modality, settings) for sign in (1, -1))
    return Plates(upper, lower, back, sagittal), Plates(left, right, None, coronal)


def _turned(slab: Slab) -> Slab:
    """The same slab with rows along the cranial axis, so that its posterior edge can be found."""
    columns = np.arange(slab.along_mm[0], slab.along_mm[-1] + 1e-6, HEIGHT_STEP_MM)
    at = np.meshgrid(
        np.arange(0, len(slab.height_mm), int(ROW_STEP_MM / HEIGHT_STEP_MM)),
        (columns - slab.along_mm[0]) / ROW_STEP_MM,
        indexing="ij",
    )
    body, other = (
        ndimage.map_coordinates(mask.T, at, order=1, mode="nearest") for mask in (slab.body, slab.other)
    )
    rows = slab.height_mm[:: int(ROW_STEP_MM / HEIGHT_STEP_MM)]
    return Slab(rows, columns, body, other, slab.voxel_height_mm, slab.voxel_along_mm, slab.voxel_value)


def mask_surface(slab: Slab, outward: int) -> tuple[Points, NDArray[np.bool_]]:
    """Height of the mask's surface per row, linear between samples, and which rows have one."""
    body = slab.body if outward > 0 else slab.body[:, ::-1]
    height = slab.height_mm if outward > 0 else slab.height_mm[::-1]
    inside = body >= HALF
    has = inside.any(axis=1) & ~inside[:, -1]
    last = body.shape[1] - 1 - inside[:, ::-1].argmax(axis=1)
    after = np.minimum(last + 1, body.shape[1] - 1)
    rows = np.arange(len(body))
    here, there = body[rows, last], body[rows, after]
    part = (here - HALF) / np.where(here > there, here - there, 1.0)
    surface = height[last] + outward * np.clip(part, 0.0, 1.0) * HEIGHT_STEP_MM
    return np.asarray(surface), np.asarray(has)


def _edge_line(
    slab: Slab, outward: int, step_mm: float, modality: Modality, settings: MeasurementSettings
) -> EdgeLine | None:
    surface, has = mask_surface(slab, outward)
    thick = (slab.body >= HALF).sum(axis=1) * HEIGHT_STEP_MM
    if has.sum() < LEAST_ROWS:
        return None
    has &= thick > 0.35 * np.median(thick[has])
    ends = _ends(slab, surface, has, outward, settings)
    rows = np.flatnonzero(has & (slab.along_mm >= ends[0] - 1.0) & (slab.along_mm <= ends[1] + 1.0))
    if len(rows) < LEAST_ROWS:
        return None
    start = ndimage.median_filter(surface[rows], size=5, mode="nearest")
    start = ndimage.gaussian_filter1d(start, 1.0 + HALF * step_mm, mode="nearest")
    gap = _free_mm(slab, rows, start, outward, settings)
    place = _Search(slab.along_mm[rows], start, outward, gap, step_mm)
    cost, levels, gain = _search(slab, place, modality, settings)
    position = place.positions(settings)
    path = smooth_path(cost, settings.step_cost, settings.jump_cost)
    offset = refine(cost, path, position)
    at = np.arange(len(rows))
    outside, inside, plate = (levels[at, 0, term] for term in range(3))
    contrast = np.maximum(np.abs(inside + plate - outside), np.abs(inside - outside))
    found = gain[at, path] > settings.edge_gain
    if modality is Modality.CT:
        found &= contrast > settings.edge_smallest_hu
    found = ndimage.median_filter(found.astype(np.uint8), size=5, mode="nearest").astype(bool)
    height = np.where(found, start + outward * offset, start)
    edge_sd = np.hypot(settings.edge_sd_mm, settings.edge_sd_per_spacing * step_mm)
    mask_sd = np.hypot(settings.mask_sd_mm, settings.mask_sd_per_spacing * step_mm)
    return EdgeLine(slab.along_mm[rows], height, np.where(found, edge_sd, mask_sd), found, ends)


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """Where an edge is looked for: rows, the start at each, outward sign, free distance and voxel length."""

    along_mm: Points
    start_mm: Points
    outward: int
    free_mm: float
    voxel_mm: float

    def positions(self, settings: MeasurementSettings) -> Points:
        """Candidate positions, outward positive from the start."""
        furthest = min(settings.edge_search_mm, self.free_mm)
        return np.arange(-settings.edge_search_mm, furthest + 1e-6, POSITION_STEP_MM)


def _search(
    slab: Slab, place: _Search, modality: Modality, settings: MeasurementSettings
) -> tuple[Points, Points, Points]:
    """Cost (n, k) of each position, levels (n, 1, 3) that the rows share with their neighbours, and gain (n, k)."""
    samples = _near(slab, place, settings)
    position = place.positions(settings)
    best: tuple[float, EdgeModel, Moments] | None = None
    for kernel in settings.kernel_sds_mm:
        model = EdgeModel(settings.endplate_thickness_mm, place.voxel_mm, kernel, modality is Modality.CT)
        moments = gather(samples, position, model)
        rest = float(np.median(free_levels(moments, model)[1].min(axis=1)))
        if best is None or rest < best[0]:
            best = (rest, model, moments)
    if best is None:
        raise ValueError("settings.kernel_sds_mm is empty")
    _, model, moments = best
    levels, rest = free_levels(moments, model)
    prior = HALF * (position[None] / (settings.mask_trust_mm + 0.3 * place.voxel_mm)) ** 2
    cost = prior
    for _ in range(2):
        noise = np.maximum(np.median(rest.min(axis=1)), 1.0)
        effective = np.maximum(moments.count, 1.0)[:, None]
        excess = (rest - rest.min(axis=1, keepdims=True)) * effective / (2.0 * noise)
        cost = np.minimum(excess, settings.cost_cap) + prior
        path = smooth_path(cost, settings.step_cost, settings.jump_cost)
        chosen = levels[np.arange(len(path)), path if levels.shape[1] > 1 else 0]
        shared = ndimage.median_filter(chosen, size=(LEVEL_ROWS, 1), mode="nearest")
        levels = ndimage.gaussian_filter1d(shared, 2.0, axis=0, mode="nearest")[:, None]
        rest = misfit(moments, levels)
        if modality is Modality.CT:
            own, own_rest = free_levels(moments, model)
            rest = 0.7 * rest + 0.3 * own_rest
    gain = (flat_misfit(moments)[:, None] - rest) / np.maximum(rest.min(axis=1, keepdims=True), 1.0)
    return cost, levels, gain


def _near(slab: Slab, place: _Search, settings: MeasurementSettings) -> Samples:
    """Voxels within reach of the search, weighted to the rows."""
    start = np.interp(slab.voxel_along_mm, place.along_mm, place.start_mm)
    outward = place.outward * (slab.voxel_height_mm - start)
    inward_mm = settings.edge_search_mm + 3.0 + HALF * place.voxel_mm
    near = (outward >= -inward_mm) & (outward <= place.free_mm + HALF * place.voxel_mm)
    row = (slab.voxel_along_mm[near][None] - place.along_mm[:, None]) / settings.row_sd_mm
    depth = outward[near]
    weight = np.exp(-0.5 * row**2) * np.exp(-0.5 * (depth / (0.6 * inward_mm)) ** 2)[None]
    return Samples(np.where(np.abs(row) < 3.0, weight, 0.0), depth, slab.voxel_value[near])


def _ends(
    slab: Slab, surface: Points, has: NDArray[np.bool_], outward: int, settings: MeasurementSettings
) -> tuple[float, float]:
    """Front and back of an endplate, a little inside the body; rims beyond the waist's reach are cut off."""
    line = np.polynomial.polynomial.polyfit(slab.along_mm[has], surface[has], 1)
    level = line[0] + line[1] * slab.along_mm - outward * settings.depth_clear_mm
    near = _row_ends(slab, level)
    other, whole = mask_surface(slab, -outward)
    if whole.sum() <= LEAST_ROWS:
        return near
    far = np.polynomial.polynomial.polyfit(slab.along_mm[whole], other[whole], 1)
    waist = _row_ends(slab, HALF * (line[0] + far[0] + (line[1] + far[1]) * slab.along_mm))
    limit = settings.osteophyte_mm
    return max(near[0], waist[0] - limit), min(near[1], waist[1] + limit)


def _row_ends(slab: Slab, level_mm: Points) -> tuple[float, float]:
    """First and last crossing of the body's border along a row that follows ``level_mm``."""
    column = (level_mm - slab.height_mm[0]) / HEIGHT_STEP_MM
    row = ndimage.map_coordinates(slab.body, [np.arange(len(column)), column], order=1, mode="nearest")
    inside = row >= HALF
    if not inside.any():
        return float(slab.along_mm[0]), float(slab.along_mm[-1])
    pieces, _ = ndimage.label(inside)
    largest = int(np.bincount(pieces.ravel())[1:].argmax()) + 1
    where = np.flatnonzero(pieces == largest)
    first, last = int(where[0]), int(where[-1])
    return _crossing(slab.along_mm, row, first, -1), _crossing(slab.along_mm, row, last, 1)


def _crossing(along: Points, row: Points, inside: int, towards: int) -> float:
    outside = inside + towards
    if not 0 <= outside < len(row):
        return float(along[inside])
    part = (row[inside] - HALF) / max(row[inside] - row[outside], 1e-9)
    return float(along[inside] + part * (along[outside] - along[inside]))


def _free_mm(
    slab: Slab, rows: NDArray[np.intp], start: Points, outward: int, settings: MeasurementSettings
) -> float:
    """How far outward the profiles may look before the neighbour's own endplate: half the gap of the masks."""
    other = slab.other[rows] >= HALF
    outer = (slab.height_mm[None] - start[:, None]) * outward
    gap = np.where(other & (outer > 0.0), outer, np.inf).min(axis=1)
    furthest = settings.edge_search_mm + 1.5
    return float(np.clip(HALF * np.percentile(np.minimum(gap, 4.0 * furthest), 25), 1.0, furthest))
