"""Cement, pedicle screws and rods, and the streaks that metal draws over a CT."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from scipy.ndimage import rotate, zoom

from spineimg.core.grid import Grid, Points
from spineimg.core.levels import Level
from spineimg.phantom.canvas import Window, frame_affine, full_coordinates, window_of
from spineimg.phantom.column import Stand
from spineimg.phantom.shapes import Field, Vector, cover, ellipsoid, rod
from spineimg.phantom.spec import PhantomSpec
from spineimg.phantom.texture import noise

CEMENT_HU, METAL_HU = 1900.0, 9000.0
_SCREW_MM, _HEAD_MM, _ROD_MM = 2.9, 6.2, 2.8
_COARSE_MM = 2.5
_VIEWS = 48
_HARDENING = 9.0
"""What is missing of a ray, HU mm per squared mm of metal: dark bands between two screws."""
_STARVED = 150.0
"""Noise of a ray, HU per mm of metal: bright and dark streaks away from it."""


def paint_cement(hu: Field, spec: PhantomSpec, stands: dict[Level, Stand], to_patient: Points) -> None:
    """Lobed blobs of cement into the image."""
    for number, cement in enumerate(spec.cement):
        stand = stands[cement.level]
        affine = frame_affine(to_patient, stand.centre, stand.frame)
        reach = np.array(cement.radii_mm) * 1.5
        centre = np.array(cement.centre_mm)
        window = window_of(affine, centre - reach, centre + reach, hu.shape)
        if window is None:
            continue
        p = full_coordinates(affine, window)
        solid = ellipsoid(p, cement.centre_mm, cement.radii_mm)
        solid = solid + np.float32(0.22 * min(cement.radii_mm)) * noise(
            p, spec.patient.seed * 43 + number, 3.0
        )
        view = hu[window]
        view += cover(solid, 1.0) * (np.float32(CEMENT_HU) - view)


def metal_share(spec: PhantomSpec, stands: dict[Level, Stand], to_patient: Points, grid: Grid) -> Field:
    """Share of metal in each voxel."""
    share = np.zeros(grid.shape, np.float32)
    width = float(grid.spacing_mm.mean())
    for window, solid in _pieces(spec, stands, to_patient, grid):
        share[window] = np.maximum(share[window], cover(solid, width))
    return share


def _pieces(
    spec: PhantomSpec, stands: dict[Level, Stand], to_patient: Points, grid: Grid
) -> Iterator[tuple[Window, Field]]:
    for side in (1.0, -1.0):
        heads = []
        for level in sorted(spec.screws):
            stand = stands[level]
            entry, tip = _screw(stand, side)
            affine = frame_affine(to_patient, stand.centre, stand.frame)
            low, high = np.minimum(entry, tip) - 9, np.maximum(entry, tip) + 9
            window = window_of(affine, low, high, grid.shape)
            heads.append(stand.to_patient(np.array(entry)))
            if window is not None:
                p = full_coordinates(affine, window)
                head = ellipsoid(p, entry, (_HEAD_MM, _HEAD_MM, _HEAD_MM))
                yield window, np.minimum(rod(p, (entry, tip), (_SCREW_MM, _SCREW_MM * 0.8)), head)
        for a, b in itertools.pairwise(heads):
            window = window_of(to_patient, np.minimum(a, b) - 5, np.maximum(a, b) + 5, grid.shape)
            if window is not None:
                ends = (_vector(a), _vector(b))
                yield window, rod(full_coordinates(to_patient, window), ends, (_ROD_MM, _ROD_MM))


def _screw(stand: Stand, side: float) -> tuple[Vector, Vector]:
    """Head behind the pedicle and tip in the body, own frame."""
    s = stand.shape.size
    x, z = s.canal_width / 2 + s.pedicle_width / 2 + 0.5, s.height / 2 - s.pedicle_height / 2 - 1.0
    head = (side * (x + 3.0), s.depth / 2 + s.canal_depth * 0.8 + 12.0, z)
    return head, (side * x * 0.6, -s.depth * 0.18, z - 1.0)


def _vector(point: Points) -> Vector:
    return float(point[0]), float(point[1]), float(point[2])


def streaks(share: Field, grid: Grid, seed: int) -> Field:
    """What metal adds to the image, HU: its rays' errors, filtered and projected back slice by slice.

    Beam hardening takes from a ray with the square of its metal, starved rays are noise; slices are those
    across the axis of the grid nearest to the patient's.
    """
    axis = int(np.argmax(np.abs(grid.affine[2, :3])))
    stack = np.moveaxis(share, axis, 0)
    spacing = np.delete(grid.spacing_mm, axis)
    steps = np.maximum(np.round(_COARSE_MM / spacing).astype(int), 1)
    used = np.flatnonzero(stack.any(axis=(1, 2)))
    if used.size == 0:
        return np.zeros_like(share)
    first, last = int(used[0]), int(used[-1]) + 1
    rows, columns = (n // s * s for n, s in zip(stack.shape[1:], steps, strict=True))
    blocks = stack[first:last, :rows, :columns].reshape(
        last - first, rows // steps[0], steps[0], columns // steps[1], steps[1]
    )
    errors = _back_projected(blocks.mean(axis=(2, 4)), float(spacing.mean() * steps.mean()), seed)
    factors = (1.0, stack.shape[1] / errors.shape[1], stack.shape[2] / errors.shape[2])
    result = np.zeros_like(stack)
    result[first:last] = zoom(errors, factors, order=1)[:, : stack.shape[1], : stack.shape[2]]
    return np.moveaxis(result, 0, axis)


def _turned(stack: Field, angle_deg: float) -> Field:
    turned = rotate(stack.astype(np.float32), angle_deg, axes=(1, 2), reshape=False, order=1)
    return np.asarray(turned, np.float32)


def _back_projected(metal: Field, pixel_mm: float, seed: int) -> Field:
    """Errors of every view on a stack (slices, rows, columns), back in the image."""
    rng = np.random.default_rng([seed, 109])
    side = int(np.ceil(np.hypot(*metal.shape[1:]))) + 2
    grow = [(0, 0), *(((side - n) // 2, side - n - (side - n) // 2) for n in metal.shape[1:])]
    square = np.pad(metal, grow)
    ramp = np.abs(np.fft.rfftfreq(2 * side))
    total = np.zeros_like(square)
    for view in range(_VIEWS):
        angle = 180.0 * view / _VIEWS
        rays = _turned(square, angle).sum(axis=1) * pixel_mm
        error = -_HARDENING * rays**2 + _STARVED * rays * rng.standard_normal(rays.shape)
        filtered = np.fft.irfft(np.fft.rfft(error, 2 * side, axis=1) * ramp, axis=1)[:, :side]
        smear = np.repeat(filtered[:, None, :], side, axis=1)
        total += _turned(smear, -angle)
    inside = tuple(slice(before, side - after) for before, after in grow[1:])
    return np.asarray(total[(slice(None), *inside)] * np.pi / (2 * _VIEWS), np.float32)
