"""Segment each located vertebra in a patch round its body centre, with its neighbours in view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spineimg.core.grid import Grid, Points
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.core.volume import Volume
from spineimg.segmentation.inputs import (
    OUTSIDE_HU,
    REFINE_BACKWARD_MM,
    REFINE_CLASSES,
    REFINE_PATCH,
    REFINE_SPACING_MM,
    guide_channel,
)
from spineimg.segmentation.locate import softmax
from spineimg.segmentation.looks import look_of
from spineimg.segmentation.resample import box_grid, to_grid
from spineimg.segmentation.tiles import inference, run_network

if TYPE_CHECKING:
    from torch import nn

Floats = NDArray[np.float32]
NOTHING, BODY, POSTERIOR, OTHER, CANAL = range(len(REFINE_CLASSES))


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """What the fine network says about one vertebra.

    Parameters
    ----------
    probability : ndarray of float32, (5, x, y, z)
        Probability of each of `REFINE_CLASSES`.
    lytic, blastic : ndarray of float32, (x, y, z)
        Probability of a lesion of this vertebra.
    grid : Grid
        Axis-aligned LPS grid of 1.5 mm.
    """

    probability: Floats
    lytic: Floats
    blastic: Floats
    grid: Grid

    @property
    def own(self) -> Floats:
        """Probability of this vertebra, body or posterior elements."""
        return np.asarray(self.probability[BODY] + self.probability[POSTERIOR])


def refine(
    volume: Volume, centres_lps_mm: Sequence[Points], net: nn.Module, settings: SegmentationSettings
) -> tuple[Patch, ...]:
    """Run the fine network once per vertebra.

    Parameters
    ----------
    volume : Volume
        CT in HU or MR in units (`looks.prepared`).
    centres_lps_mm : sequence of ndarray, (3,)
        Body centres.
    net : Module
        Maps (n, 3, 64, 64, 48) to (n, 7, 64, 64, 48).
    settings : SegmentationSettings
        Patches at once, threads.

    Returns
    -------
    tuple of Patch
        In the order of the centres.
    """
    grids = [patch_grid(np.asarray(c)) for c in centres_lps_mm]
    out: list[Patch] = []
    with inference(settings):
        for first in range(0, len(grids), settings.tiles_at_once):
            some = range(first, min(len(grids), first + settings.tiles_at_once))
            inputs = [_input(volume, grids[n], np.asarray(centres_lps_mm[n])) for n in some]
            raw = run_network(net, np.stack(inputs))
            out += [_patch(raw[place], grids[n]) for place, n in enumerate(some)]
    return tuple(out)


def patch_grid(centre_lps_mm: Points) -> Grid:
    """Grid of the patch of one vertebra: its middle lies behind the body centre."""
    middle = centre_lps_mm + np.array([0.0, REFINE_BACKWARD_MM, 0.0])
    low = middle - REFINE_SPACING_MM * (np.array(REFINE_PATCH) - 1) / 2
    grid = box_grid(low, low + REFINE_SPACING_MM * (np.array(REFINE_PATCH) - 1), REFINE_SPACING_MM)
    return Grid(REFINE_PATCH, grid.affine)


def _input(volume: Volume, grid: Grid, centre: Points) -> Floats:
    """Image and guide channels of one patch, (3, x, y, z)."""
    values = to_grid(volume.array, volume.grid, grid)
    place = grid.to_index(centre)
    at = (float(place[0]), float(place[1]), float(place[2]))
    guide = guide_channel(REFINE_PATCH, at, REFINE_SPACING_MM)
    return np.concatenate([look_of(volume.modality).channels(np.maximum(values, OUTSIDE_HU)), guide])


def _patch(raw: Floats, grid: Grid) -> Patch:
    """Raw outputs to probabilities."""
    classes = len(REFINE_CLASSES)
    lesions = 1.0 / (1.0 + np.exp(-np.clip(raw[classes:], -30, 30)))
    return Patch(softmax(raw[:classes]), lesions[0], lesions[1], grid)
