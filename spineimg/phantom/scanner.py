"""What the scanner adds: thick slices, kernel blur, noise, whole numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from spineimg.core.grid import Grid
from spineimg.phantom.shapes import Field
from spineimg.phantom.spec import ScanSpec

_FWHM_PER_SIGMA = 2.3548


def scanned(hu: Field, fine: Grid, grid: Grid, counts: tuple[int, int, int], scan: ScanSpec) -> NDArray[np.int16]:
    """Blur, average over each voxel, add noise; int16 HU on ``grid``."""
    a, b, c = grid.shape
    blurred = hu
    if scan.kernel_fwhm_mm > 0:
        sigma = scan.kernel_fwhm_mm / _FWHM_PER_SIGMA / fine.spacing_mm
        blurred = gaussian_filter(hu, sigma, truncate=3.0)
    if scan.sharpness > 0:
        blurred = blurred + np.float32(scan.sharpness) * (blurred - gaussian_filter(blurred, 1.1 / fine.spacing_mm, truncate=3.0))
    if counts != (1, 1, 1):
        blurred = blurred.reshape(a, counts[0], b, counts[1], c, counts[2]).mean(axis=(1, 3, 5), dtype=np.float32)
    if scan.noise_hu > 0:
        rng = np.random.default_rng([scan.seed, 106])
        grain = rng.standard_normal(grid.shape, dtype=np.float32)
        grain = gaussian_filter(grain, 0.45 / np.maximum(grid.spacing_mm, 0.45), truncate=3.0)
        blurred = blurred + np.float32(scan.noise_hu / float(grain.std())) * grain
    return np.clip(np.round(blurred), -1024, 3071).astype(np.int16)
