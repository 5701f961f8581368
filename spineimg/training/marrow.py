"""Thin marrow of old age, in all vertebrae of a patch alike: low, uneven, fatty in the middle; no lesion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.training.noise import smooth_field, texture

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

LEAST_VOXELS = 200


def thin_marrow(rng: np.random.Generator, hu: Floats, bone: Mask, depth: Floats) -> None:
    """Make the spongy bone of a patch that of osteoporosis, in place.

    The density falls from the shell to a fatty middle, is blotchy over centimetres, lower in front or at one
    endplate, and stands in vertical strands; the image's own texture stays on top. Every vertebra of the
    patch gets the same pattern, as in a patient.

    Parameters
    ----------
    rng
        Random generator.
    hu
        Hounsfield units of the patch; changed.
    bone
        All vertebrae.
    depth
        Signed distance to the bone surface, mm.
    """
    shape = hu.shape
    shell = rng.uniform(0.8, 2.2)
    marrow = bone * np.clip((depth - shell) / 1.5 + 0.5, 0.0, 1.0)
    sure = marrow > 0.9
    if sure.sum() < LEAST_VOXELS:
        return
    fall = np.exp(-np.clip(depth - shell, 0, None) / rng.uniform(1.0, 3.5))
    field = rng.uniform(0.0, 95.0) + rng.uniform(10, 110) * fall
    middle = np.clip((depth - rng.uniform(4.0, 9.0)) / rng.uniform(1.5, 5.0), 0.0, 1.0)
    if rng.random() < 0.5:  # fat first fills the middle of each body, not as a plain ball
        middle = middle * np.clip(1.0 + 0.8 * smooth_field(rng, shape, (7, 7, 7)), 0.0, 1.5)
        field = field - rng.uniform(10, 80) * middle
    field = field + rng.uniform(5, 40) * smooth_field(rng, shape, (8, 8, 8))
    field = field + rng.uniform(3, 25) * texture(rng, shape, float(rng.choice([1.0, 2.0])))
    strands = texture(rng, (shape[0], shape[1], 1), 0.0)
    field = field + rng.uniform(0, 35) * strands
    front = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :, None]
    field = field + rng.uniform(-10, 50) * front
    level = float(np.median(hu[sure])) if rng.random() < 0.4 else ndimage.gaussian_filter(hu, 2.0)
    kept = rng.uniform(0.4, 1.0) * (hu - level)  # its unevenness, or only its texture
    hu += (marrow * (field + kept - hu)).astype(np.float32)
