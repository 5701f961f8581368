"""Real MR with masks of bodies alone as templates: what is known, and what must be left open."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.segmentation.mr_inputs import mr_units
from spineimg.training.mr_losses import NOT_BODY
from spineimg.training.sources import Source
from spineimg.training.templates import IGNORE, SACRUM, Template, body_centres, read_lps

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Points = NDArray[np.float64]

FINE_MM = 2.0
"""Slices thicker than this are interpolated to half, masks by their distance in the slice."""
FRONT_MM = 6.0
"""Farther before the bodies than this nothing belongs to the spine."""
END_MM = 3.0
"""Beyond the last labelled body only this much is known not to be body."""
DISC_REACH_MM = 9.0
CLOSING_VOXELS = 11
SACRUM_BALL_MM = 10.0
SACRUM_TURN_DEG = 14.0
SACRUM_STEP = 0.93


def train_cases(data: Path) -> list[Path]:
    """Folders of the MR cases of split `train`, sorted."""
    return [f for f in sorted((data / "ct_mr").glob("*/case_*")) if _is_mr(f, "train")]


def validation_cases(data: Path) -> list[Path]:
    """Folders of the MR cases of split `validation`, sorted."""
    return [f for f in sorted((data / "ct_mr").glob("*/case_*")) if _is_mr(f, "validation")]


def _is_mr(folder: Path, split: str) -> bool:
    path = folder / "meta.json"
    if not path.is_file():
        return False
    meta = json.loads(path.read_text(encoding="utf-8"))
    return bool(meta.get("modality") == "MR" and meta.get("split") == split)


def load_mr(folder: Path, spacing_mm: float, weight: float) -> Source:
    """Load one case for a net's voxel size.

    Parameters
    ----------
    folder
        image.nii.gz and labels.nii.gz (bodies only).
    spacing_mm
        Voxel size of the net: finer axes are smoothed.
    weight
        Share among the sources.
    """
    image, spacing, origin = read_lps(folder / "image.nii.gz")
    labels = np.ascontiguousarray(read_lps(folder / "labels.nii.gz")[0]).astype(np.uint8)
    units = mr_units(image)
    sigma = [0.4 * spacing_mm / s if s < 0.8 * spacing_mm else 0.0 for s in spacing]
    units = ndimage.gaussian_filter(units, sigma)
    if spacing[0] > FINE_MM:
        units, labels = halve_slices(units, labels, spacing)
        spacing = spacing * np.array([0.5, 1.0, 1.0])
    cut = frozenset(int(k) for k in np.unique(np.concatenate([labels[..., 0], labels[..., -1]])) if k)
    labels, region = known_regions(labels, spacing)
    template = Template(
        name=f"mr/{folder.name}",
        labels=labels,
        region=region,
        sdf=None,
        spacing=spacing,
        origin=origin,
        centres=body_centres(labels, region, spacing, origin),
        cut=cut,
        torso=True,
        image=np.rint(units * 1000).astype(np.int16),
    )
    return Source(template, weight, units)


def halve_slices(units: Floats, labels: Bytes, spacing: Points) -> tuple[Floats, Bytes]:
    """Put a slice between each two of the first axis; masks follow the mean of their distances."""
    middle = 0.5 * (units[1:] + units[:-1])
    n = 2 * len(units) - 1
    fine = np.empty((n, *units.shape[1:]), np.float32)
    fine[0::2], fine[1::2] = units, middle
    reach = 0.75 * spacing[0]
    out = np.zeros(fine.shape, np.uint8)
    out[0::2] = labels
    signed, nearest = [], []
    for plane in labels:
        own = plane > 0
        outside, index = ndimage.distance_transform_edt(~own, return_indices=True)
        inside = ndimage.distance_transform_edt(own)
        signed.append(np.clip(inside - outside, -reach, reach) if own.any() else np.full(plane.shape, -reach))
        nearest.append(plane[tuple(index)] if own.any() else np.zeros_like(plane))
    for k in range(len(labels) - 1):
        between = signed[k] + signed[k + 1] > 0
        name = np.where(signed[k] >= signed[k + 1], nearest[k], nearest[k + 1])
        out[2 * k + 1] = np.where(between, name, 0)
    return fine, out


def known_regions(labels: Bytes, spacing: Points) -> tuple[Bytes, Bytes]:
    """Say what a mask of bodies tells about every voxel.

    Body, disc between two bodies, the first sacral body, nothing of the spine in front; beyond the
    ends of the column nothing is known (`IGNORE`), elsewhere only that it is no body (`NOT_BODY`).

    Parameters
    ----------
    labels
        (a, b, c) VerSe ids of bodies in LPS order; 26 is the body of S1.
    spacing
        mm.

    Returns
    -------
    tuple
        Labels (a piece of the sacrum added below L5 where it has no mask) and region codes.
    """
    labels = labels.copy()
    region = np.full(labels.shape, NOT_BODY, np.uint8)
    levels = sorted(int(k) for k in np.unique(labels) if k)
    centres = {k: np.argwhere(labels == k).mean(0) * spacing for k in levels}
    place = np.moveaxis(np.indices(labels.shape), 0, -1) * spacing
    region[_in_front(labels, spacing)] = 0
    for upper, lower in pairwise(levels):
        disc = _disc(labels, (upper, lower), centres, place)
        region[disc & (labels == 0)] = 3
    region[labels > 0] = 1
    region[labels == SACRUM] = 4
    for end, inner in ((levels[0], levels[1]), (levels[-1], levels[-2])):
        away = centres[end] - centres[inner]
        normal = _plate_normal(labels == end, spacing, away)
        along = (place - centres[end]) @ normal
        edge = float(np.quantile(along[labels == end], 0.97))
        region[(along > edge + END_MM) & (labels == 0)] = IGNORE
    if SACRUM not in levels and levels[-1] == SACRUM - 2:
        ball = np.linalg.norm(place - _sacrum_point(centres), axis=-1) < SACRUM_BALL_MM
        labels[ball & (region == IGNORE)] = SACRUM
        region[labels == SACRUM] = 4
    return labels, region


def _in_front(labels: Bytes, spacing: Points) -> NDArray[np.bool_]:
    """Voxels clearly before the column's front wall at their height."""
    some = (labels > 0).any(0)
    heights = np.flatnonzero(some.any(0))
    front = some.argmax(0)[heights]
    wall = np.interp(np.arange(labels.shape[2]), heights, ndimage.minimum_filter1d(front, 9))
    y = np.arange(labels.shape[1])[:, None]
    return np.broadcast_to(y * spacing[1] < wall * spacing[1] - FRONT_MM, labels.shape)


