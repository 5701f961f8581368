"""Find the vertebrae: a coarse network divides the scan, and every bone voxel votes for its body centre."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.core.grid import Grid, Points
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.core.volume import Volume
from spineimg.segmentation.inputs import (
    LEVEL_UNIT,
    LOCATE_CLASSES,
    LOCATE_FIELDS,
    LOCATE_PATCH,
    LOCATE_SPACING_MM,
    OFFSET_UNIT_MM,
)
from spineimg.segmentation.looks import look_of
from spineimg.segmentation.resample import covering_grid, to_grid
from spineimg.segmentation.tiles import slide

if TYPE_CHECKING:
    from torch import nn

Floats = NDArray[np.float32]
BODY, POSTERIOR, SACRUM = (LOCATE_CLASSES.index(name) for name in ("body", "posterior", "sacrum"))
SURE = 12.0
"""Logit of the background in tiles that hold no bone."""


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """What the coarse network says, on its own grid.

    Parameters
    ----------
    probability : ndarray of float32, (8, x, y, z)
        Probability of each of `LOCATE_CLASSES`.
    offset_mm : ndarray of float32, (3, x, y, z)
        From a vertebra's voxel to the centre of its body, LPS.
    groups : ndarray of float32, (4, x, y, z)
        Probability of cervical, thoracic, lumbar, sacral.
    number : ndarray of float32, (x, y, z)
        Level number, C1 1 to L5 24.
    grid : Grid
        Axis-aligned LPS grid of 3 mm.
    """

    probability: Floats
    offset_mm: Floats
    groups: Floats
    number: Floats
    grid: Grid


@dataclass(frozen=True, slots=True, eq=False)
class Peak:
    """A place that many voxels call the centre of their body.

    Parameters
    ----------
    centre_lps_mm : ndarray, (3,)
        Mean of the votes.
    votes_ml : float
        Bone that voted for it.
    groups : tuple of float
        Mean evidence for cervical, thoracic, lumbar.
    number : float
        Mean level number.
    """

    centre_lps_mm: Points
    votes_ml: float
    groups: tuple[float, float, float]
    number: float


def locate(volume: Volume, net: nn.Module, settings: SegmentationSettings) -> Regions:
    """Run the coarse network over a whole volume.

    Parameters
    ----------
    volume : Volume
        CT in HU or MR in units (`looks.prepared`); any spacing and orientation.
    net : Module
        The locate network.
    settings : SegmentationSettings
        Tiles and threads.
    """
    grid = covering_grid(volume.grid, LOCATE_SPACING_MM)
    values = to_grid(volume.array, volume.grid, grid)
    empty = [0.0] * (len(LOCATE_CLASSES) + len(LOCATE_FIELDS))
    empty[0] = SURE
    raw = slide(net, (values, look_of(volume.modality)), LOCATE_PATCH, empty, settings)
    classes = len(LOCATE_CLASSES)
    return Regions(
        probability=softmax(raw[:classes]),
        offset_mm=raw[classes : classes + 3] * OFFSET_UNIT_MM,
        groups=softmax(raw[classes + 3 : classes + 7]),
        number=raw[classes + 7] * LEVEL_UNIT,
        grid=grid,
    )


def softmax(logits: Floats) -> Floats:
    """Probabilities along the first axis."""
    shifted = np.exp(logits - logits.max(axis=0, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=0, keepdims=True))


def vote(regions: Regions, settings: SegmentationSettings) -> tuple[Peak, ...]:
    """Collect the votes of all vertebra voxels into peaks, strongest first.

    Parameters
    ----------
    regions : Regions
        Output of the coarse network.
    settings : SegmentationSettings
        Limits of votes and peaks.
    """
    weight = regions.probability[BODY] + 0.5 * regions.probability[POSTERIOR]
    voters = np.argwhere(weight >= settings.body_probability)
    if not len(voters):
        return ()
    at = tuple(voters.T)
    offsets = np.stack([field[at] for field in regions.offset_mm], 1)
    targets = regions.grid.to_lps_mm(voters.astype(np.float64)) + offsets
    mass = weight[at] * regions.grid.voxel_ml
    density = _histogram(targets, mass, regions.grid, settings)
    peaks = _maxima(density, settings)
    centres = [_settled(regions.grid.to_lps_mm(p), targets, mass) for p in peaks]
    groups, number = [field[at] for field in regions.groups[:3]], regions.number[at]
    owner = _owner(targets, centres)
    found = []
    for n, centre in enumerate(centres):
        mine = owner == n
        votes = float(mass[mine].sum())
        if votes < settings.peak_votes_ml:
            continue
        share = mass[mine] / mass[mine].sum()
        c, t, lumbar = (float((groups[k][mine] * share).sum()) for k in range(3))
        found.append(Peak(centre, votes, (c, t, lumbar), float((number[mine] * share).sum())))
    return tuple(sorted(found, key=lambda p: -p.votes_ml))


def _histogram(
    targets: Points, mass: NDArray[np.float64], grid: Grid, settings: SegmentationSettings
) -> Floats:
    """Smooth the density of votes, ml per voxel."""
    index = np.rint(grid.to_index(targets)).astype(int)
    inside = ((index >= 0) & (index < np.array(grid.shape))).all(1)
    flat = np.ravel_multi_index(tuple(index[inside].T), grid.shape)
    density = np.bincount(flat, mass[inside], minlength=int(np.prod(grid.shape))).reshape(grid.shape)
    sigma = settings.vote_sigma_mm / grid.spacing_mm
    return np.asarray(ndimage.gaussian_filter(density, sigma, mode="constant"), dtype=np.float32)


def _maxima(density: Floats, settings: SegmentationSettings) -> Points:
    """Find local maxima of the vote density that stand out, (n, 3) indices."""
    highest = ndimage.maximum_filter(density, size=3)
    at = np.argwhere((density == highest) & (density > 0))
    strength = density[tuple(at.T)]
    order = np.argsort(-strength)
    at, strength = at[order], strength[order]
    # The median of the upper half: crumbs are many and low, vertebrae few and high.
    strong = strength[strength >= 0.25 * strength[0]]
    return np.asarray(at[strength >= settings.peak_share * np.median(strong)], dtype=np.float64)


def _settled(start: Points, targets: Points, mass: NDArray[np.float64]) -> Points:
    """Move a peak to the mean of the votes round it (three steps of a mean shift, 8 mm)."""
    centre = start
    for _ in range(3):
        near = np.exp(-0.5 * (np.linalg.norm(targets - centre, axis=1) / 4.0) ** 2) * mass
        if near.sum() <= 0:
            break
        centre = (targets * near[:, None]).sum(0) / near.sum()
    return np.asarray(centre)


def _owner(targets: Points, centres: list[Points]) -> NDArray[np.intp]:
    """Find the nearest centre of each vote, -1 where none lies within 12 mm."""
    if not centres:
        return np.full(len(targets), -1, dtype=np.intp)
    distance = np.stack([np.linalg.norm(targets - c, axis=1) for c in centres])
    owner = distance.argmin(0)
    return np.where(distance.min(0) <= 12.0, owner, -1)
