"""Thin marrow that a machine takes for lysis: the patient's other vertebrae have the same there."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from spineimg.core.grid import Points
from spineimg.core.levels import Level
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.measurement.body import Body
from spineimg.measurement.density import MAD_TO_SD, Core
from spineimg.measurement.heights import level_place


def like_own_marrow(
    own_mm: Points,
    level: Level,
    column: tuple[Mapping[Level, Body], Mapping[Level, Core]],
    settings: MeasurementSettings,
) -> bool:
    """Whether a lytic mark is no less dense than the marrow of the patient's other vertebrae allows.

    Compared are smoothed voxels deep in the bodies: with the same place of each other body (fat of old age
    fills the middle of all), and with how low their marrow is somewhere (thin marrow is uneven).

    Parameters
    ----------
    own_mm : ndarray, (n, 3)
        Voxels of the mark in the frame of its vertebra.
    level : Level
        That vertebra.
    column : tuple of mappings
        Bodies and cores of all vertebrae.
    settings : MeasurementSettings
        How far below is clearly below, how many vertebrae are needed.

    Returns
    -------
    bool
        False too where too little of the mark lies deep in the body, or too few others are seen.
    """
    bodies, cores = column
    box = _ranges(bodies[level])
    share = (own_mm - box[:, 0]) / (box[:, 1] - box[:, 0])
    here = _deep(share, bodies[level], cores[level], settings)
    if len(here) < settings.marrow_deep_share * len(share):
        return False  # at the surface the lost cortex is evidence of its own
    places, middles, spreads = [], [], []
    for other in _others(level, column, settings):
        there = _deep(share, bodies[other], cores[other], settings)
        if len(there) < settings.marrow_deep_share * len(share):
            continue
        core = cores[other]
        marrow = core.smooth[core.body & (core.depth_mm >= settings.erosion_mm)].astype(np.float64)
        places.append(float(np.median(there)))
        middles.append(float(np.median(marrow)))
        spreads.append(_spread_below(marrow))
    if len(places) < settings.marrow_vertebrae:
        return False
    limits = [
        _limit(np.asarray(places), _spread_below(np.asarray(places)), settings),
        _limit(np.asarray(middles), float(np.median(spreads)), settings),
    ]
    return float(np.median(here)) > min(limits)


def _limit(middles: Points, spread: float, settings: MeasurementSettings) -> float:
    """Density from which downwards a mark is clearly below these; any is where they are not thin."""
    middle = float(np.median(middles))
    if middle >= settings.marrow_thin_hu:
        return np.inf
    spread = max(spread, settings.healthy_spread_floor_hu)
    return middle - max(settings.marrow_below_hu, settings.marrow_below_sd * spread)


def _spread_below(values: Points) -> float:
    """Robust SD of the half below the middle: dense lesions and sclerosis lie above it."""
    middle = float(np.median(values))
    return MAD_TO_SD * float(np.median(middle - values[values <= middle]))


def _others(
    level: Level,
    column: tuple[Mapping[Level, Body], Mapping[Level, Core]],
    settings: MeasurementSettings,
) -> list[Level]:
    """The nearest other vertebrae whose bodies are seen whole, ill ones too: the middle bears some."""
    bodies, cores = column
    whole = [m for m in cores if m is not level and m.is_vertebra and bodies[m].piece.body_whole]
    if not level.is_vertebra:
        return []
    ranked = sorted(whole, key=lambda m: abs(level_place(m) - level_place(level)))
    return ranked[: 2 * settings.neighbours_each_side]


def _ranges(body: Body) -> Points:
    """Extent of a body along left, posterior and cranial, (3, 2) mm."""
    return np.array([body.box.width, body.box.depth, body.box.height])


def _deep(share: Points, body: Body, core: Core, settings: MeasurementSettings) -> Points:
    """Smoothed densities at places (shares of a body's extent) that lie deep in it."""
    box = _ranges(body)
    lps = body.frame.to_lps_mm(box[:, 0] + share * (box[:, 1] - box[:, 0]))
    index = np.rint(core.grid.to_index(lps)).astype(int)
    inside = np.all((index >= 0) & (index < core.grid.shape), axis=1)
    at = tuple(index[inside].T)
    deep = core.body[at] & (core.depth_mm[at] >= settings.erosion_mm)
    return np.asarray(core.smooth[at][deep], dtype=np.float64)
