"""Where in an undivided sacrum a lesion lies: in S1, which is junctional, or below it, which is rigid."""

from __future__ import annotations

from spineimg.core.grid import Points
from spineimg.core.levels import Level
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.measurement.body import Body


def sacral_levels(own_mm: Points, sacrum: Body, settings: MeasurementSettings) -> tuple[Level, ...]:
    """S1 where a lesion surely reaches into it, S2 (for S2-S5) where it surely stays below, else both.

    S1 ends a usual S1's height below its upper endplate; the remnant of the disc there is seldom seen, so the
    border has a spread, and a lesion inside that spread stays open.

    Parameters
    ----------
    own_mm : ndarray, (n, 3)
        Voxels of the lesion in the frame of S1.
    sacrum : Body
        The undivided sacrum with the frame of its upper endplate.
    settings : MeasurementSettings
        Height of S1 and its spread.
    """
    both = (Level.S1, Level.S2)
    plate = sacrum.surface_mm(own_mm, "upper")
    if plate is None or len(own_mm) == 0:
        return both
    depth = plate - own_mm[:, 2]
    half = 1.96 * settings.s1_height_sd_mm
    if float((depth < settings.s1_height_mm - half).mean()) >= settings.s1_share:
        return (Level.S1,)
    if float((depth < settings.s1_height_mm + half).mean()) < settings.s1_share:
        return (Level.S2,)
    return both
