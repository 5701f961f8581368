"""Shifts and angles between neighbours, with the signs of the contract."""

from __future__ import annotations

import numpy as np
import pytest

from spineimg.core.levels import Level
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.measurement import divide, measure
from tests.measurement.boxes import Boxes, make_boxes

TOLERANCE_MM, TOLERANCE_DEG = 0.9, 1.0


@pytest.mark.parametrize(
    ("spacing", "turn"), [((1.2, 1.2, 1.2), (0.0, 0.0, 0.0)), ((0.9, 0.9, 2.0), (10.0, 5.0, -8.0))]
)
def test_a_slip_is_measured_in_millimetres(
    settings: MeasurementSettings, spacing: tuple[float, float, float], turn: tuple[float, float, float]
) -> None:
    """L2 stands 5 mm ahead of L3; L1 stands on L2."""
    spec = Boxes(shifts_mm=(5.0, 5.0, 0.0, 0.0), spacing_mm=spacing, turn_deg=turn)
    volume, labels = make_boxes(spec)
    segments = measure(volume, divide(labels, settings), settings).segments
    true = {Level.L1: 0.0, Level.L2: 5.0, Level.L3: 0.0}
    assert [s.upper for s in segments] == list(true)
    for segment in segments:
        shift = segment.translation_ap_mm
        assert shift is not None
        assert abs(shift.value - true[segment.upper]) < TOLERANCE_MM
        assert segment.translation_lateral_mm is not None
        assert abs(segment.translation_lateral_mm.value) < TOLERANCE_MM
        assert segment.kyphosis_deg is not None
        assert segment.scoliosis_deg is not None
        assert abs(segment.kyphosis_deg.value) < TOLERANCE_DEG
        assert abs(segment.scoliosis_deg.value) < TOLERANCE_DEG
        assert segment.caudal_depth_mm is not None
        assert abs(segment.caudal_depth_mm - 30.0) < 1.5
        assert segment.posterior_walls_lps_mm is not None


def test_a_missing_vertebra_leaves_no_segment(settings: MeasurementSettings) -> None:
    from dataclasses import replace

    volume, labels = make_boxes(Boxes(spacing_mm=(1.5, 1.5, 1.5)))
    array = np.where(labels.array == Level.L2.verse_id, 0, labels.array).astype(np.uint8)
    segments = measure(volume, divide(replace(labels, array=array), settings), settings).segments
    assert [(s.upper, s.lower) for s in segments] == [(Level.L3, Level.L4)]
