"""One vertebra with everything that is known of its shape: what the later steps measure on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from spineimg.core.grid import Points
from spineimg.core.labelmap import LabelMap, Part
from spineimg.core.levels import Level, Region
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.core.volume import Modality, Volume
from spineimg.measurement.column import Piece, pieces, tangents, unit
from spineimg.measurement.edge_line import EdgeLine
from spineimg.measurement.edges import PlatePrior
from spineimg.measurement.endplates import BodyBox, Plates, find_endplates, scan_plate, with_known_plate
from spineimg.measurement.frame import Frame, body_frame, endplate_planes, frame_towards
from spineimg.measurement.slab import step_along
from spineimg.measurement.tilt import Seen, Tilt, plate_tilt

NUDGE_MM = 25.0


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """A vertebra, its frame, the extent of its body and its edges.

    Parameters
    ----------
    piece : Piece
        Mask in its box.
    frame : Frame
        Own frame, origin at the centroid of the body.
    box : BodyBox
        Extent of the body.
    sagittal, coronal : Plates
        Edges in both middle slabs.
    step_mm : ndarray, (3,)
        Voxel length along left, posterior and cranial.
    body_ml : float
        Volume of the body's mask.
    canal_own_mm : ndarray, (3,)
        Middle of the canal at this level, own coordinates.
    """

    piece: Piece
    frame: Frame
    box: BodyBox
    sagittal: Plates
    coronal: Plates
    step_mm: Points
    body_ml: float
    canal_own_mm: Points
    tilts: Mapping[str, Tilt]
    """Tilt of the "upper" or "lower" endplate by all its voxels, where slices are thick; else empty."""

    @property
    def level(self) -> Level:
        """Its level."""
        return self.piece.level

    def surface_mm(self, own: Points, which: str) -> Points | None:
        """Height of the "upper" or "lower" endplate over own points (n, 3).

        Sagittal line plus coronal bow.
        """
        sagittal: EdgeLine | None = getattr(self.sagittal, which)
        coronal: EdgeLine | None = getattr(self.coronal, which)
        if sagittal is None:
            return None
        height = np.interp(own[:, 1], sagittal.along_mm, sagittal.height_mm)
        if coronal is not None:
            bow = np.interp(own[:, 0], coronal.along_mm, coronal.height_mm)
            height = height + bow - np.interp(0.0, coronal.along_mm, coronal.height_mm)
        return np.asarray(height)


def find_bodies(volume: Volume, labels: LabelMap, settings: MeasurementSettings) -> dict[Level, Body]:
    """Frames and edges of all vertebrae and the sacrum; ``labels.parts`` must be complete (see `divide`)."""
    if labels.parts is None:
        raise ValueError("labels have no parts; divide them first")
    column = pieces(labels, settings)
    points = {level: _body_points(piece, labels, settings) for level, piece in column.items()}
    centres = {level: np.asarray(p.mean(axis=0)) for level, p in points.items()}
    for level in column:
        if not level.is_vertebra and level > min(column):
            above = points[_above(level, column)].mean(axis=0)
            start = points[level].mean(axis=0)
            for _ in range(3):
                start = _top(points[level], above - start, settings).mean(axis=0)
            points[level] = _top(points[level], above - start, settings)
            centres[level] = np.asarray(points[level].mean(axis=0))
    along = tangents(centres) if centres else {}
    whole = {level: at for level, at in centres.items() if column[level].body_whole or not level.is_vertebra}
    if len(whole) > 1:  # the centre of a cut body lies anywhere: it bends no neighbour's tangent
        along |= tangents(whole)
    canals = _canal_points(labels, column)
    found: dict[Level, Body] = {}
    for level, piece in column.items():
        own_canal = _canal_at(centres[level], along[level], canals)
        if level.is_vertebra:
            step = step_along(volume.grid, along[level])
            frame = body_frame(points[level], own_canal, along[level], step, settings)
            body = points[level]
        else:
            frame, body = _sacral_frame(points[level], own_canal, along[level], settings)
        box = BodyBox.of(frame.to_own_mm(body))
        sagittal, coronal = find_endplates(volume, labels, level.verse_id, frame, box, settings)
        coronal = between_uncinates(coronal, level, settings)
        if not level.is_vertebra:  # fused with S2: what looks like a lower endplate is none
            sagittal, coronal = replace(sagittal, lower=None), replace(coronal, lower=None)
        steps = np.array([step_along(volume.grid, axis) for axis in frame.axes])
        share = (labels.parts[piece.box][piece.mask] == Part.BODY).sum() * labels.grid.voxel_ml
        canal = frame.to_own_mm(own_canal)
        found[level] = Body(piece, frame, box, sagittal, coronal, steps, float(share), canal, {})
    return _on_thick_slices(found, (volume, labels), settings)


def _on_thick_slices(
    bodies: dict[Level, Body], scan: tuple[Volume, LabelMap], settings: MeasurementSettings
) -> dict[Level, Body]:
    """On coarse CT one slice may hold a whole endplate.

    Then the plate that the scan shows elsewhere decides, and the tilt is read off all of the plate's voxels.
    """
    plate = scan_plate([body.sagittal for body in bodies.values()], settings)
    if plate is None or scan[0].modality is not Modality.CT:
        return bodies
    result = dict(bodies)
    for level, body in bodies.items():
        if body.step_mm[2] >= settings.coarse_from_mm:
            again = replace(
                body,
                sagittal=with_known_plate(body.sagittal, plate, settings),
                coronal=between_uncinates(with_known_plate(body.coronal, plate, settings), level, settings),
            )
            result[level] = replace(again, tilts=_tilts(again, plate, scan, settings))
    return result


def between_uncinates(coronal: Plates, level: Level, settings: MeasurementSettings) -> Plates:
    """The upper endplate of a cervical body ends where its uncinate processes rise: they tell no tilt."""
    line = coronal.upper
    if line is None or level.region is not Region.CERVICAL:
        return coronal
    middle, half = (line.ends_mm[0] + line.ends_mm[1]) / 2.0, (line.ends_mm[1] - line.ends_mm[0]) / 2.0
    half *= settings.uncinate_free_share
    inner = (middle - half, middle + half)
    least = 4
    if ((line.along_mm >= inner[0]) & (line.along_mm <= inner[1])).sum() < least:
        return coronal
    return replace(coronal, upper=replace(line, ends_mm=inner, flat_mm=inner))


def _tilts(
    body: Body, plate: PlatePrior, scan: tuple[Volume, LabelMap], settings: MeasurementSettings
) -> dict[str, Tilt]:
    """Tilts that alignment reads: of the upper endplate, and of C2, which has none, the lower one."""
    which, outward = ("lower", -1) if body.level is Level.C2 else ("upper", 1)
    sagittal: EdgeLine | None = getattr(body.sagittal, which)
    coronal: EdgeLine | None = getattr(body.coronal, which)
    if sagittal is None or coronal is None:
        return {}
    seen = Seen(sagittal, coronal, outward, float(body.step_mm[2]))
    tilt = plate_tilt(scan, body.frame, seen, plate, settings)
    return {} if tilt is None else {which: tilt}


def _body_points(piece: Piece, labels: LabelMap, settings: MeasurementSettings) -> Points:
    """Dense points of the body; of the whole vertebra where it has none (C1, fragments)."""
    parts = labels.parts[piece.box] if labels.parts is not None else np.zeros(piece.mask.shape)
    body = piece.mask & (parts == Part.BODY)
    if body.sum() * piece.grid.voxel_ml < settings.smallest_body_ml:
        body = piece.mask
    return piece.dense_points(body, settings.point_step_mm)


def _above(level: Level, column: Mapping[Level, Piece]) -> Level:
    return max(other for other in column if other < level)


def _top(points: Points, direction: Points, settings: MeasurementSettings) -> Points:
    """The part of the sacrum next to the vertebra above, near the midline: S1."""
    height = points @ unit(direction)
    near = points[height > height.max() - settings.sacrum_top_mm]
    return np.asarray(near[np.abs(near[:, 0] - np.median(near[:, 0])) < settings.sacrum_half_width_mm])


def _canal_points(labels: LabelMap, column: Mapping[Level, Piece]) -> Points:
    """Thinned LPS points of the canal near the column, shape (n, 3)."""
    if labels.parts is None or not column:
        return np.empty((0, 3))
    starts = np.array([[s.start for s in piece.box] for piece in column.values()]).min(axis=0)
    stops = np.array([[s.stop for s in piece.box] for piece in column.values()]).max(axis=0)
    stride = np.maximum(1, np.round(2.0 / labels.grid.spacing_mm)).astype(int)
    box = tuple(slice(int(a), int(b), int(n)) for a, b, n in zip(starts, stops, stride, strict=True))
    index = np.argwhere(labels.parts[box] == Part.CANAL) * stride + starts
    return labels.grid.to_lps_mm(index)


def _canal_at(centre: Points, tangent: Points, canal: Points) -> Points:
    """Middle of the canal in the slice across the column at a body's centre."""
    slice_mm, reach_mm, least = 4.0, 60.0, 8
    off = canal - centre
    near = (np.abs(off @ tangent) <= slice_mm) & (np.linalg.norm(off, axis=1) <= reach_mm)
    if near.sum() < least:
        return np.asarray(centre + np.array([0.0, NUDGE_MM, 0.0]))
    return np.asarray(canal[near].mean(axis=0))


def _sacral_frame(
    points: Points, canal: Points, tangent: Points, settings: MeasurementSettings
) -> tuple[Frame, Points]:
    """Frame of S1 from its upper endplate, and the points of its body: what lies under that endplate."""
    up, body = tangent, points
    frame = frame_towards(points.mean(axis=0), up, canal - points.mean(axis=0))
    for _ in range(3):
        height = points @ up
        body = points[height > np.percentile(height, 99.5) - settings.sacral_body_mm]
        centre = np.asarray(body.mean(axis=0))
        frame = frame_towards(centre, up, canal - centre)
        planes = endplate_planes(frame.to_own_mm(body), settings)
        if planes is None:
            break
        up = unit(planes[0].normal() @ frame.axes)
    return frame, body
