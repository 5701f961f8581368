"""Division by canal and frame: the same patient gives the same parts on every grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spineimg.core.labelmap import LabelMap, Part
from spineimg.core.levels import Level
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.measurement import divide
from tests.measurement.boxes import CANAL_DEPTH, DEPTH, HALF_WIDTH, Boxes, make_boxes

TURNS = [(0.0, 0.0, 0.0), (12.0, -8.0, 15.0)]
BODY_TOLERANCE = 0.06


def volume_ml(labels: LabelMap, level: Level, part: Part) -> float:
    assert labels.parts is not None
    return float(((labels.array == level.verse_id) & (labels.parts == part)).sum() * labels.grid.voxel_ml)


@pytest.mark.parametrize("turn", TURNS)
def test_the_body_is_what_lies_ahead_of_the_canal(
    settings: MeasurementSettings, turn: tuple[float, float, float]
) -> None:
    spec = Boxes(turn_deg=turn)
    _, labels = make_boxes(spec)
    divided = divide(labels, settings)
    for level, height in zip(divided.levels(), spec.heights_mm, strict=True):
        true = 2 * HALF_WIDTH * DEPTH * height / 1000
        assert abs(volume_ml(divided, level, Part.BODY) / true - 1) < BODY_TOLERANCE


@pytest.mark.parametrize("flipped", [(), (0,), (1,), (2,), (0, 1, 2)])
def test_left_is_the_patients_left_on_every_grid(
    settings: MeasurementSettings, flipped: tuple[int, ...]
) -> None:
    _, labels = make_boxes(Boxes(spacing_mm=(1.5, 1.5, 1.5), flipped=flipped))
    divided = divide(labels, settings)
    assert divided.parts is not None
    for left, right in (
        (Part.PEDICLE_LEFT, Part.PEDICLE_RIGHT),
        (Part.FACET_LEFT, Part.FACET_RIGHT),
        (Part.RIB_JOINT_LEFT, Part.RIB_JOINT_RIGHT),
    ):
        x = [
            labels.grid.to_lps_mm(np.argwhere(divided.parts == part).astype(float))[:, 0]
            for part in (left, right)
        ]
        assert len(x[0]) > 0
        assert len(x[1]) > 0
        assert x[0].min() > 0 > x[1].max()


def test_the_canal_runs_through_the_whole_column(settings: MeasurementSettings) -> None:
    _, labels = make_boxes(Boxes(spacing_mm=(1.5, 1.5, 1.5)))
    divided = divide(labels, settings)
    assert divided.parts is not None
    canal = labels.grid.to_lps_mm(np.argwhere(divided.parts == Part.CANAL).astype(float))
    bone = labels.grid.to_lps_mm(np.argwhere(labels.array > 0).astype(float))
    assert np.ptp(canal[:, 2]) > np.ptp(bone[:, 2]) - 6
    assert abs(canal[:, 0].mean()) < 1
    assert abs(canal[:, 1].mean() - CANAL_DEPTH / 2) < 1.5
    assert not ((divided.parts == Part.CANAL) & (labels.array > 0)).any()


def test_the_engines_body_is_kept(settings: MeasurementSettings) -> None:
    _, labels = make_boxes(Boxes(spacing_mm=(1.5, 1.5, 1.5)))
    given = divide(labels, settings)
    assert given.parts is not None
    coarse = np.where(given.parts == Part.BODY, Part.BODY, 0).astype(np.uint8)
    coarse[(labels.array > 0) & (coarse == 0)] = Part.POSTERIOR
    again = divide(replace(labels, parts=coarse), settings)
    assert again.parts is not None
    assert ((again.parts == Part.BODY) == (coarse == Part.BODY)).all()
    assert not (again.parts == Part.POSTERIOR).any()


def test_bodies_without_arches_are_all_body(settings: MeasurementSettings) -> None:
    """Body-only masks are usual on MR."""
    _, labels = make_boxes(Boxes(spacing_mm=(1.5, 1.5, 1.5)))
    index = np.stack(np.meshgrid(*[np.arange(n) for n in labels.grid.shape], indexing="ij"), axis=-1)
    behind = labels.grid.to_lps_mm(index.astype(float))[..., 1] > 0
    only = replace(labels, array=np.where(behind, 0, labels.array).astype(np.uint8))
    divided = divide(only, settings)
    assert divided.parts is not None
    assert (divided.parts[only.array > 0] == Part.BODY).mean() > 0.95


def test_no_vertebra_no_parts(settings: MeasurementSettings) -> None:
    _, labels = make_boxes(Boxes(spacing_mm=(3.0, 3.0, 3.0)))
    empty = replace(labels, array=np.zeros(labels.grid.shape, np.uint8))
    divided = divide(empty, settings)
    assert divided.parts is not None
    assert not divided.parts.any()


def test_a_sheet_of_mask_is_no_reason_to_fail(settings: MeasurementSettings) -> None:
    _, labels = make_boxes(Boxes(spacing_mm=(3.0, 3.0, 3.0)))
    sheet = np.zeros(labels.grid.shape, np.uint8)
    sheet[5:15, 5:15, 7] = Level.L2.verse_id
    divided = divide(replace(labels, array=sheet), settings)
    assert divided.parts is not None
    assert (divided.parts[sheet > 0] > 0).all()
