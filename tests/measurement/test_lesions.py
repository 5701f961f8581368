"""Lesions: quality by share, what is found by density, and what is refused a name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spineimg.core.estimate import Estimate
from spineimg.core.grid import Points
from spineimg.core.labelmap import LabelMap, LesionType
from spineimg.core.levels import Level
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.core.volume import Modality, Volume
from spineimg.measurement import divide, find_lesions, measure
from spineimg.measurement.lesion_facts import qualities
from spineimg.measurement.posterolateral import ShareDoubt, structure_shares
from tests.measurement.boxes import Boxes, make_boxes

BALL_MM, LYTIC_HU, BLASTIC_HU = 8.0, 40.0, 600.0
BALL_ML = 4 / 3 * np.pi * BALL_MM**3 / 1000


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (90, 100, {"lytic"}),
        (80, 95, {"lytic"}),
        (78, 85, {"mixed", "lytic"}),
        (30, 70, {"mixed"}),
        (15, 30, {"blastic", "mixed"}),
        (0, 20, {"blastic", "mixed"} - {"mixed"}),
        (0, 12, {"blastic"}),
        (10, 90, {"blastic", "mixed", "lytic"}),
    ],
)
def test_quality_is_all_that_the_interval_touches(
    settings: MeasurementSettings, low: float, high: float, expected: set[str]
) -> None:
    assert set(qualities(Estimate((low + high) / 2, low, high), settings)) == expected


@pytest.fixture(scope="module")
def scan(settings: MeasurementSettings) -> tuple[Volume, LabelMap]:
    """Four boxes with nothing in them."""
    volume, labels = make_boxes(Boxes(spacing_mm=(1.2, 1.2, 1.2)))
    return volume, divide(labels, settings)


def with_ball(volume: Volume, centre_mm: tuple[float, float, float], hu: float) -> tuple[Volume, np.ndarray]:
    index = np.stack(np.meshgrid(*[np.arange(n) for n in volume.grid.shape], indexing="ij"), axis=-1)
    lps: Points = volume.grid.to_lps_mm(index.astype(float))
    ball = np.linalg.norm(lps - np.array(centre_mm), axis=-1) <= BALL_MM
    array = np.where(ball, hu, volume.array).astype(np.int16)
    return replace(volume, array=array), ball


def centre_of(volume: Volume, labels: LabelMap, level: Level) -> tuple[float, float, float]:
    found = np.argwhere((labels.array == level.verse_id) & (np.asarray(labels.parts) == 1)).astype(float)
    x, y, z = volume.grid.to_lps_mm(found).mean(axis=0)
    return float(x), float(y), float(z)


def test_healthy_bone_has_no_lesion(scan: tuple[Volume, LabelMap], settings: MeasurementSettings) -> None:
    found = find_lesions(*scan, settings)
    assert found.lesions is not None
    assert not found.lesions.any()


@pytest.mark.parametrize(
    ("hu", "kind", "quality"),
    [(LYTIC_HU, LesionType.LYTIC, "lytic"), (BLASTIC_HU, LesionType.BLASTIC, "blastic")],
)
def test_a_ball_unlike_healthy_bone_is_found_and_typed(
    scan: tuple[Volume, LabelMap], settings: MeasurementSettings, hu: float, kind: LesionType, quality: str
) -> None:
    volume, labels = scan
    ill, ball = with_ball(volume, centre_of(volume, labels, Level.L2), hu)
    found = find_lesions(ill, labels, settings)
    assert found.lesions is not None
    assert found.lesion_types is not None
    marked = found.lesions > 0
    assert 2 * (marked & ball).sum() / (marked.sum() + ball.sum()) > 0.75
    assert (found.lesion_types[marked] == kind).mean() > 0.95
    lesion = measure(ill, found, settings).lesions[0]
    assert lesion.level is Level.L2
    assert lesion.quality == (quality,)
    assert lesion.status == "likely"


def test_a_contrast_agent_changes_nothing(
    scan: tuple[Volume, LabelMap], settings: MeasurementSettings
) -> None:
    volume, labels = scan
    ill, _ = with_ball(volume, centre_of(volume, labels, Level.L2), LYTIC_HU)
    plain = find_lesions(ill, labels, settings)
    brighter = find_lesions(replace(ill, array=(ill.array + 35).astype(np.int16)), labels, settings)
    assert plain.lesions is not None
    assert brighter.lesions is not None
    assert (plain.lesions == brighter.lesions).mean() > 0.999


def test_a_given_lesion_is_measured(scan: tuple[Volume, LabelMap], settings: MeasurementSettings) -> None:
    volume, labels = scan
    ill, ball = with_ball(volume, centre_of(volume, labels, Level.L3), LYTIC_HU)
    given = replace(labels, lesions=ball.astype(np.uint8))
    found = measure(ill, given, settings)
    (lesion,) = found.lesions
    assert abs(lesion.volume_ml.value / BALL_ML - 1) < 0.05
    assert lesion.volume_ml.low <= BALL_ML <= lesion.volume_ml.high
    body = 2 * 20 * 30 * 27 / 1000
    assert lesion.body_percent is not None
    assert abs(lesion.body_percent.value - 100 * BALL_ML / body) < 2
    vertebra = found.vertebra(Level.L3)
    assert vertebra is not None
    assert vertebra.lesion_ids == (1,)
    assert vertebra.lytic_percent is not None
    assert vertebra.lytic_percent.value > 95


def test_a_lesion_at_the_wall_touches_it(
    scan: tuple[Volume, LabelMap], settings: MeasurementSettings
) -> None:
    volume, labels = scan
    x, y, z = centre_of(volume, labels, Level.L3)
    ill, ball = with_ball(volume, (x, y + 9.0, z), LYTIC_HU)
    lesion = measure(ill, replace(labels, lesions=ball.astype(np.uint8)), settings).lesions[0]
    assert "posterior_wall" in lesion.touches
    assert "posterior_wall" in lesion.cortex_broken
    assert lesion.structures_percent.costovertebral_left is None


@pytest.mark.parametrize("modality", [Modality.MR, Modality.CT])
def test_without_densities_quality_is_open(
    scan: tuple[Volume, LabelMap], settings: MeasurementSettings, modality: Modality
) -> None:
    """MR, and CT whose values are no HU."""
    volume, labels = scan
    ill, ball = with_ball(volume, centre_of(volume, labels, Level.L2), LYTIC_HU)
    uncalibrated = replace(ill, modality=modality, origin=replace(ill.origin, calibrated=False))
    assert find_lesions(uncalibrated, labels, settings).lesions is None
    given = replace(labels, lesions=ball.astype(np.uint8))
    lesion = measure(uncalibrated, given, settings).lesions[0]
    assert lesion.quality == ("lytic", "mixed", "blastic")
    assert lesion.lytic_percent is None
    assert lesion.volume_ml.value > 0


def test_cement_makes_a_vertebra_not_scorable(
    scan: tuple[Volume, LabelMap], settings: MeasurementSettings
) -> None:
    volume, labels = scan
    cemented, _ = with_ball(volume, centre_of(volume, labels, Level.L1), 1900.0)
    states = {v.level: v.not_scorable for v in measure(cemented, labels, settings).vertebrae}
    assert states == {Level.L1: "cement", Level.L2: None, Level.L3: None, Level.L4: None}


def test_a_small_hole_where_the_vein_enters_is_no_metastasis(
    scan: tuple[Volume, LabelMap], settings: MeasurementSettings
) -> None:
    volume, labels = scan
    x, y, z = centre_of(volume, labels, Level.L2)
    index = np.argwhere(np.ones(volume.grid.shape, bool)).astype(float)
    near = np.linalg.norm(volume.grid.to_lps_mm(index) - np.array([x, y + 9.0, z]), axis=1) < 5.0
    hole = near.reshape(volume.grid.shape)
    ill = replace(volume, array=np.where(hole, 30, volume.array).astype(np.int16))
    lesion = measure(ill, replace(labels, lesions=hole.astype(np.uint8)), settings).lesions[0]
    assert (lesion.status, lesion.look_alike) == ("unlikely", "basivertebral-vein")


@pytest.mark.parametrize(("level", "joint"), [(Level.T8, True), (Level.L2, False), (Level.C5, False)])
def test_costovertebral_joints_are_thoracic(settings: MeasurementSettings, level: Level, joint: bool) -> None:
    parts = np.tile(np.arange(11, dtype=np.uint8), 2000).reshape(-1, 11, 1)
    lesion = parts == 3
    shares = structure_shares(level, parts, lesion, ShareDoubt(0.001, 7.0), settings)
    assert shares.facet_right == Estimate(0.0, 0.0, 0.0)
    assert shares.pedicle_left is not None
    assert shares.pedicle_left.value == 100.0
    # 2,000 voxels: half of one over the root of the count is 1.1 percent.
    assert shares.pedicle_left.low == pytest.approx(100.0 - 1.96 * 50.0 / np.sqrt(2000.0), abs=0.02)
    assert (shares.costovertebral_left is not None) is joint
