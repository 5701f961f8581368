"""What lies about the spine: a label map's own torso, or muscles, fat, vessels, lungs and ribs by hand."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from painted.anatomy import SACRUM, Template
from painted.frame import Array
from painted.plan import Plan
from painted.solid import Solid
from spineimg.core.grid import Grid
from spineimg.core.levels import Level

AIR, LUNG, FAT, MUSCLE, SKIN, ORGAN, BLOOD, RIB = -1000.0, -840.0, -100.0, 55.0, 15.0, 60.0, 42.0, 260.0
WORDS = (
    (("lung",), LUNG), (("trachea", "gas", "bronch"), -950.0), (("fat",), FAT), (("skin",), SKIN),
    (("aorta", "vein", "vena", "artery", "heart", "atrium", "ventricle", "iliac_art", "iliac_v"), BLOOD),
    (("liver", "spleen", "kidney", "pancreas", "adrenal"), ORGAN),
    (("colon", "bowel", "stomach", "duoden"), 20.0),
    (("disc",), 85.0), (("cord",), 35.0), (("csf",), 12.0), (("cartilage",), 110.0),
    (("rib", "hip", "femur", "scapula", "clavic", "humer", "sternum", "bone", "skull", "pelvis"), RIB),
)  # fmt: skip


def draw_around(
    plan: Plan, template: Template, solids: Mapping[Level, Solid], grid: Grid
) -> NDArray[np.float32]:
    """HU of everything but the spine, on the fine grid."""
    coarse, counts = _coarser(grid)
    hu = _torso(plan, template, solids, coarse) if template.torso else _by_hand(plan, solids, coarse)
    for axis, n in enumerate(counts):
        hu = np.repeat(hu, n, axis=axis)
    hu = np.ascontiguousarray(hu[tuple(slice(0, n) for n in grid.shape)])
    if not template.torso:
        for level, solid in solids.items():
            if Level.T1 <= level <= Level.T12:
                _draw_ribs(hu, solid, grid)
    return hu


def _coarser(grid: Grid) -> tuple[Grid, list[int]]:
    """Steps of about 2 mm: soft tissue needs no more."""
    counts = [max(1, round(2.0 / step)) for step in grid.spacing_mm]
    affine = grid.affine.copy()
    affine[:3, :3] *= counts
    affine[:3, 3] = grid.to_lps_mm((np.array(counts) - 1) / 2)
    shape = [-(-n // k) for n, k in zip(grid.shape, counts, strict=True)]
    return Grid((shape[0], shape[1], shape[2]), affine), counts


def _by_hand(plan: Plan, solids: Mapping[Level, Solid], grid: Grid) -> NDArray[np.float32]:
    """Muscles, fat, vessels, lungs about the column's middle line."""
    (x, y, _), levels = _offsets(grid, solids)
    hu = np.full(grid.shape, FAT, np.float32)
    hu[(np.abs(np.abs(x) - 26) / 24) ** 2 + ((y - 46) / 20) ** 2 < 1] = MUSCLE
    hu[(np.abs(x) < 40) & (y > 8) & (y < 34)] = MUSCLE
    chest = levels <= Level.T12.verse_id
    neck = levels <= Level.C7.verse_id
    belly = ~chest
    hu[belly & ((np.abs(np.abs(x) - 38) / 17) ** 2 + ((y - 8) / 20) ** 2 < 1)] = MUSCLE
    hu[belly & (y < -30)] = 35.0
    hu[chest & ~neck & (np.abs(x) > 24) & (y < 36)] = LUNG
    hu[chest & ~neck & (y < -28) & (np.abs(x) <= 24)] = 30.0
    hu[neck & (y < 30)] = MUSCLE
    hu[neck & (np.abs(x) < 9) & (y < -22) & (y > -40)] = -950.0
    blood = BLOOD + plan.contrast_hu
    hu[~neck & ((x - 14) ** 2 + (y + 32) ** 2 < 11**2)] = blood
    hu[belly & ((x + 16) ** 2 + (y + 30) ** 2 < 10**2)] = BLOOD + 0.7 * plan.contrast_hu
    hu[y > 72] = FAT
    hu[y > 84] = AIR
    return hu


