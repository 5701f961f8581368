"""From drawn bones to a CT: cortex, trabecular texture, lesions, then kernel, slices and noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from painted.canvas import Canvas
from painted.place import Place
from painted.plan import Plan
from spineimg.core.labelmap import LesionType, Part
from spineimg.core.levels import Level

LYTIC_HU, BLASTIC_HU = 45.0, 620.0
CORTEX_MM, ARCH_CORTEX_MM = 0.9, 1.6
FWHM_PER_SIGMA = 2.355
TILE = 80


def bone_density(plan: Plan) -> NDArray[np.float32]:
    """Trabecular HU by VerSe id: higher towards the neck (about +80 HU), a little different at each level."""
    rng = np.random.default_rng([plan.seed, 4213])
    table = np.zeros(33, np.float32)
    for level in Level:
        number = level.verse_id
        up = 80.0 if level < Level.T1 else 18.0 if level < Level.T10 else 0.0
        table[number] = plan.density_hu + up + rng.normal(0, 5)
    return table


def paint_bone(around: NDArray[np.float32], canvas: Canvas, plan: Plan) -> NDArray[np.float32]:
    """HU on the fine grid: the surroundings with discs, canal, bones and lesions."""
    rng = np.random.default_rng([plan.seed, 4214])
    hu = around
    hu[canvas.disc] = 88.0
    hu[canvas.canal] = 28.0
    step = float(canvas.grid.spacing_mm.mean())
    near = canvas.depth < step
    depth = canvas.depth[near]
    arch = canvas.part[near] != Part.BODY
    cortex_mm = np.where(arch, ARCH_CORTEX_MM, CORTEX_MM).astype(np.float32)
    solid = np.clip(0.5 - depth / step, 0, 1)
    inner = np.clip(0.5 - (depth + cortex_mm) / step, 0, 1)
    marrow = bone_density(plan)[canvas.owner[near]] + np.where(arch, 60.0, 0.0).astype(np.float32)
    for sigma_mm, amplitude in ((0.9, 28.0), (4.5, 9.0)):
        marrow = marrow + amplitude * _grain(rng, np.nonzero(near), sigma_mm / step)
    bone = marrow * inner + plan.cortex_hu * (solid - inner)
    hu[near] = hu[near] * (1 - solid) + bone
    ill = canvas.in_lesion < step
    cover = np.clip(0.5 - canvas.in_lesion[ill] / step, 0, 1)
    blastic = canvas.kind[ill] == LesionType.BLASTIC
    value = np.where(blastic, BLASTIC_HU, LYTIC_HU) + rng.normal(0, 12, cover.shape)
    # Sclerosis adds to the cortex, lysis takes it away.
    value = np.where(blastic, np.maximum(value, hu[ill]), value)
    hu[ill] = hu[ill] * (1 - cover) + value * cover
    return hu


def _grain(
    rng: np.random.Generator, index: tuple[NDArray[np.intp], ...], sigma: float
) -> NDArray[np.float32]:
    """Smooth noise of unit SD at voxels, from a tile that is repeated."""
    tile = ndimage.gaussian_filter(rng.standard_normal((TILE,) * 3, dtype=np.float32), sigma, mode="wrap")
    tile /= float(tile.std())
    found: NDArray[np.float32] = tile[tuple(i % TILE for i in index)]
    return found


def scanned(hu: NDArray[np.float32], place: Place, plan: Plan) -> NDArray[np.int16]:
    """Kernel blur, average over the slice, noise; int16 HU."""
    scan, fine, grid = plan.scan, place.fine, place.grid
    image = ndimage.gaussian_filter(hu, scan.kernel_fwhm_mm / FWHM_PER_SIGMA / fine.spacing_mm, truncate=3.0)
    if scan.sharpness > 0:
        image += scan.sharpness * (
            image - ndimage.gaussian_filter(image, 1.2 / fine.spacing_mm, truncate=3.0)
        )
    a, b, c = grid.shape
    n = place.counts
    if n != (1, 1, 1):
        image = image.reshape(a, n[0], b, n[1], c, n[2]).mean(axis=(1, 3, 5), dtype=np.float32)
    rng = np.random.default_rng([scan.seed, 4215])
    grain = rng.standard_normal(grid.shape, dtype=np.float32)
    plane = 0.3 * scan.kernel_fwhm_mm / grid.spacing_mm
    grain = ndimage.gaussian_filter(grain, [plane[0], plane[1], 0.0], truncate=3.0)
    image = image + (scan.noise_hu / float(grain.std())) * grain
    found: NDArray[np.int16] = np.clip(np.rint(image), -1024, 3071).astype(np.int16)
    return found
