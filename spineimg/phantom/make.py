"""From a specification to a scan with labels: everything evaluated where the voxels lie."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spineimg.core.grid import Grid, Points
from spineimg.core.labelmap import EngineId, LabelMap, Part
from spineimg.core.levels import LEVELS, Level
from spineimg.core.volume import Modality, Origin, Volume
from spineimg.phantom.between import canal_path, disc, tube
from spineimg.phantom.canvas import Canvas, Window, coordinates, frame_affine, full_coordinates, window_of
from spineimg.phantom.column import Stand, column
from spineimg.phantom.lesions import lesion_cover, lesion_solid
from spineimg.phantom.marrow import marrow_hu
from spineimg.phantom.place import scan_grid, scan_pose, subdivided
from spineimg.phantom.profile import Profile, make_profile
from spineimg.phantom.scanner import scanned
from spineimg.phantom.shapes import Coordinates, Field, cover
from spineimg.phantom.skeleton import SACRUM_BOX, pelvis, ribs, sacrum, skull, sternum
from spineimg.phantom.spec import PhantomSpec
from spineimg.phantom.torso import Torso
from spineimg.phantom.vertebra import bounding_box, vertebra

SOFT, RIB, DISC, OTHER, SACRUM_TISSUE = 1, 2, 3, 4, 5
_CHUNK_VOXELS = 1_000_000
_SOFT_MM = 2.0
"""Step of the grid for soft tissue."""
_EDGE_SHARE = 0.7
"""Interpolation widens edges: they are drawn narrower before."""


@dataclass(frozen=True, eq=False)
class Phantom:
    """A scan with its labels; ``tissue``: 0 outside, 1 soft, 2 rib, 3 disc, 4 other bone, 5 sacrum."""

    spec: PhantomSpec
    volume: Volume
    labels: LabelMap
    tissue: NDArray[np.uint8]
    pose: Points
    """Patient frame to LPS of the scanner, (4, 4)."""
    stands: dict[Level, Stand] = field(repr=False)

    @functools.cached_property
    def truth(self) -> dict[str, Any]:
        """Exact records (truth.json), from the construction, not from the voxels."""
        from spineimg.phantom.truth import truth_records

        return truth_records(self)


def make_phantom(spec: PhantomSpec) -> Phantom:
    """Draw one scan.

    Parameters
    ----------
    spec : PhantomSpec
        Patient, disease and scan; the same specification gives the same bytes.

    Returns
    -------
    Phantom
        CT volume (int16 HU, array axes as the grid's), labels with parts, lesions and lesion types.
    """
    stands = column(spec)
    pose = scan_pose(spec, stands)
    grid = spec.grid if spec.grid is not None else scan_grid(spec, stands, pose)
    fine, counts = subdivided(grid)
    to_patient = np.linalg.inv(pose) @ fine.affine
    profile = make_profile(stands, spec.patient.girth * spec.patient.size, spec.patient.fat_mm)

    canvas = Canvas(fine)
    _draw_vertebrae(canvas, spec, stands, to_patient)
    _draw_other_bones(canvas, spec, stands, to_patient, profile)
    hu, tissue = _paint_soft(spec, stands, to_patient, fine, profile)
    canal = _paint_canal(hu, stands, to_patient, fine)
    _paint_discs(hu, tissue, stands, to_patient, fine)
    bone = _paint_bone(hu, canvas, spec)
    array = scanned(hu, fine, grid, counts, spec.scan)
    labels, tissue = _labels(canvas, bone, canal, tissue, counts, grid)
    modality = Modality.CT if spec.scan.contrast == "CT" else Modality.MR
    volume = Volume(array, grid, modality, Origin(path=f"phantom-{spec.patient.seed}-{spec.scan.seed}"))
    return Phantom(spec, volume, labels, tissue, pose, stands)


def _draw_vertebrae(canvas: Canvas, spec: PhantomSpec, stands: dict[Level, Stand], to_patient: Points) -> None:
    for level, stand in stands.items():
        affine = frame_affine(to_patient, stand.centre, stand.frame)
        low, high = SACRUM_BOX if level is Level.SACRUM else bounding_box(level, stand.shape)
        window = window_of(affine, np.array(low), np.array(high), canvas.grid.shape)
        if window is None:
            continue
        p = full_coordinates(affine, window)
        if level is Level.SACRUM:
            distance = sacrum(p, stand)
            part = np.where(p.y < np.float32(stand.shape.size.depth / 2 - 1) + p.z * np.float32(0.13), 1, 9)
            part = part.astype(np.uint8)
        else:
            solid = vertebra(p, level, stand.shape)
            distance, part = solid.distance, solid.part
        won = canvas.draw(window, level.verse_id, distance)
        canvas.part[window][won] = part[won]
        near = won & (distance < 1.0)
        if near.any():
            inner, shell = marrow_hu(p, part, near, stand, spec)
            canvas.marrow[window][near] = inner
            canvas.shell[window][near] = shell
        _draw_lesions(canvas, window, p, won, distance, level, spec)


def _draw_lesions(
    canvas: Canvas, window: Window, p: Coordinates, won: NDArray[np.bool_], distance: Field, level: Level, spec: PhantomSpec  # noqa: PLR0913
) -> None:
    for number, lesion in enumerate(spec.lesions, 1):
        if lesion.level is not level:
            continue
        reach = np.array(lesion.radii_mm) * 1.35
        centre = np.array(lesion.centre_mm)
        inside = np.all([np.abs(q - c) < r for q, c, r in zip(p, centre, reach, strict=True)], axis=0)
        if not inside.any():
            continue
        where = np.nonzero(inside)
        box = tuple(slice(int(i.min()), int(i.max()) + 1) for i in where)
        part = Coordinates(p.x[box], p.y[box], p.z[box])
        solid = lesion_solid(part, distance[box], lesion, spec.patient.seed * 31 + number)
        share = (lesion_cover(solid, float(canvas.grid.spacing_mm.mean())) * 255).astype(np.uint8)
        # A lesion stays in its own bone and the soft tissue round it.
        share = np.where(won[box] | (distance[box] > 0), share, 0)
        better = share > canvas.lesion_share[window][box]
        canvas.lesion_share[window][box][better] = share[better]
        canvas.lesion_hu[window][box][better] = solid.hu[better]
        canvas.lesion_kind[window][box][better] = solid.kind[better]
        canvas.lesion[window][box][better & (share > 127)] = number


def _draw_other_bones(canvas: Canvas, spec: PhantomSpec, stands: dict[Level, Stand], to_patient: Points, profile: Profile) -> None:
    density = spec.patient.density_hu
    pieces = [*ribs(stands, profile), *sternum(stands, profile), *pelvis(stands[Level.SACRUM]), *skull(stands)]
    for piece in pieces:
        window = window_of(to_patient, piece.low, piece.high, canvas.grid.shape)
        if window is None:
            continue
        distance = piece.distance(full_coordinates(to_patient, window))
        won = canvas.draw(window, 100 + piece.tissue, distance)
        canvas.part[window][won] = 0
        canvas.marrow[window][won] = int(density * 0.9 + 20)
        canvas.shell[window][won] = 110


def _paint_soft(
    spec: PhantomSpec, stands: dict[Level, Stand], to_patient: Points, fine: Grid, profile: Profile
) -> tuple[Field, NDArray[np.uint8]]:
    """Soft tissue on a coarser grid, then linear between its points: its borders are smooth."""
    heights = {level: float(s.centre[2]) for level, s in stands.items()}
    torso = Torso(profile, heights, spec.patient.contrast_hu, spec.patient.seed)
    steps = [max(1, round(_SOFT_MM / float(s))) for s in fine.spacing_mm]
    a, b, c = (-(-(n - 1) // f) + 1 for n, f in zip(fine.shape, steps, strict=True))
    coarse_to_patient = to_patient @ np.diag([*steps, 1.0])
    hu = np.empty((a, b, c), np.float32)
    inside = np.empty((a, b, c), np.uint8)
    width = float(fine.spacing_mm.mean()) * float(np.mean(steps)) * _EDGE_SHARE
    chunk = max(1, _CHUNK_VOXELS // (a * b))
    for start in range(0, c, chunk):
        window = (slice(0, a), slice(0, b), slice(start, min(start + chunk, c)))
        hu[window], inside[window] = torso.paint(coordinates(coarse_to_patient, window), width)
    for axis, (f, n) in enumerate(zip(steps, fine.shape, strict=True)):
        hu = _between(hu, axis, f, n)
        inside = np.take(np.repeat(inside, f, axis), np.arange(n) + f // 2, axis, mode="clip")
    return hu, inside


def _between(coarse: Field, axis: int, factor: int, count: int) -> Field:
    """Linear interpolation along one axis: ``factor`` steps between coarse points, cut to ``count``."""
    if factor == 1:
        return coarse[tuple(slice(0, count) if k == axis else slice(None) for k in range(3))]
    front = np.moveaxis(coarse, axis, 0)
    result = np.empty((max(front.shape[0] - 1, 1) * factor + 1, *front.shape[1:]), np.float32)
    for rest in range(factor):
        t = np.float32(rest / factor)
        result[rest : rest + factor * (front.shape[0] - 1) : factor] = (1 - t) * front[:-1] + t * front[1:]
    result[-1] = front[-1]
    return np.moveaxis(result[:count], 0, axis)


def _paint_canal(hu: Field, stands: dict[Level, Stand], to_patient: Points, fine: Grid) -> NDArray[np.bool_]:
    canal = np.zeros(fine.shape, bool)
    points, halves = canal_path(stands)
    frames = [stands[Level.C1].frame, *(s.frame for s in stands.values()), stands[Level.SACRUM].frame, stands[Level.SACRUM].frame]
    width = float(fine.spacing_mm.mean())
    conus = stands[Level.L1].centre[2] - 12
    for place in range(len(points) - 1):
        ends, half = points[place : place + 2], halves[place : place + 2]
        window = window_of(to_patient, ends.min(axis=0) - 20, ends.max(axis=0) + 20, fine.shape)
        if window is None:
            continue
        p = full_coordinates(to_patient, window)
        outer = tube(p, ends, half, frames[place])
        view = hu[window]
        view += cover(outer, width) * (np.float32(-55) - view)
        sac = tube(p, ends + frames[place][1] * -0.5, half * [0.74, 0.80], frames[place])
        view += cover(sac, width) * (np.float32(14) - view)
        if ends[1][2] > conus:
            radius = np.array([5.4, 3.9]) if place < 8 else np.array([4.2, 3.4])
            view += cover(tube(p, ends, np.stack([radius, radius]), frames[place]), width) * (np.float32(40) - view)
        canal[window] |= outer < 0
    return canal


def _paint_discs(
    hu: Field, tissue: NDArray[np.uint8], stands: dict[Level, Stand], to_patient: Points, fine: Grid
) -> None:
    width = float(fine.spacing_mm.mean())
    for upper, lower in zip(LEVELS[1:-1], LEVELS[2:], strict=True):
        a, b = stands[upper], stands[lower]
        in_lower = frame_affine(to_patient, b.centre, b.frame)
        s = b.shape.size
        reach = np.array([s.width / 2 + 6, s.depth / 2 + 6, 0.0])
        low = -reach + [0, 0, s.height / 2 - 14 - b.shape.upper_drop_mm * 2]
        window = window_of(in_lower, low, reach + [0, 0, s.height / 2 + s.height + 4], fine.shape)
        if window is None:
            continue
        q = full_coordinates(frame_affine(to_patient, a.centre, a.frame), window)
        distance = disc(q, full_coordinates(in_lower, window), a, b)
        view = hu[window]
        view += cover(distance, width) * (np.float32(82) - view)
        tissue[window][distance < 0] = DISC


def _paint_bone(hu: Field, canvas: Canvas, spec: PhantomSpec) -> Field:
    bone = canvas.bone()
    width = float(canvas.grid.spacing_mm.mean())
    cortex = np.float32(spec.patient.cortex_hu)
    for k in range(hu.shape[2]):
        sd = bone[:, :, k]
        near = np.nonzero(sd < width)
        if near[0].size:
            d = sd[near]
            whole = cover(d, width)
            core = cover(d + canvas.shell[:, :, k][near].astype(np.float32) / 100, width)
            marrow = canvas.marrow[:, :, k][near]
            hu[:, :, k][near] = hu[:, :, k][near] * (1 - whole) + cortex * (whole - core) + marrow * core
        ill = np.nonzero(canvas.lesion_share[:, :, k])
        if ill[0].size:
            share = canvas.lesion_share[:, :, k][ill].astype(np.float32) / 255
            hu[:, :, k][ill] += share * (canvas.lesion_hu[:, :, k][ill] - hu[:, :, k][ill])
    return bone


def _labels(  # noqa: PLR0913
    canvas: Canvas, bone: Field, canal: NDArray[np.bool_], tissue: NDArray[np.uint8], counts: tuple[int, int, int], grid: Grid
) -> tuple[LabelMap, NDArray[np.uint8]]:
    middle = tuple(slice(n // 2, None, n) for n in counts)
    solid = bone[middle] < 0
    owner = np.where(solid, canvas.owner[middle], 0).astype(np.uint8)
    array = np.where(owner < 100, owner, 0).astype(np.uint8)
    parts = np.where(array > 0, canvas.part[middle], np.where(canal[middle] & (owner == 0), Part.CANAL, 0))
    lesions = canvas.lesion[middle].copy()
    kinds = np.where(lesions > 0, canvas.lesion_kind[middle], 0).astype(np.uint8)
    tissues = tissue[middle].copy()
    for mark in (RIB, OTHER):
        tissues[owner == 100 + mark] = mark
    tissues[(array > 0) & (array < Level.SACRUM.verse_id)] = SOFT
    tissues[array == Level.SACRUM.verse_id] = SACRUM_TISSUE
    engine = EngineId("phantom", "1")
    return LabelMap(array, grid, parts.astype(np.uint8), lesions, kinds, engine=engine), tissues
