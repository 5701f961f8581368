"""All measurements against the phantom's truth, which is built and not measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from spineimg.core.levels import Level
from spineimg.core.measurements import Measurements, SegmentMeasurement, VertebraMeasurement
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.measurement import divide, measure
from spineimg.phantom import Phantom

SITES = ("anterior", "middle", "posterior")


@pytest.fixture(scope="module", params=["given parts", "own parts"])
def found(request: pytest.FixtureRequest, phantom: Phantom, settings: MeasurementSettings) -> Measurements:
    """Measurements of the phantom with its true parts, and with parts divided here."""
    labels = phantom.labels
    if request.param == "own parts":
        labels = divide(replace(labels, parts=None), settings)
    return measure(phantom.volume, labels, settings)


def vertebrae(found: Measurements, phantom: Phantom) -> Iterator[tuple[VertebraMeasurement, dict[str, Any]]]:
    truth = {v["level"]: v for v in phantom.truth["measurements"]["vertebrae"]}
    for vertebra in found.vertebrae:
        if vertebra.heights_mm.anterior is not None and vertebra.level.value in truth:
            yield vertebra, truth[vertebra.level.value]


def segments(found: Measurements, phantom: Phantom) -> Iterator[tuple[SegmentMeasurement, dict[str, Any]]]:
    truth = {(s["upper"], s["lower"]): s for s in phantom.truth["measurements"]["segments"]}
    for segment in found.segments:
        yield segment, truth[segment.upper.value, segment.lower.value]


def test_heights(found: Measurements, phantom: Phantom) -> None:
    errors = [
        getattr(vertebra.heights_mm, site).value - true["heights_mm"][site]["value"]
        for vertebra, true in vertebrae(found, phantom)
        for site in SITES
    ]
    assert len(errors) >= 12
    assert np.abs(errors).mean() <= 0.5
    assert np.abs(errors).max() <= 1.5


def test_loss_and_shape(found: Measurements, phantom: Phantom) -> None:
    for vertebra, true in vertebrae(found, phantom):
        loss = vertebra.height_loss_percent
        assert loss is not None
        assert loss.low - 3 <= true["height_loss_percent"]["value"] <= loss.high + 3, vertebra.level
        assert vertebra.deformity == true["deformity"]
        assert set(true["genant_grade"]) <= set(vertebra.genant_grade)


def test_frames(found: Measurements, phantom: Phantom) -> None:
    for vertebra, true in vertebrae(found, phantom):
        cosines = (np.array(vertebra.axes_lps) * np.array(true["axes_lps"])).sum(axis=1)
        assert np.degrees(np.arccos(np.clip(cosines, -1, 1))).max() < 7
        assert np.linalg.norm(np.subtract(vertebra.centre_lps_mm, true["centre_lps_mm"])) < 3.5


def test_angles_and_shifts(found: Measurements, phantom: Phantom) -> None:
    kyphosis, scoliosis, forward, left = (
        np.array([getattr(s, name).value - true[name]["value"] for s, true in segments(found, phantom)])
        for name in ("kyphosis_deg", "scoliosis_deg", "translation_ap_mm", "translation_lateral_mm")
    )
    assert np.abs(kyphosis).mean() <= 1.2
    assert np.abs(scoliosis).mean() <= 1.0
    assert np.abs(forward).mean() <= 0.8
    assert np.abs(left).mean() <= 0.6


def test_lesions(found: Measurements, phantom: Phantom) -> None:
    truth = {record["id"]: record for record in phantom.truth["measurements"]["lesions"]}
    assert {lesion.id for lesion in found.lesions} == set(truth)
    for lesion in found.lesions:
        true = truth[lesion.id]
        assert lesion.level.value == true["level"]
        assert lesion.status == "likely"
        assert abs(lesion.volume_ml.value / true["volume_ml"]["value"] - 1) < 0.05
        assert set(true["quality"]) <= set(lesion.quality)
        assert lesion.body_percent is not None
        assert abs(lesion.body_percent.value - true["body_percent"]["value"]) < 2.5


def test_a_destroyed_pedicle_is_named_on_its_side(found: Measurements) -> None:
    lesion = next(x for x in found.lesions if x.level is Level.L2)
    shares = lesion.structures_percent
    assert shares.pedicle_right is not None
    assert shares.pedicle_left is not None
    assert shares.pedicle_right.low > 25
    assert shares.pedicle_left.high == 0
    assert "pedicle_right" in lesion.cortex_broken


def test_density_reference_is_the_patients_own(found: Measurements, phantom: Phantom) -> None:
    for vertebra, true in vertebrae(found, phantom):
        reference = vertebra.density.healthy_reference
        assert reference is not None
        assert abs(reference.value - true["density"]["healthy_reference"]["value"]) < 30
