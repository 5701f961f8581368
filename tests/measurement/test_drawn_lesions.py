"""Lesions that a reader drew: their outline holds, and the edges of the bone are not sought along it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spineimg.core.levels import Level
from spineimg.core.measurements import Measurements
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.measurement import divide, measure
from spineimg.measurement.tilt import weighed
from tests.measurement.boxes import DISC, MARROW_HU, Boxes, make_boxes

HEIGHTS = (25.0, 26.0, 27.0, 27.0)
DENSE_MM = 4.0
"""So far the dense lesion of L2 has grown out of it, behind and below."""


@pytest.fixture(scope="module")
def found(settings: MeasurementSettings) -> Measurements:
    """Four boxes: a dense lesion has left L2 behind and below; a lytic one leaves L4 its cortex."""
    volume, labels = make_boxes(Boxes(HEIGHTS, spacing_mm=(1.2, 1.2, 1.2)))
    labels = divide(labels, settings)
    index = np.stack(np.meshgrid(*[np.arange(n) for n in volume.grid.shape], indexing="ij"), axis=-1)
    x, y, z = np.moveaxis(volume.grid.to_lps_mm(index.astype(float)), -1, 0)
    top = (sum(HEIGHTS) + 3 * DISC) / 2
    l2_low, l4_low = top - 25 - DISC - 26, -top
    dense = (np.abs(x) < 9) & (y > -14) & (y < DENSE_MM) & (z > l2_low - DENSE_MM) & (z < l2_low + 22)
    dense &= (labels.array == 0) | (labels.array == Level.L2.verse_id)
    ball = (x - 14.5) ** 2 + (y - 13) ** 2 + (z - l4_low - 13) ** 2 < 49
    ball &= labels.array == Level.L4.verse_id
    hu = np.where(dense, np.maximum(volume.array, 620), volume.array)
    hu = np.where(ball & (hu < MARROW_HU + 50), 40, hu)
    lesions = np.where(dense, 1, np.where(ball, 2, 0)).astype(np.uint8)
    drawn = replace(labels, lesions=lesions, lesions_confirmed=True)
    return measure(replace(volume, array=hu.astype(np.int16)), drawn, settings)


def test_a_lesion_grown_out_of_the_bone_is_not_taken_for_its_wall(found: Measurements) -> None:
    for segment in found.segments:
        shift = segment.translation_ap_mm
        assert shift is not None
        assert abs(shift.value) < 1.5, segment.upper
        assert shift.low < 0.0 < shift.high


def test_nor_for_its_endplate(found: Measurements) -> None:
    for level, height in zip((Level.L1, Level.L2, Level.L3, Level.L4), HEIGHTS, strict=True):
        vertebra = found.vertebra(level)
        assert vertebra is not None
        for site in ("anterior", "middle", "posterior"):
            assert abs(getattr(vertebra.heights_mm, site).value - height) < 1.2, (level, site)


def test_cortex_over_a_lytic_lesion_does_not_make_it_mixed(found: Measurements) -> None:
    lesion = next(x for x in found.lesions if x.level is Level.L4)
    assert lesion.lytic_percent is not None
    assert lesion.lytic_percent.value == 100.0
    assert lesion.quality == ("lytic",)


def test_a_drawn_outline_is_doubted_by_its_sampling_only(found: Measurements) -> None:
    for lesion in found.lesions:
        assert 0.0 < lesion.volume_ml.high - lesion.volume_ml.low < 0.15 * lesion.volume_ml.value


def test_where_a_reader_drew_no_bone_is_called_missing(found: Measurements) -> None:
    assert all(v.structures_missing_percent is None for v in found.vertebrae)


def test_a_cut_process_hides_no_height_and_no_joint(settings: MeasurementSettings) -> None:
    """The image ends inside the transverse processes, which take no part in either."""
    volume, labels = make_boxes(Boxes(HEIGHTS, spacing_mm=(1.2, 1.2, 1.2)))
    labels = divide(labels, settings)
    start, stop = (12, 0, 0), (volume.grid.shape[0] - 12, *volume.grid.shape[1:])
    box = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    grid = volume.grid.cropped(start, stop)
    cut = replace(labels, array=labels.array[box], parts=np.asarray(labels.parts)[box], grid=grid)
    found = measure(replace(volume, array=volume.array[box], grid=grid), cut, settings)
    assert [v.complete for v in found.vertebrae] == [False] * 4
    for vertebra, height in zip(found.vertebrae, HEIGHTS, strict=True):
        assert vertebra.heights_mm.middle is not None
        assert abs(vertebra.heights_mm.middle.value - height) < 0.8
        assert vertebra.height_loss_percent is not None
    assert len(found.segments) == 3


def test_slopes_are_weighed_by_their_precision() -> None:
    slope, sd = weighed(1.0, 1.0, 4.0, 2.0)
    assert slope == pytest.approx(1.6)
    assert sd == pytest.approx(np.sqrt(0.8))
