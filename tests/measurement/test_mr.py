"""MR with bodies only: heights, segments and volumes are measured; what MR can't tell stays open."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spineimg.core.labelmap import LabelMap, Part
from spineimg.core.levels import Level
from spineimg.core.measurements import Measurements
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.core.settings.scoring import ScoringSettings
from spineimg.core.volume import Modality, Volume
from spineimg.measurement import divide, measure
from spineimg.scoring import score
from tests.measurement.boxes import Boxes, make_boxes


def bodies_only() -> tuple[Volume, LabelMap]:
    """L1 to L4 as a network that marks bodies gives them, on an image whose values are no HU."""
    volume, labels = make_boxes(Boxes(spacing_mm=(1.2, 1.2, 1.2)))
    parts = np.asarray(divide(labels, MeasurementSettings()).parts)
    bodies = np.where(parts == Part.BODY, labels.array, 0).astype(np.uint8)
    return replace(volume, modality=Modality.MR), LabelMap(bodies, labels.grid)


@pytest.fixture(scope="module")
def found(settings: MeasurementSettings) -> Measurements:
    volume, labels = bodies_only()
    lesion = np.zeros(labels.grid.shape, np.uint8)
    inside = np.argwhere(labels.array == Level.L2.verse_id)
    middle = np.round(inside.mean(axis=0)).astype(int)
    lesion[tuple(slice(m - 5, m + 6) for m in middle)] = 1
    return measure(volume, replace(divide(labels, settings), lesions=lesion), settings)


def test_heights_loss_and_segments_are_measured(found: Measurements) -> None:
    for vertebra, height in zip(found.vertebrae, (25.0, 26.0, 27.0, 27.0), strict=True):
        assert vertebra.heights_mm.middle is not None
        assert abs(vertebra.heights_mm.middle.value - height) < 1.0
        assert vertebra.height_loss_percent is not None
    assert all(s.kyphosis_deg is not None and s.translation_ap_mm is not None for s in found.segments)


def test_what_needs_densities_is_not_measured(found: Measurements) -> None:
    for vertebra in found.vertebrae:
        assert vertebra.density.mean is None
        assert vertebra.structures_missing_percent is None
    assert all(s.degenerative_signs is None for s in found.segments)


def test_scores_leave_open_what_mr_cannot_tell(found: Measurements) -> None:
    level = score(found, {}, ScoringSettings()).of(Level.L2)
    assert level is not None
    assert level.components.location.possible == (2,)
    assert level.components.bone_lesion.possible == (0, 1, 2)
    assert level.components.posterolateral.possible == (0, 1, 3)
    assert 4 not in level.components.alignment.possible


def test_without_lesion_masks_nothing_says_that_there_is_no_lesion(settings: MeasurementSettings) -> None:
    volume, labels = bodies_only()
    measured = measure(volume, divide(labels, settings), settings)
    assert not measured.lesions_searched
    for level in score(measured, {}, ScoringSettings()).levels:
        assert level.state != "scored"
        assert level.components.posterolateral.possible == (0, 1, 3)
