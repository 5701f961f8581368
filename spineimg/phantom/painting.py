"""From solids to CT numbers: soft tissue, canal, discs, then bone with cortex, marrow and lesions."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from spineimg.core.grid import Grid, Points
from spineimg.core.levels import LEVELS, Level
from spineimg.phantom.between import canal_path, disc, tube
from spineimg.phantom.canvas import Canvas, coordinates, frame_affine, full_coordinates, window_of
from spineimg.phantom.column import Stand
from spineimg.phantom.counts import nearest_above
from spineimg.phantom.profile import Profile
from spineimg.phantom.shapes import Field, cover
from spineimg.phantom.spec import PhantomSpec
from spineimg.phantom.torso import Torso

DISC = 3
"""Tissue id."""
_CHUNK_VOXELS = 1_000_000
_CANAL_HU = {"fat": -55.0, "sac": 14.0, "cord": 40.0}
_CERVICAL_CORD = 8
"""Segments of the canal with the wide cord of the neck."""
_SOFT_MM = 2.0
"""Step of the grid for soft tissue."""
_EDGE_SHARE = 1.1
"""Width of a soft edge in steps of that grid: narrower ones would show its steps."""


def paint_soft(
    spec: PhantomSpec, stands: dict[Level, Stand], to_patient: Points, fine: Grid, profile: Profile
) -> tuple[Field, NDArray[np.uint8]]:
    """Soft tissue on a coarser grid, then linear between its points: its borders are smooth."""
    heights = {level: float(stands[nearest_above(stands, level)].centre[2]) for level in LEVELS}
    torso = Torso(profile, heights, spec.patient.contrast_hu, spec.patient.seed, spec.patient.phase)
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


def paint_canal(hu: Field, stands: dict[Level, Stand], to_patient: Points, fine: Grid) -> NDArray[np.bool_]:
    """Epidural fat, thecal sac and cord, each along the whole column before the next; return the canal."""
    canal = np.zeros(fine.shape, bool)
    points, halves = canal_path(stands)
    last = stands[Level.SACRUM].frame
    frames = [stands[Level.C1].frame, *(s.frame for s in stands.values()), last, last]
    width = float(fine.spacing_mm.mean())
    conus = stands[Level.L1].centre[2] - 12
    for content in ("fat", "sac", "cord"):
        for place in range(len(points) - 1):
            ends, half, frame = points[place : place + 2], halves[place : place + 2], frames[place]
            window = window_of(to_patient, ends.min(axis=0) - 20, ends.max(axis=0) + 20, fine.shape)
            if window is None or (content == "cord" and ends[1][2] <= conus):
                continue
            if content == "sac":
                ends, half = ends - frame[1] * 0.5, half * [0.74, 0.80]
            elif content == "cord":
                half = np.tile([5.4, 3.9] if place < _CERVICAL_CORD else [4.2, 3.4], (2, 1))
            inside = tube(full_coordinates(to_patient, window), ends, half, frame)
            view = hu[window]
            view += cover(inside, width) * (np.float32(_CANAL_HU[content]) - view)
            if content == "fat":
                canal[window] |= inside < 0
    return canal


def paint_discs(
    hu: Field, tissue: NDArray[np.uint8], stands: dict[Level, Stand], to_patient: Points, fine: Grid
) -> None:
    """Discs from C2-C3 down, into the image and the tissue map."""
    width = float(fine.spacing_mm.mean())
    for upper, lower in itertools.pairwise(list(stands)[1:]):
        a, b = stands[upper], stands[lower]
        in_lower = frame_affine(to_patient, b.centre, b.frame)
        s = b.shape.size
        reach = np.array([s.width / 2 + 6, s.depth / 2 + 6, 0.0])
        low = -reach + np.array([0, 0, s.height / 2 - 14 - b.shape.loss_mm])
        window = window_of(in_lower, low, reach + np.array([0, 0, s.height * 1.5 + 4]), fine.shape)
        if window is None:
            continue
        q = full_coordinates(frame_affine(to_patient, a.centre, a.frame), window)
        distance = disc(q, full_coordinates(in_lower, window), a, b)
        view = hu[window]
        view += cover(distance, width) * (np.float32(82) - view)
        tissue[window][distance < 0] = DISC


def paint_bone(hu: Field, canvas: Canvas, spec: PhantomSpec) -> Field:
    """Bone and lesions into the image; return the signed distance of all bone."""
    bone = canvas.bone()
    # A lesion that grows out of its vertebra stops at the next bone.
    home = np.array([0, *(lesion.level.verse_id for lesion in spec.lesions)], np.uint8)
    abroad = (canvas.lesion > 0) & (bone < 0) & (home[canvas.lesion] != canvas.owner)
    canvas.lesion_share[abroad] = 0
    width = float(canvas.grid.spacing_mm.mean())
    cortex = np.float32(spec.patient.cortex_hu)
    near = np.nonzero(bone < width)
    d = bone[near]
    whole = cover(d, width)
    core = cover(d + canvas.shell[near].astype(np.float32) / 100, width)
    hu[near] = hu[near] * (1 - whole) + cortex * (whole - core) + canvas.marrow[near] * core
    ill = np.nonzero(canvas.lesion_share)
    share = canvas.lesion_share[ill].astype(np.float32) / 255
    hu[ill] += share * (canvas.lesion_hu[ill] - hu[ill])
    return bone
