"""Smooth random fields, cheap enough to draw in the training loop."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float32]
_BANK = 128


@lru_cache(maxsize=256)
def _spline_matrix(n: int, knots: int) -> Floats:
    """Cubic B-spline weights, (n, knots), knots spread over the axis with a margin."""
    t = np.linspace(1.0, knots - 2.0, n)[:, None] - np.arange(knots)[None, :]
    a = np.abs(t)
    w = np.where(a < 1, 2 / 3 - a**2 + a**3 / 2, np.where(a < 2, (2 - a) ** 3 / 6, 0.0))
    return w.astype(np.float32)


def smooth_field(rng: np.random.Generator, shape: tuple[int, ...], knots: tuple[int, ...]) -> Floats:
    """Draw a smooth field of about unit variance from a random cubic spline.

    Parameters
    ----------
    rng
        Random generator.
    shape
        Output shape (three axes).
    knots
        Control points per axis, at least 4.
    """
    field = rng.standard_normal(knots, dtype=np.float32) * np.float32(1.9)
    x, y, z = (_spline_matrix(n, k) for n, k in zip(shape, knots, strict=True))
    planes = np.matmul(y, field @ z.T)
    out: Floats = (x @ planes.reshape(knots[0], -1)).reshape(shape)
    return out


@lru_cache(maxsize=8)
def _bank(sigma: float) -> Floats:
    rng = np.random.default_rng(int(sigma * 100) + 5)
    white = rng.standard_normal((_BANK, _BANK, _BANK), dtype=np.float32)
    if sigma > 0:
        white = ndimage.gaussian_filter(white, sigma, mode="wrap")
    out: Floats = (white / white.std()).astype(np.float32)
    return out


def texture(rng: np.random.Generator, shape: tuple[int, ...], sigma: float) -> Floats:
    """Unit-variance noise with Gaussian correlation (sigma in voxels), from a bank."""
    bank = _bank(sigma)
    slices = []
    for n in shape:
        start = int(rng.integers(0, _BANK))
        index = (start + np.arange(n)) % _BANK
        slices.append(index[::-1] if rng.random() < 0.5 else index)
    return bank[np.ix_(*slices)]
