"""Whether the refined bodies of one column agree: each stretch of bone is claimed by one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spineimg.core.labelmap import BODIES_OVERLAP, Caveat
from spineimg.core.levels import Level
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.core.volume import Volume
from spineimg.segmentation.chain import expected_spacing_mm
from spineimg.segmentation.discs import between_discs
from spineimg.segmentation.locate import Peak, Regions
from spineimg.segmentation.profile import STEP_MM, Profile, path_points, profile
from spineimg.segmentation.refine import Patch, refine
from spineimg.segmentation.settle import own_centre

if TYPE_CHECKING:
    from torch import nn

Column = tuple[tuple[Peak, ...], tuple[Patch, ...]]
LEAST_BODIES = 3
"""Fewer bodies show no rhythm of discs."""


def by_discs(
    volume: Volume, column: Column, regions: Regions, net: nn.Module, settings: SegmentationSettings
) -> Column:
    """Try the bodies between the discs, and keep them where the refined bodies then agree better.

    Parameters
    ----------
    volume : Volume
        CT in HU or MR in units.
    column : tuple
        Settled bodies, head to foot, and their patches.
    regions : Regions
        Output of the coarse network.
    net : Module
        The fine network.
    settings : SegmentationSettings
        Rounds, and how far a body must move to be tried again.
    """
    for _ in range(settings.disc_rounds):
        chain, patches = column
        if len(chain) < LEAST_BODIES:
            break
        points = path_points(chain, regions)
        seen = profile(volume, patches, points)
        placed = between_discs(seen, chain, regions, volume.modality, settings)
        other = _refined(volume, placed, column, net, settings)
        if other is None or disorder(profile(volume, other[1], points)) >= disorder(seen):
            break
        column = other
    return column


def _refined(
    volume: Volume, placed: Sequence[Peak], column: Column, net: nn.Module, settings: SegmentationSettings
) -> Column | None:
    """Refine what has moved and keep the rest; None where nothing has."""
    chain, patches = column
    kept: list[tuple[Peak, Patch | None]] = []
    for peak in placed:
        apart = [float(np.linalg.norm(peak.centre_lps_mm - p.centre_lps_mm)) for p in chain]
        near = int(np.argmin(apart))
        same = apart[near] <= settings.disc_moved_share * expected_spacing_mm(peak)
        kept.append((chain[near], patches[near]) if same else (peak, None))
    fresh = [peak for peak, patch in kept if patch is None]
    if not fresh and len(kept) == len(chain):
        return None
    new = iter(refine(volume, [peak.centre_lps_mm for peak in fresh], net, settings))
    out = [(peak, next(new) if patch is None else patch) for peak, patch in kept]
    moved = [replace(peak, centre_lps_mm=own_centre(peak, patch, settings)) for peak, patch in out]
    return tuple(moved), tuple(patch for _, patch in out)


def disorder(seen: Profile) -> float:
    """Share of the bone along a column that two bodies claim, or none; discs are in it, so it is never 0."""
    bone = seen.bone >= 0.5
    claims = (seen.own >= 0.5).sum(axis=0)
    return float((claims[bone] != 1).mean()) if bone.any() else 1.0


def disagreeing(
    volume: Volume, column: Column, regions: Regions, settings: SegmentationSettings
) -> NDArray[np.bool_]:
    """Bodies that share too much of their length with a neighbour, or are too long for one, (k,)."""
    chain, patches = column
    if len(chain) < LEAST_BODIES:
        return np.zeros(len(chain), dtype=bool)
    seen = profile(volume, patches, path_points(chain, regions))
    return clashes(seen, np.array([expected_spacing_mm(p) for p in chain]), settings)


def clashes(
    seen: Profile, spacing_mm: NDArray[np.float64], settings: SegmentationSettings
) -> NDArray[np.bool_]:
    """The same from a profile; ``spacing_mm`` (k,) is what the region makes likely for each body."""
    claimed = seen.own >= 0.5
    twice = claimed.sum(axis=0) > 1
    length = claimed.sum(axis=1)
    shared = (claimed & twice).sum(axis=1) > settings.shared_share * length
    return np.asarray(shared | (length * STEP_MM > settings.tall_share * spacing_mm))


def clash_caveats(levels: Sequence[Level | None], clash: NDArray[np.bool_]) -> tuple[Caveat, ...]:
    """Say which bodies do not agree; their heights mean nothing."""
    wrong = tuple(level for level, bad in zip(levels, clash, strict=True) if bad and level is not None)
    if not wrong:
        return ()
    message = f"the masks of these bodies take in parts of their neighbours: {', '.join(map(str, wrong))}"
    return (Caveat(BODIES_OVERLAP, message, wrong),)
