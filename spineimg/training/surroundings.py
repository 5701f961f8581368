"""Soft tissue around templates that come without it: a body outline and what fills it.

The ids extend the vocabulary (`templates/vocabulary.json`) above its last entry; the
intensity step gives each its Hounsfield units.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spineimg.training.noise import smooth_field
from spineimg.training.patches import Patch
from spineimg.training.templates import Template

Floats = NDArray[np.float32]

AIR, FAT, MUSCLE, ORGAN_A, ORGAN_B, LUNG, GAS, VESSEL = 240, 230, 231, 232, 233, 234, 235, 236
TABLE, SKULL = 241, 108


def column_offsets(points: Floats, template: Template) -> tuple[Floats, Floats, Floats]:
    """Give each voxel's position to the column: left, backward, and the level there.

    Returns
    -------
    tuple
        dx and dy in mm from the line of body centres at the same height, and the level
        ordinal by height (fractions between levels).
    """
    levels = sorted(template.centres)
    centres = np.array([template.centres[k] for k in levels])
    order = np.argsort(centres[:, 2])
    z, ordinal = centres[order, 2], np.array(levels, float)[order]
    flat = points[2].ravel()
    dx = points[0] - np.interp(flat, z, centres[order, 0]).reshape(points[2].shape)
    dy = points[1] - np.interp(flat, z, centres[order, 1]).reshape(points[2].shape)
    level = np.interp(flat, z, ordinal).reshape(points[2].shape)
    return dx.astype(np.float32), dy.astype(np.float32), level.astype(np.float32)


def fill_unknown(
    rng: np.random.Generator, labels: NDArray[np.uint8], points: Floats, template: Template
) -> None:
    """Replace label 0 by procedural tissue, in place.

    A trunk (or neck) outline about the column, a fat layer, muscle behind, a lung on each
    side at thoracic levels, blobs of organ, vessel and gas before the column, fat between.
    """
    unknown = labels == 0
    if not unknown.any():
        return
    shape = labels.shape
    dx, dy, level = column_offsets(points, template)
    neck = np.clip((8.5 - level) / 2.0, 0.0, 1.0)
    width = (1 - neck) * rng.uniform(125, 200) + neck * rng.uniform(58, 85)
    depth = (1 - neck) * rng.uniform(85, 140) + neck * rng.uniform(50, 75)
    back = (1 - neck) * rng.uniform(55, 95) + neck * rng.uniform(45, 75)
    middle = back - depth
    field = smooth_field(rng, shape, _knots(shape, 5))
    field2 = smooth_field(rng, shape, _knots(shape, 7))
    radius = np.hypot(dx / width, (dy - middle) / depth) + 0.02 * field
    edge = (1.0 - radius) * np.minimum(width, depth)  # about mm under the skin
    fat_mm = rng.uniform(4, 35) * (1 - 0.6 * neck)
    fill = np.full(shape, FAT, np.uint8)
    inner = edge > fat_mm
    behind = (np.hypot(dx / 1.3, dy - 22) < 48 + 8 * field) & (dy > -12)
    beside = np.hypot(np.abs(dx) - 42, dy + 2) < 22 + 5 * field2  # psoas and the like
    low = level > 18
    fill[inner & (field > rng.uniform(-0.3, 1.0))] = ORGAN_A
    fill[inner & (field2 > rng.uniform(0.2, 1.3))] = ORGAN_B
    fill[inner & (field - field2 > rng.uniform(2.2, 3.0)) & (dy < -35)] = GAS
    wall = inner & (edge < fat_mm + rng.uniform(10, 25))
    fill[wall] = MUSCLE
    chest = np.clip((level - 7.0) / 1.5, 0, 1) * np.clip((19.0 - level) / 2.0, 0, 1)
    if chest.max() > 0:
        side = np.abs(dx) - rng.uniform(22, 34)
        lung = inner & ~wall & (side > 6 * field) & (chest > rng.uniform(0.2, 0.7))
        lung &= (dy < rng.uniform(25, 45)) & (np.hypot(dx, dy - 15) > 44)
        fill[lung] = LUNG
    fill[inner & behind] = MUSCLE
    fill[inner & beside & (low | (level < 8))] = MUSCLE
    for _ in range(int(rng.integers(1, 4))):
        vx, vy, size = rng.uniform(-28, 28), rng.uniform(-52, -26), rng.uniform(5, 14)
        fill[inner & (np.hypot(dx - vx - 4 * field, dy - vy - 4 * field2) < size)] = VESSEL
    if neck.max() > 0.5:
        trachea = (np.hypot(dx, dy + 38) < 9) & (level < 9)
        fill[inner & trachea] = GAS
    fill[edge < 0] = AIR
    labels[unknown] = fill[unknown]


def add_skull(rng: np.random.Generator, patch: Patch, points: Floats, template: Template) -> None:
    """Draw a skull base and vault above the atlas, and a jaw, in place (other bone)."""
    c1 = template.centres[1]
    x, y, z = (points[a] - np.float32(c1[a]) for a in range(3))
    free = ~np.isin(patch.region, (1, 2, 3, 7))
    half = np.array([rng.uniform(62, 78), rng.uniform(78, 98), rng.uniform(60, 75)])
    middle_y, middle_z = -rng.uniform(18, 32), half[2] + rng.uniform(12, 20)
    radius = np.sqrt((x / half[0]) ** 2 + ((y - middle_y) / half[1]) ** 2 + ((z - middle_z) / half[2]) ** 2)
    under = (radius - 1.0) * half.min()  # about mm outside the inner surface
    wall = rng.uniform(5, 9)
    depth = wall / 2 - np.abs(under - wall / 2)
    open_base = (np.hypot(x, y) < rng.uniform(13, 18)) & (z < middle_z)
    depth = np.where(open_base, -5.0, depth)
    condyle = 6.0 - np.hypot(np.hypot(np.abs(x) - 17, y + 4), (z - 13) * 0.8)
    depth = np.maximum(depth, condyle)
    jaw = np.hypot(x / rng.uniform(42, 52), (y + 38) / rng.uniform(45, 58))
    ramus = 4.0 - np.abs(jaw - 1.0) * 45.0
    ramus = np.where((y < -22) & (np.abs(z + rng.uniform(5, 25)) < 16), ramus, -10.0)
    depth = np.maximum(depth, ramus).astype(np.float32)
    bone = free & (depth > -0.5)
    patch.depth[free] = np.maximum(patch.depth, depth)[free]
    patch.region[bone & (depth > 0)] = 6
    patch.labels[bone & (depth > 0)] = SKULL
    inner = free & (under < 0) & (patch.labels >= FAT)
    patch.labels[inner] = ORGAN_B
    head = free & (under < wall + 8) & ((patch.labels == AIR) | (patch.labels == GAS))
    patch.labels[head] = MUSCLE


def _knots(shape: tuple[int, ...], most: int) -> tuple[int, ...]:
    longest = max(shape)
    return tuple(max(4, round(most * n / longest) + 2) for n in shape)
