"""The uncinate processes of cervical bodies tell nothing of the tilt of their endplates."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest

from spineimg.core.levels import Level
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.measurement.body import between_uncinates
from spineimg.measurement.edge_line import EdgeLine
from spineimg.measurement.endplates import Looks, Plates
from spineimg.measurement.slab import Slab

SLOPE = 0.05


def plates() -> Plates:
    """An endplate 24 mm wide that leans to the left, its left uncinate process 2 mm higher than the right."""
    along = np.arange(-12.0, 12.5, 1.0)
    height = SLOPE * along + np.where(along > 7.0, 4.0, np.where(along < -7.0, 2.0, 0.0))
    line = EdgeLine(along, height, np.full(25, 0.25), np.ones(25, bool), (-12.0, 12.0), rim_sd_mm=0.3)
    return Plates(line, line, None, cast(Slab, None), cast(Looks, None))


@pytest.mark.parametrize(("level", "right"), [(Level.C5, True), (Level.T5, False)])
def test_the_slope_of_a_cervical_plate_is_that_of_its_middle(
    settings: MeasurementSettings, level: Level, right: bool
) -> None:
    given = plates()
    found = between_uncinates(given, level, settings)
    assert found.upper is not None
    assert (abs(found.upper.slope()[0] - SLOPE) < 0.01) is right
    assert found.lower is given.lower
