"""Prepared cases (drawn phantoms with truth) and cut-out vertebrae as templates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.training.templates import (
    MERGED,
    SACRUM,
    Template,
    body_centres,
    read_lps,
    region_of,
    signed_distance,
)

Bytes = NDArray[np.uint8]

_RIB, _OTHER, _DISC, _SOFT = 75, 108, 64, 213
_TISSUE_TO_LABEL = {1: _SOFT, 2: _RIB, 3: _DISC, 4: _OTHER, 5: SACRUM}
_CUTOUTS = ("case_colonog0001_T9", "case_colonog0001_T10", "case_colonog0001_T11")


def prepared_case(name: str, arrays: Mapping[str, NDArray[np.generic]], spacing_mm: float) -> Template:
    """Make a `Template` from a phantom's arrays, thinned to about ``spacing_mm``.

    Parameters
    ----------
    name
        For the record.
    arrays
        `hu`, `labels` (VerSe ids), `parts` (1 body, 2-9 posterior, 10 canal),
        `lesion_types` (1 lytic, 2 blastic), `tissue` (2 rib, 3 disc, 4 other bone,
        5 sacrum), `affine` (index -> LPS mm, axis aligned).
    spacing_mm
        Voxel size of the net; finer axes are averaged by whole factors.

    Raises
    ------
    ValueError
        When the affine is not axis aligned in x, y, z order.
    """
    affine = np.asarray(arrays["affine"], float)
    spacing = np.diag(affine)[:3].copy()
    if np.abs(affine[:3, :3] - np.diag(spacing)).max() > 1e-3 or (spacing <= 0).any():
        raise ValueError(f"{name}: affine is not axis aligned in x, y, z order")
    step = [max(1, int(spacing_mm / s + 0.01)) for s in spacing]
    cut = tuple(slice(0, None, k) for k in step)
    hu = np.asarray(arrays["hu"]).astype(np.float32)
    sigma = [0.4 * spacing_mm / s if s < 0.8 * spacing_mm else 0.0 for s in spacing]
    hu = ndimage.gaussian_filter(hu, sigma)[cut]
    labels = np.asarray(arrays["labels"])[cut].astype(np.uint8)
    tissue = np.asarray(arrays["tissue"])[cut]
    parts = np.asarray(arrays["parts"])[cut].astype(np.uint8)
    for value, label in _TISSUE_TO_LABEL.items():
        labels[(tissue == value) & (labels == 0)] = label
    parts = np.where((parts >= 2) & (parts <= 9), 2, parts).astype(np.uint8)
    region = region_of(labels, parts)
    spacing *= step
    origin = affine[:3, 3].copy()
    ends = np.concatenate([labels[..., :1].ravel(), labels[..., -1:].ravel()])
    lesions = np.asarray(arrays["lesion_types"])[cut].astype(np.uint8)
    centres = body_centres(labels, region, spacing, origin)
    borne = np.bincount(labels[lesions > 0], minlength=256)
    return Template(
        name=name,
        labels=labels,
        region=region,
        sdf=None,
        spacing=spacing,
        origin=origin,
        centres=centres,
        cut=frozenset(int(k) for k in np.unique(ends) if 0 < k < SACRUM),
        torso=True,
        image=np.clip(np.rint(hu), -1024, 3071).astype(np.int16),
        lesions=lesions,
        lesion_levels=tuple(k for k in centres if k < SACRUM and borne[k] > 20),
    )


def load_cutouts(folder: Path) -> Template:
    """Join the cut-out vertebrae of one subject (true HU, 0 outside) on one grid."""
    spacing = np.full(3, 0.8)
    read = [
        (read_lps(folder / name / "image.nii.gz"), read_lps(folder / name / "labels.nii.gz")[0])
        for name in _CUTOUTS
    ]
    low = np.min([origin for (_, _, origin), _ in read], axis=0) - 4.0
    high = np.max([o + (np.array(a.shape) - 1) * s for (a, s, o), _ in read], axis=0) + 4.0
    shape = tuple(np.ceil((high - low) / spacing).astype(int))
    labels, image = np.zeros(shape, np.uint8), np.zeros(shape, np.int16)
    for (hu, step, origin), ids in read:
        axes = [(low[a] + np.arange(shape[a]) * spacing[a] - origin[a]) / step[a] for a in range(3)]
        grid = np.array(np.meshgrid(*axes, indexing="ij"), np.float32)
        own = ndimage.map_coordinates(ids.astype(np.uint8), grid, order=0)
        value = ndimage.map_coordinates(hu.astype(np.float32), grid, order=1)
        labels[own > 0] = own[own > 0]
        image[own > 0] = value[own > 0].astype(np.int16)
    region = np.where(labels > 0, MERGED, 0).astype(np.uint8)
    vertebra = np.where(region == MERGED, 1, region).astype(np.uint8)
    centres = body_centres(labels, vertebra, spacing, low)
    for level, centre in centres.items():
        # the whole vertebra's mean lies behind the body's: take the widest inscribed place
        own = labels == level
        inner = ndimage.distance_transform_edt(own, sampling=spacing)
        thick = np.argwhere(inner > 0.6 * inner.max())
        centres[level] = low + thick.mean(0) * spacing if len(thick) else centre
    return Template(
        name="real/spinetwin_colonog0001",
        labels=labels,
        region=region,
        sdf=signed_distance(labels, spacing),
        spacing=spacing,
        origin=low,
        centres=centres,
        cut=frozenset(),
        torso=False,
        image=image,
    )
