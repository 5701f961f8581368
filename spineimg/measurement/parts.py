"""Division of each vertebra into its parts by geometry in the frame of the column, never by intensity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spineimg.core.grid import Points
from spineimg.core.labelmap import LabelMap, Part
from spineimg.core.levels import Level, Region
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.measurement.canal import CentreLine, Foramen, centre_line, derived_foramen, find_foramen
from spineimg.measurement.column import Piece, pieces, tangents

Parts = NDArray[np.uint8]


def divide(labels: LabelMap, settings: MeasurementSettings) -> LabelMap:
    """Give every vertebra its parts and the column its canal.

    Body and posterior elements are taken from ``labels.parts`` where the engine gave them; everything
    else, and
    everything where it gave none, comes from the column's geometry. Left and right are the patient's.

    Parameters
    ----------
    labels : LabelMap
        Vertebrae by level; ``parts`` may be None, coarse (body, posterior) or complete already.
    settings : MeasurementSettings
        Borders of the parts.

    Returns
    -------
    LabelMap
        The same labels with complete ``parts``.
    """
    column = pieces(labels, settings)
    parts = np.zeros(labels.grid.shape, dtype=np.uint8)
    if not column:
        return replace(labels, parts=parts)
    foramina = find_foramina(column, settings)
    for level, piece in column.items():
        given = None if labels.parts is None else labels.parts[piece.box]
        divided = _divide_piece(piece, foramina[level], given, settings)
        parts[piece.box][piece.mask] = divided
    line = centre_line(foramina, step_mm=1.0, reach_mm=settings.canal_widest_mm / 2)
    _draw_canal(parts, labels, line)
    return replace(labels, parts=parts)


def find_foramina(column: Mapping[Level, Piece], settings: MeasurementSettings) -> dict[Level, Foramen]:
    """Foramen of every level; those without a closed ring are derived from the nearest closed one."""
    points = {level: _ring_points(piece, column, settings) for level, piece in column.items()}
    along = tangents({level: np.asarray(p.mean(axis=0)) for level, p in points.items()})
    found = {level: find_foramen(points[level], along[level], settings) for level in column}
    centres = {level: f.frame.origin for level, f in found.items() if f is not None}
    if len(centres) > 1:
        along |= tangents(centres)
        found = {level: find_foramen(points[level], along[level], settings) for level in column}
    closed = [level for level, f in found.items() if f is not None]
    order = list(column)
    result: dict[Level, Foramen] = {}
    for level, f in found.items():
        if f is not None:
            result[level] = f
            continue
        near = min(closed, key=lambda other: abs(order.index(other) - order.index(level)), default=None)
        like = None if near is None else found[near]
        result[level] = derived_foramen(points[level], along[level], like, settings)
    return result


def _ring_points(piece: Piece, column: Mapping[Level, Piece], settings: MeasurementSettings) -> Points:
    """Dense points of a vertebra; of the sacrum only the part next to the lowest vertebra."""
    points = piece.dense_points(piece.mask, settings.point_step_mm)
    above = [level for level in column if level < piece.level]
    if piece.level.is_vertebra or not above:
        return points
    upper = column[above[-1]]
    direction = upper.dense_points(upper.mask, 3.0).mean(axis=0) - points.mean(axis=0)
    height = points @ (direction / np.linalg.norm(direction))
    return np.asarray(points[height > height.max() - settings.sacrum_top_mm])


@dataclass(frozen=True, slots=True, eq=False)
class Wall:
    """Posterior wall of a body in the foramen's frame: back = offset + slope * height."""

    offset: float
    slope: float

    def back_mm(self, height_mm: Points) -> Points:
        """Posterior coordinate of the wall at heights in the foramen's frame."""
        return np.asarray(self.offset + self.slope * height_mm)


def fit_wall(own: Points, foramen: Foramen, settings: MeasurementSettings) -> Wall:
    """Straight wall through the back of the bone ahead of the canal, near the midline (own points (n, 3))."""
    bin_mm, least_bins = 1.5, 4
    slab = max(settings.wall_slab_share * foramen.half_width_mm, 2.0)
    ahead = (np.abs(own[:, 0]) <= slab) & (own[:, 1] < 0.0)
    near = own[ahead & (own[:, 1] > -foramen.half_depth_mm - settings.canal_widest_mm)]
    default = Wall(-foramen.half_depth_mm, 0.0)
    if len(near) == 0:
        return default
    bins = np.floor(near[:, 2] / bin_mm).astype(int)
    height, back = [], []
    for b in np.unique(bins):
        here = near[bins == b]
        height.append((b + 0.5) * bin_mm)
        back.append(float(np.percentile(here[:, 1], 96)))
    heights, backs = np.array(height), np.array(back)
    span = np.ptp(heights)
    inner = np.abs(heights - np.median(heights)) <= 0.4 * span
    usual = np.median(backs[inner]) if inner.any() else np.median(backs)
    inner &= np.abs(backs - usual) <= foramen.half_depth_mm
    if inner.sum() < least_bins:
        return Wall(float(np.median(backs)), 0.0)
    slopes = np.subtract.outer(backs[inner], backs[inner]) / (
        np.subtract.outer(heights[inner], heights[inner]) + np.eye(int(inner.sum()))
    )
    slope = float(np.median(slopes[~np.eye(len(slopes), dtype=bool)]))
    offset = float(np.median(backs[inner] - slope * heights[inner]))
    return Wall(offset, slope)


