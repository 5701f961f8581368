"""A machine's small find is a question to a reader, not a metastasis."""

from __future__ import annotations

import numpy as np
import pytest

from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.measurement.lookalikes import Look, _small


@pytest.mark.parametrize(("volume_ml", "doubtful"), [(0.4, True), (0.99, True), (1.0, False), (4.0, False)])
def test_below_one_ml_is_doubtful(volume_ml: float, doubtful: bool) -> None:
    look = Look(np.zeros((5, 3)), np.full(5, 60.0), volume_ml, 1.0, 1.0)
    verdict = _small(look, None, MeasurementSettings())  # type: ignore[arg-type]
    assert (verdict == ("doubtful", None)) is doubtful
