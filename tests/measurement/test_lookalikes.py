"""What only looks like a metastasis, one drawn case each, and two metastases that must stay likely."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spineimg.core.grid import Points
from spineimg.core.levels import Level
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.measurement import divide
from spineimg.measurement.body import Body, find_bodies
from spineimg.measurement.density import Healthy
from spineimg.measurement.lookalikes import Look, look_alike
from tests.measurement.boxes import Boxes, make_boxes

USUAL = Healthy(150.0, 20.0, 250.0, 40.0, (Level.L2,))
THIN = Healthy(40.0, 20.0, 100.0, 40.0, (Level.L2,))
CLOUD = np.random.default_rng(3).uniform(-1.0, 1.0, (4000, 3))


@pytest.fixture(scope="module")
def body(settings: MeasurementSettings) -> Body:
    """L2 of the boxes: 40 mm wide, 30 deep, 26 high about its own origin."""
    volume, labels = make_boxes(Boxes(spacing_mm=(1.2, 1.2, 1.2)))
    return find_bodies(volume, divide(labels, settings), settings)[Level.L2]


def ball(centre: tuple[float, float, float], radius: float) -> Points:
    return np.asarray(CLOUD[np.linalg.norm(CLOUD, axis=1) <= 1.0] * radius + np.array(centre))


def seen(own: Points, hu: float, volume_ml: float) -> Look:
    return Look(own, np.full(len(own), hu), volume_ml, 1.0 if hu < 150.0 else 0.0, 1.0)


BAND = CLOUD * np.array([15.0, 11.0, 2.5]) + np.array([0.0, 0.0, 10.0])
CASES = {
    "haemangioma": (seen(ball((0, -3, 0), 10), -40.0, 4.0), USUAL, "doubtful", "haemangioma"),
    "enostosis": (seen(ball((6, -5, 0), 5), 1000.0, 0.5), USUAL, "doubtful", "enostosis"),
    "sclerosis": (seen(BAND, 500.0, 4.0), USUAL, "doubtful", "endplate-sclerosis"),
    "vein": (seen(ball((0, 8, 0), 5), 30.0, 0.5), USUAL, "unlikely", "basivertebral-vein"),
    "osteoporosis": (seen(ball((6, -5, 0), 9), 0.1, 3.0), THIN, "doubtful", "osteoporosis"),
    "cement": (seen(ball((0, -3, 0), 9), 1800.0, 3.0), USUAL, "unlikely", "cement"),
    "metal": (seen(ball((0, -3, 0), 9), 3000.0, 3.0), USUAL, "unlikely", "metal"),
    "lytic metastasis": (seen(ball((6, -5, 0), 9), 40.0, 3.0), USUAL, "likely", None),
    "blastic metastasis": (seen(ball((6, -3, 0), 9), 500.0, 3.0), USUAL, "likely", None),
}


@pytest.mark.parametrize("name", CASES)
def test_each_gets_its_name(body: Body, settings: MeasurementSettings, name: str) -> None:
    look, healthy, status, like = CASES[name]
    assert look_alike(look, body, healthy, settings) == (status, like)


def test_a_hollow_under_a_dented_endplate_is_a_schmorls_node(
    body: Body, settings: MeasurementSettings
) -> None:
    line = body.sagittal.upper
    assert line is not None
    place = float(np.mean(line.ends_mm))
    dent = 5.0 * np.exp(-0.5 * ((line.along_mm - place) / 3.0) ** 2)
    dented = replace(line, height_mm=line.height_mm - dent)
    hollowed = replace(body, sagittal=replace(body.sagittal, upper=dented))
    look = seen(ball((0, place, float(dented.height_mm.min()) - 2.5), 3.0), 30.0, 0.2)
    assert look_alike(look, hollowed, USUAL, settings) == ("doubtful", "schmorl-node")
