"""The atlanto-dental interval: the gap between the anterior arch of C1 and the dens, in the midline."""

from __future__ import annotations

import numpy as np

from spineimg.core.estimate import Estimate
from spineimg.core.grid import Points
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.measurement.body import Body
from spineimg.measurement.slab import step_along


def atlantodental(atlas: Body, axis: Body, settings: MeasurementSettings) -> Estimate | None:
    """Narrowest gap between arch and dens, mm; None where the masks show no arch in front of a dens.

    Parameters
    ----------
    atlas, axis : Body
        C1 and C2.
    settings : MeasurementSettings
        Half width of the midline, height of the dens.
    """
    step_mm = 0.5
    dens = axis.frame.to_own_mm(axis.piece.dense_points(axis.piece.mask, step_mm))
    top = float(np.percentile(dens[:, 2], 99.8))
    dens = dens[dens[:, 2] > top - settings.dens_mm]
    if len(dens) == 0:
        return None
    middle = dens.mean(axis=0)
    arch = axis.frame.to_own_mm(atlas.piece.dense_points(atlas.piece.mask, step_mm))
    arch = arch[arch[:, 1] < middle[1]]
    front = _edge(dens, middle[0], "front", settings)
    back = _edge(arch, middle[0], "back", settings)
    rows = sorted(front.keys() & back.keys())
    least = 3
    if len(rows) < least:
        return None
    gaps = np.array([front[row] - back[row] for row in rows])
    spacing = step_along(axis.piece.grid, axis.frame.axes[1])
    # Points lie half their distance inside the border, on both sides of the gap.
    inside = spacing / max(1.0, np.ceil(spacing / step_mm - 0.05))
    gap = max(float(np.percentile(gaps, 20)) - inside, 0.0)
    sd = float(np.hypot(settings.mask_sd_mm, settings.mask_sd_per_spacing * spacing))
    return Estimate.from_sd(gap, sd).clipped(0.0, np.inf)


def _edge(own: Points, middle: float, which: str, settings: MeasurementSettings) -> dict[int, float]:
    """Foremost or hindmost place of the points near the midline, row by row (1 mm of height)."""
    near = own[np.abs(own[:, 0] - middle) <= settings.dens_half_width_mm]
    rows = np.floor(near[:, 2]).astype(int)
    pick = np.min if which == "front" else np.max
    return {int(row): float(pick(near[rows == row, 1])) for row in np.unique(rows)}