def _offsets(
    grid: Grid, solids: Mapping[Level, Solid]
) -> tuple[tuple[Array, Array, Array], NDArray[np.float32]]:
    """LPS offset of every voxel from the column's middle line, and the VerSe id of the nearest height."""
    matrix = grid.affine
    a, b, c = (np.arange(n, dtype=np.float32) for n in grid.shape)
    lps = [
        (matrix[k, 0] * a)[:, None, None]
        + (matrix[k, 1] * b)[None, :, None]
        + (matrix[k, 2] * c)[None, None, :]
        + matrix[k, 3]
        for k in range(3)
    ]
    order = sorted(solids, reverse=True)
    centres = np.array([solids[level].pose[:3, 3] for level in order])
    ids = np.array([level.verse_id for level in order], dtype=np.float64)
    line = [np.interp(lps[2], centres[:, 2], centres[:, k]) for k in range(2)]
    numbers = np.interp(lps[2], centres[:, 2], ids)
    return (lps[0] - line[0], lps[1] - line[1], lps[2]), numbers.astype(np.float32)


def _torso(plan: Plan, template: Template, solids: Mapping[Level, Solid], grid: Grid) -> NDArray[np.float32]:
    """The label map's own tissue, sheared along with the column."""
    table = np.full(256, 40.0, np.float32)
    for number, name in template.names.items():
        words = name.lower()
        value = next((v for keys, v in WORDS if any(k in words for k in keys)), 45.0)
        if value == BLOOD:
            value = BLOOD + plan.contrast_hu
        if value == ORGAN:
            value = ORGAN + 0.35 * plan.contrast_hu
        table[number] = value
    table[0] = AIR
    table[1:SACRUM] = MUSCLE
    shown = {level.verse_id for level in solids}
    for number in range(1, SACRUM + 1):
        if number not in shown:
            table[number] = 190.0
    table[SACRUM] = 150.0 if SACRUM not in shown else MUSCLE
    order = sorted(solids, reverse=True)
    centres = np.array([solids[level].pose[:3, 3] for level in order])
    turn = np.linalg.inv(_mean_pose(solids))
    upright = centres @ turn[:3, :3].T + turn[:3, 3]
    home = np.array([template.bone(level).frame.origin for level in order])
    matrix = turn @ grid.affine
    a, b, c = (np.arange(n, dtype=np.float32) for n in grid.shape)
    p = [
        (matrix[k, 0] * a)[:, None, None]
        + (matrix[k, 1] * b)[None, :, None]
        + (matrix[k, 2] * c)[None, None, :]
        + matrix[k, 3]
        for k in range(3)
    ]
    shift = home - upright
    # Beyond the outermost centres the tissue goes on with their shift.
    index = [(p[k] + np.interp(p[2], upright[:, 2], shift[:, k])) / template.step_mm[k] for k in range(3)]
    hu = table[ndimage.map_coordinates(template.tissue, index, order=0, mode="nearest")]
    return np.asarray(hu, dtype=np.float32)


def _mean_pose(solids: Mapping[Level, Solid]) -> Array:
    """Pose of the middle bone against its template: the patient's turn in the scanner."""
    solid = solids[sorted(solids)[len(solids) // 2]]
    home = solid.bone.frame.matrix()
    result: Array = solid.pose @ np.linalg.inv(home)
    return result


def _draw_ribs(hu: NDArray[np.float32], solid: Solid, grid: Grid) -> None:
    """Both ribs of a thoracic vertebra as chains of balls, from beside the posterior wall outwards."""
    o = solid.outline
    for side in (-1.0, 1.0):
        path = np.array(
            [
                [side * (o.canal_half_width + 4), o.wall_y + 1, o.upper_z - 2],
                [side * (o.canal_half_width + 20), o.wall_y + 14, o.upper_z - 7],
                [side * 50.0, o.wall_y + 22, -8.0],
                [side * 78.0, o.wall_y + 8, -20.0],
            ]
        )
        along = np.linspace(0, 1, 40)
        knots = np.linspace(0, 1, len(path))
        points = solid.to_lps(np.stack([np.interp(along, knots, path[:, k]) for k in range(3)], axis=1))
        reach = np.ceil(5.0 / grid.spacing_mm).astype(int)
        offsets = np.array(np.meshgrid(*[np.arange(-r, r + 1) for r in reach])).reshape(3, -1).T
        offsets = offsets[np.linalg.norm(offsets * grid.spacing_mm, axis=1) < 4.0]
        index = np.rint(grid.to_index(points)).astype(int)[:, None, :] + offsets[None]
        index = index.reshape(-1, 3)
        index = index[((index >= 0) & (index < grid.shape)).all(axis=1)]
        hu[tuple(index.T)] = RIB
