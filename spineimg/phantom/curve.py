"""A scoliosis by construction: how far each vertebra leans and turns."""

from __future__ import annotations

import numpy as np

from spineimg.core.grid import Points
from spineimg.core.levels import Level
from spineimg.phantom.spec import CurveSpec

_FADES_OVER = 5
"""Levels beyond an end vertebra over which the column comes back to upright."""
_TURN_PER_COBB = 0.3
"""Axial rotation of the apex per degree of Cobb angle; by hand."""


def curve_deg(levels: tuple[Level, ...], curve: CurveSpec | None) -> tuple[Points, Points]:
    """Lean to the left and turn of the front to the left, degrees, of each level of the column.

    Between the end vertebrae the lean runs as a cosine from half the Cobb angle at the lower to minus half
    at the upper one; the turn is largest at the apex, toward the convexity.
    """
    tilt, turn = np.zeros(len(levels)), np.zeros(len(levels))
    if curve is None:
        return tilt, turn
    first, last = levels.index(curve.upper), levels.index(curve.lower)
    half = curve.cobb_deg / 2
    for place in range(len(levels) - 1):
        share = (last - place) / (last - first)
        within = min(max(share, 0.0), 1.0)
        beyond = max(first - place, place - last, 0)
        fade = 0.5 + 0.5 * np.cos(np.pi * min(beyond / _FADES_OVER, 1.0))
        if place > last:
            # The sacrum stays level, however near it is.
            fade = min(fade, (len(levels) - 1 - place) / (len(levels) - 1 - last))
        tilt[place] = half * np.cos(np.pi * within) * fade
        turn[place] = _TURN_PER_COBB * curve.cobb_deg * np.sin(np.pi * within)
    return tilt, turn
