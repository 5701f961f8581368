"""What the scanner adds: contrast, thick slices, kernel blur, noise, whole numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from spineimg.core.grid import Grid
from spineimg.phantom.shapes import Field
from spineimg.phantom.spec import ScanSpec

_FWHM_PER_SIGMA = 2.3548
KERNELS = {"soft": (1.5, 0.0, 0.7), "standard": (1.0, 0.0, 1.0), "bone": (0.7, 0.9, 1.8)}
"""Blur (FWHM, mm), overshoot, and noise against the standard kernel's; by hand."""
# MR signal by CT number: air, fat, fluid (0-20 HU), cord, muscle, disc, red and fatty marrow, dense bone.
# The look of spin echo images, drawn by hand; no signal equation behind it.
_HU = [-1000.0, -300.0, -98.0, -55.0, 0.0, 14.0, 40.0, 56.0, 82.0, 110.0, 160.0, 250.0, 420.0, 700.0]
_SIGNAL = {
    "T1": [4.0, 60.0, 430.0, 400.0, 110.0, 90.0, 215.0, 180.0, 190.0, 260.0, 300.0, 290.0, 130.0, 25.0],
    "T2": [4.0, 60.0, 400.0, 420.0, 640.0, 700.0, 260.0, 110.0, 330.0, 270.0, 260.0, 230.0, 100.0, 20.0],
}


def with_kernel(scan: ScanSpec, name: str) -> ScanSpec:
    """The same scan, reconstructed with a soft, standard or bone kernel."""
    blur, sharpness, noise = KERNELS[name]
    return replace(scan, kernel_fwhm_mm=blur, sharpness=sharpness, noise_hu=scan.noise_hu * noise)


def scanned(
    hu: Field, fine: Grid, grid: Grid, counts: tuple[int, int, int], scan: ScanSpec
) -> NDArray[np.int16]:
    """Blur, average over each voxel, add noise; int16 HU or MR signal on ``grid``."""
    a, b, c = grid.shape
    image = hu if scan.contrast == "CT" else np.interp(hu, _HU, _SIGNAL[scan.contrast]).astype(np.float32)
    if scan.kernel_fwhm_mm > 0:
        image = gaussian_filter(image, scan.kernel_fwhm_mm / _FWHM_PER_SIGMA / fine.spacing_mm, truncate=3.0)
    if scan.sharpness > 0:
        smooth = gaussian_filter(image, 1.1 / fine.spacing_mm, truncate=3.0)
        image = image + np.float32(scan.sharpness) * (image - smooth)
    if counts != (1, 1, 1):
        apart = image.reshape(a, counts[0], b, counts[1], c, counts[2])
        image = apart.mean(axis=(1, 3, 5), dtype=np.float32)
    rng = np.random.default_rng([scan.seed, 106])
    if scan.contrast == "CT":
        image = image + _grain(rng, grid, scan.noise_hu)
        return np.asarray(np.clip(np.round(image), -1024, 3071).astype(np.int16))
    # Magnitude of a complex signal: Rician noise; a surface coil behind the back.
    coil = np.linspace(-1.0, 1.0, b, dtype=np.float32)[None, :, None]
    image = image * (1 - np.float32(0.12) * coil * coil)
    image = np.hypot(image + _grain(rng, grid, scan.noise_hu), _grain(rng, grid, scan.noise_hu))
    return np.asarray(np.clip(np.round(image), 0, 4095).astype(np.int16))


def _grain(rng: np.random.Generator, grid: Grid, deviation: float) -> Field:
    """Noise with the short correlation of a reconstruction."""
    grain = rng.standard_normal(grid.shape, dtype=np.float32)
    grain = gaussian_filter(grain, 0.45 / np.maximum(grid.spacing_mm, 0.45), truncate=3.0)
    return np.asarray(np.float32(deviation / float(grain.std())) * grain)
