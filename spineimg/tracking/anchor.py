"""One vertebra of an earlier scan found again in a later one, as a mapping between the two frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from spineimg.core.grid import Points
from spineimg.core.levels import Level
from spineimg.core.measurements import VertebraMeasurement
from spineimg.core.settings.tracking import TrackingSettings
from spineimg.core.track import Track
from spineimg.tracking.shape import Fit, fit, shape_of
from spineimg.tracking.timepoint import Timepoint


@dataclass(frozen=True, slots=True, eq=False)
class Anchor:
    """Maps the space of an earlier scan onto that of a later one by one vertebra's posterior elements."""

    earlier: VertebraMeasurement
    later: VertebraMeasurement
    found: Fit | None

    def to_later_lps_mm(self, earlier_lps_mm: Points) -> Points:
        """Place in the later scan of points of the earlier one; shape (..., 3)."""
        own = (earlier_lps_mm - np.array(self.earlier.centre_lps_mm)) @ np.array(self.earlier.axes_lps).T
        if self.found is not None:
            own = own @ self.found.rotation.T + self.found.shift_mm
        return np.asarray(own @ np.array(self.later.axes_lps) + np.array(self.later.centre_lps_mm))

    def to_earlier_lps_mm(self, later_lps_mm: Points) -> Points:
        """Place in the earlier scan of points of the later one; shape (..., 3)."""
        own = (later_lps_mm - np.array(self.later.centre_lps_mm)) @ np.array(self.later.axes_lps).T
        if self.found is not None:
            own = (own - self.found.shift_mm) @ self.found.rotation
        return np.asarray(own @ np.array(self.earlier.axes_lps) + np.array(self.earlier.centre_lps_mm))


def anchor(
    scans: tuple[Timepoint, Timepoint], levels: tuple[Level, Level], settings: TrackingSettings
) -> Anchor | None:
    """Lay one vertebra of the earlier scan on the same vertebra of the later one.

    Parameters
    ----------
    scans : tuple of Timepoint
        Earlier and later scan.
    levels : tuple of Level
        The vertebra's own name on each (`own_level`).
    settings : TrackingSettings
        Step and reach of the registration.

    Returns
    -------
    Anchor or None
        None when one scan does not show the vertebra.
    """
    then, now = (p.case.measurements.vertebra(level) for p, level in zip(scans, levels, strict=True))
    if then is None or now is None:
        return None
    forms = []
    for point, vertebra in ((scans[0], then), (scans[1], now)):
        box = ndimage.find_objects(point.labels.array, max_label=32)[vertebra.label - 1]
        if box is None:
            return Anchor(then, now, None)
        forms.append(shape_of(point.labels, vertebra, box, settings))
    return Anchor(then, now, fit(forms[0], forms[1], settings))


def own_level(track: Track, case: int, level: Level) -> Level | None:
    """What a case calls a level of the track; None where it does not show it."""
    for match in track.matches:
        if match.case == case and match.level is level:
            return match.matched_level
    return level if case == 0 else None