def _disc(
    labels: Bytes, pair: tuple[int, int], centres: dict[int, Points], place: Points
) -> NDArray[np.bool_]:
    """Space between two bodies, slice by slice."""
    middle = 0.5 * (centres[pair[0]] + centres[pair[1]])
    axis = centres[pair[0]] - centres[pair[1]]
    out = np.zeros(labels.shape, bool)
    rows = np.argwhere(np.isin(labels, pair))
    box = tuple(slice(max(0, a - 3), b + 4) for a, b in zip(rows.min(0), rows.max(0), strict=True))
    own = np.isin(labels[box], pair)
    near = np.abs((place[box] - middle) @ (axis / np.linalg.norm(axis))) < DISC_REACH_MM
    reach = np.arange(-CLOSING_VOXELS, CLOSING_VOXELS + 1)
    element = np.hypot(reach[:, None], reach[None]) <= CLOSING_VOXELS
    wide = np.pad(own, CLOSING_VOXELS)
    for k, plane in enumerate(wide[CLOSING_VOXELS:-CLOSING_VOXELS]):
        if plane.any():
            inner = ndimage.binary_closing(plane, element)[
                CLOSING_VOXELS:-CLOSING_VOXELS, CLOSING_VOXELS:-CLOSING_VOXELS
            ]
            out[box][k] = inner & near[k]
    return out


def _plate_normal(body: NDArray[np.bool_], spacing: Points, away: Points) -> Points:
    """Direction across a body's end plates: the column's, refined by the body's own shortest axis."""
    points = np.argwhere(body) * spacing
    points[:, 0] *= 0.3  # the slab may cut the body at the sides
    _, vectors = np.linalg.eigh(np.cov((points - points.mean(0))[:, 1:].T))
    away = away / np.linalg.norm(away)
    best = max(vectors.T, key=lambda v: abs(float(v @ away[1:])))
    normal = np.array([0.0, *best]) * np.sign(float(best @ away[1:]))
    mean = normal + away
    return np.asarray(mean / np.linalg.norm(mean))


def _sacrum_point(centres: dict[int, Points]) -> Points:
    """About the centre of S1: the last step, turned backward, from L5."""
    step = centres[SACRUM - 2] - centres[SACRUM - 3]
    angle = np.deg2rad(SACRUM_TURN_DEG)
    y, z = step[1], step[2]
    turned = np.array([step[0], y * np.cos(angle) - z * np.sin(angle), z * np.cos(angle) + y * np.sin(angle)])
    return np.asarray(centres[SACRUM - 2] + SACRUM_STEP * turned)
