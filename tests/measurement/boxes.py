"""Vertebrae of boxes on any grid, with known heights and shifts: truth without the phantom."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from spineimg.core.grid import Grid, Points
from spineimg.core.labelmap import LabelMap
from spineimg.core.levels import Level
from spineimg.core.volume import Modality, Volume

LEVELS = (Level.L1, Level.L2, Level.L3, Level.L4)
HALF_WIDTH, DEPTH, DISC, PLATE = 20.0, 30.0, 8.0, 0.7
CANAL_HALF_WIDTH, CANAL_DEPTH = 11.0, 16.0
SOFT_HU, MARROW_HU, PLATE_HU = 40.0, 150.0, 900.0


@dataclass(frozen=True)
class Boxes:
    """A straight column: heights head to foot, anterior shift of each box, and how it lies in the scanner."""

    heights_mm: tuple[float, ...] = (25.0, 26.0, 27.0, 27.0)
    shifts_mm: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    turn_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    flipped: tuple[int, ...] = ()


def rotation(turn_deg: tuple[float, float, float]) -> Points:
    """Turn about x, y and z, in this order."""
    result = np.eye(3)
    for axis, angle in enumerate(np.radians(turn_deg)):
        i, j = [k for k in range(3) if k != axis]
        turn = np.eye(3)
        turn[i, i] = turn[j, j] = np.cos(angle)
        turn[i, j], turn[j, i] = -np.sin(angle), np.sin(angle)
        result = turn @ result
    return result


def _depth_in_box(p: Points, low: tuple[float, float, float], high: tuple[float, float, float]) -> Points:
    """Depth under the nearest face of a box; negative outside."""
    return np.minimum(p - np.array(low), np.array(high) - p).min(axis=-1)


def _cover(depth: Points, width: float) -> Points:
    return np.clip(0.5 + depth / width, 0.0, 1.0)


def _posterior_depth(own: Points, height: float) -> Points:
    x = own.copy()
    x[..., 0] = np.abs(x[..., 0])
    half = height / 2
    boxes = [
        ((9.5, -0.5, 0.0), (18.0, 8.5, half)),
        ((11.0, 8.0, -half - 3), (18.0, 20.0, half + 3)),
        ((-1.0, 16.0, -8.0), (18.0, 21.0, 5.0)),
        ((-1.0, 20.0, -10.0), (3.0, 40.0, 2.0)),
        ((17.5, 3.0, 2.0), (34.0, 10.0, 9.0)),
    ]
    return np.max([_depth_in_box(x, low, high) for low, high in boxes], axis=0)


@functools.lru_cache(maxsize=4)
def make_boxes(spec: Boxes) -> tuple[Volume, LabelMap]:
    """Scan and labels of a column of boxes."""
    total = sum(spec.heights_mm) + DISC * (len(spec.heights_mm) - 1)
    size = np.array([84.0, 96.0, total + 24.0]) * (1.25 if any(spec.turn_deg) else 1.0)
    shape = np.ceil(size / spec.spacing_mm).astype(int)
    turned = rotation(spec.turn_deg)
    signs = np.array([-1.0 if axis in spec.flipped else 1.0 for axis in range(3)])
    affine = np.eye(4)
    affine[:3, :3] = turned @ np.diag(signs * np.array(spec.spacing_mm))
    middle = np.array([0.3, 4.2, 0.4])
    affine[:3, 3] = middle - affine[:3, :3] @ ((shape - 1) / 2)
    grid = Grid((int(shape[0]), int(shape[1]), int(shape[2])), affine)
    index = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1)
    p = grid.to_lps_mm(index.astype(float))
    hu = np.full(grid.shape, SOFT_HU)
    labels = np.zeros(grid.shape, np.uint8)
    top = total / 2
    blur = max(spec.spacing_mm)
    for level, height, shift in zip(LEVELS, spec.heights_mm, spec.shifts_mm, strict=True):
        near = np.abs(p[..., 2] - (top - height / 2)) < height / 2 + 6.0
        own = p[near] - np.array([0.0, -shift, top - height / 2])
        body = _depth_in_box(own, (-HALF_WIDTH, -DEPTH, -height / 2), (HALF_WIDTH, 0.0, height / 2))
        back = _posterior_depth(own, height)
        bone = np.maximum(body, back)
        cover, marrow = _cover(bone, blur), _cover(bone - PLATE, blur)
        hu[near] = hu[near] * (1 - cover) + PLATE_HU * (cover - marrow) + MARROW_HU * marrow
        labels[near] = np.where(bone > 0, level.verse_id, labels[near])
        top -= height + DISC
    noise = np.random.default_rng(7).normal(0.0, 8.0, grid.shape)
    volume = Volume(np.round(hu + noise).astype(np.int16), grid, Modality.CT)
    return volume, LabelMap(labels, grid)
