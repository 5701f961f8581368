"""Sharpen a vertebra's border on CT: the fine network's probability meets the image's own edge.

The network sees 1.5 mm; the image may be finer, and each patient's bone has its own density. Every voxel's
HU is weighed as evidence for bone against soft tissue, once, on the image's own grid: classes that are bone
(this vertebra, others) gain by it or lose, the rest (soft tissue, canal) does not. Its weight is bounded, so
that neither a vessel full of contrast nor a soft marrow overrules a network that is sure.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.core.grid import Grid
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.segmentation.refine import BODY, Patch
from spineimg.segmentation.resample import Floats

RIM_VOXELS = 2
"""Depth of the rim, voxels of the patch: it holds the cortex where the network is a voxel too wide, too."""
FEWEST = 50
"""A rim of fewer voxels tells no bone."""


def rim_hu(patch: Patch, hu: NDArray[np.generic], grid: Grid, settings: SegmentationSettings) -> float:
    """HU of the rim of a vertebra's body: what its cortex and end plates look like in this image.

    Parameters
    ----------
    patch : Patch
        What the fine network says.
    hu : ndarray, (a, b, c)
        The image on ``grid``.
    settings : SegmentationSettings
        Which share of the rim counts, and what bone is taken for where no body is seen.
    """
    body = (patch.own >= settings.vertebra_probability) & (patch.probability[BODY] >= 0.5 * patch.own)
    rim = np.argwhere(body & ~ndimage.binary_erosion(body, iterations=RIM_VOXELS))
    at = np.rint(grid.to_index(patch.grid.to_lps_mm(rim.astype(np.float64)))).astype(int)
    at = at[((at >= 0) & (at < np.array(grid.shape))).all(axis=1)]
    if len(at) < FEWEST:
        return settings.border_bone_hu
    own = float(np.quantile(hu[tuple(at.T)], settings.border_rim_share))
    return max(own, settings.border_soft_hu + settings.border_contrast_hu)


def bone_evidence(
    hu: NDArray[np.generic], body: NDArray[np.bool_], bone_hu: float, settings: SegmentationSettings
) -> Floats:
    """How much likelier a voxel's HU is in bone than in soft tissue, as a ratio.

    Parameters
    ----------
    hu : ndarray, (a, b, c)
        The image.
    body : ndarray of bool, (a, b, c)
        Where the vertebra would be body; elsewhere posterior elements.
    bone_hu : float
        HU of this vertebra's rim (`rim_hu`).
    settings : SegmentationSettings
        Soft tissue, weights, least contrast.
    """
    soft = settings.border_soft_hu
    middle = (soft + bone_hu) / 2
    place = np.clip((hu.astype(np.float32) - middle) / (bone_hu - soft), -0.5, 0.5)
    weight = np.where(body, settings.border_body_weight, settings.border_posterior_weight)
    return np.asarray(np.exp(weight * place), dtype=np.float32)


def weighed(own: Floats, other: Floats, canal: Floats, evidence: Floats) -> tuple[Floats, Floats, Floats]:
    """Probabilities of this vertebra, of others and of the canal after the image was heard.

    Parameters
    ----------
    own, other, canal : ndarray
        Probabilities before; what is missing to 1 is soft tissue.
    evidence : ndarray
        Likelihood ratio of bone (`bone_evidence`).
    """
    soft = 1.0 / (1.0 + (own + other) * (evidence - 1.0))
    bone = evidence * soft
    return np.asarray(own * bone), np.asarray(other * bone), np.asarray(canal * soft)