def _divide_piece(
    piece: Piece, foramen: Foramen, given: Parts | None, settings: MeasurementSettings
) -> Parts:
    """Part of each voxel of a piece, in the order of ``piece.mask``."""
    if piece.level is Level.COCCYX:
        return np.full(int(piece.mask.sum()), Part.POSTERIOR, dtype=np.uint8)
    index = np.argwhere(piece.mask).astype(np.float64)
    own = foramen.frame.to_own_mm(piece.grid.to_lps_mm(index))
    known = np.zeros(len(own), dtype=np.uint8) if given is None else np.array(given[piece.mask])
    complete = np.isin(
        known, (Part.PEDICLE_LEFT, Part.PEDICLE_RIGHT, Part.FACET_LEFT, Part.FACET_RIGHT)
    ).any()
    if complete:
        return known
    dense = foramen.frame.to_own_mm(piece.dense_points(piece.mask, settings.point_step_mm))
    wall = fit_wall(dense, foramen, settings)
    behind = own[:, 1] - wall.back_mm(own[:, 2])
    between = np.abs(own[:, 0]) < settings.pedicle_inner_share * foramen.half_width_mm
    # Between the pedicles only the canal lies behind a body: flared rims belong to it.
    body = behind <= np.where(between, settings.rim_flare_mm, settings.wall_tolerance_mm)
    if (known == Part.BODY).sum() * piece.grid.voxel_ml >= settings.smallest_body_ml:
        body = (known == Part.BODY) | ((known == 0) & body)
    if piece.level is Level.C1:
        body = np.zeros(len(own), dtype=bool)
    result = _posterior_parts(own, wall, foramen, piece.level, settings)
    if not piece.level.is_vertebra:
        body &= np.abs(own[:, 0]) <= settings.sacrum_half_width_mm
        result = np.full(len(own), Part.POSTERIOR, dtype=np.uint8)
    result[body] = Part.BODY
    return result


def _posterior_parts(
    own: Points, wall: Wall, foramen: Foramen, level: Level, settings: MeasurementSettings
) -> Parts:
    """Part of each own point as if none were body."""
    place = (Region.CERVICAL, Region.THORACIC, Region.LUMBAR, Region.SACRAL).index(level.region) % 3
    side = np.abs(own[:, 0])
    left = own[:, 0] > 0.0
    behind = own[:, 1] - wall.back_mm(own[:, 2])
    width = foramen.half_width_mm
    canal_depth = foramen.half_depth_mm - wall.offset
    pedicle = (behind <= settings.pedicle_back_share * canal_depth) & (
        side >= settings.pedicle_inner_share * width
    )
    lateral = side > width + settings.process_from_mm[place]
    facet = (
        (side >= settings.facet_inner_share * width)
        & (behind <= canal_depth + settings.facet_behind_mm[place])
        & ~pedicle
    )
    if level is Level.C1:
        facet, pedicle = facet | pedicle, np.zeros_like(pedicle)
    result = np.full(len(own), Part.LAMINA, dtype=np.uint8)
    for inside, on_left, on_right in (
        (facet, Part.FACET_LEFT, Part.FACET_RIGHT),
        (pedicle, Part.PEDICLE_LEFT, Part.PEDICLE_RIGHT),
        (lateral, Part.RIB_JOINT_LEFT, Part.RIB_JOINT_RIGHT),
    ):
        result[inside & left] = on_left
        result[inside & ~left] = on_right
    return result


def _draw_canal(parts: Parts, labels: LabelMap, line: CentreLine) -> None:
    """Mark the tube about the centre-line where there is no bone."""
    reach = float(line.half_axes_mm.max()) + 1.0
    run = 20
    for start in range(0, len(line.lps_mm) - 1, run):
        stop = min(start + run + 1, len(line.lps_mm))
        knots, sizes = line.lps_mm[start:stop], line.half_axes_mm[start:stop]
        corners = np.stack([knots.min(axis=0) - reach, knots.max(axis=0) + reach])
        corners = np.array(np.meshgrid(*corners.T)).reshape(3, -1).T
        index = labels.grid.to_index(corners)
        low = np.clip(np.floor(index.min(axis=0)).astype(int), 0, labels.grid.shape)
        high = np.clip(np.ceil(index.max(axis=0)).astype(int) + 1, 0, labels.grid.shape)
        if np.any(low >= high):
            continue
        box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
        place = np.stack(
            np.meshgrid(*[np.arange(a, b) for a, b in zip(low, high, strict=True)], indexing="ij"), -1
        )
        lps = labels.grid.to_lps_mm(place)
        direction = knots[0] - knots[-1]
        up = direction / np.linalg.norm(direction)
        left = np.array([1.0, 0.0, 0.0]) - up[0] * up
        left /= np.linalg.norm(left)
        back = np.cross(up, left)
        along = (lps - knots[-1]) @ up
        knot_along = (knots - knots[-1]) @ up
        order = np.argsort(knot_along)
        curve = np.column_stack([knots @ left, knots @ back, sizes])[order]
        u0, v0, a, b = (np.interp(along, knot_along[order], curve[:, k]) for k in range(4))
        tube = ((lps @ left - u0) / a) ** 2 + ((lps @ back - v0) / b) ** 2 <= 1.0
        tube &= (along >= knot_along.min()) & (along <= knot_along.max())
        free = labels.array[box] == 0
        parts[box][tube & free] = Part.CANAL
