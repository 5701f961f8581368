"""Marks that are the patient's own marrow: the other bodies have the same there, or are as uneven."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from spineimg.core.labelmap import LabelMap, LesionType, Part
from spineimg.core.levels import Level
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.core.volume import Volume
from spineimg.measurement import divide, measure
from tests.measurement.boxes import LEVELS, Boxes, make_boxes

RADIUS_MM, DARK_HU = 8.0, 45.0
LIKELY, MARROW = ("likely", None), ("doubtful", "thin-marrow")


@pytest.fixture(scope="module")
def scan(settings: MeasurementSettings) -> tuple[Volume, LabelMap]:
    volume, labels = make_boxes(Boxes(spacing_mm=(1.2, 1.2, 1.2)))
    return volume, divide(labels, settings)


def ball_in(volume: Volume, labels: LabelMap, level: Level, ahead_mm: float = 0.0) -> np.ndarray:
    body = np.argwhere((labels.array == level.verse_id) & (np.asarray(labels.parts) == Part.BODY))
    centre = volume.grid.to_lps_mm(body.astype(float)).mean(axis=0) + np.array([5.0, -ahead_mm, 0.0])
    index = np.moveaxis(np.indices(volume.grid.shape), 0, -1).astype(float)
    near: np.ndarray = np.linalg.norm(volume.grid.to_lps_mm(index) - centre, axis=-1) <= RADIUS_MM
    return near


def verdict(
    volume: Volume, labels: LabelMap, mark: np.ndarray, settings: MeasurementSettings
) -> tuple[str, str | None]:
    ids = (mark & (labels.array > 0)).astype(np.uint8)
    marked = replace(labels, lesions=ids, lesion_types=(ids * np.uint8(LesionType.LYTIC)))
    (lesion,) = measure(volume, marked, settings).lesions
    return lesion.status, lesion.look_alike


def darkened(volume: Volume, places: list[np.ndarray]) -> Volume:
    return replace(
        volume, array=np.where(np.any(places, axis=0), DARK_HU, volume.array).astype(volume.array.dtype)
    )


def uneven(volume: Volume, labels: LabelMap, marrow_hu: float) -> Volume:
    """Marrow whose density wanders by 35 HU over a centimetre."""
    wave = ndimage.gaussian_filter(np.random.default_rng(4).normal(size=volume.grid.shape), 3.0)
    thin = np.where(volume.array < 300, marrow_hu + 35.0 * wave / wave.std(), volume.array)
    array = np.where(np.asarray(labels.parts) == Part.BODY, thin, volume.array)
    return replace(volume, array=array.astype(volume.array.dtype))


@pytest.mark.parametrize(("dark", "expected"), [((Level.L2,), LIKELY), (LEVELS, MARROW)])
def test_what_all_bodies_show_at_the_same_place_is_marrow(
    scan: tuple[Volume, LabelMap],
    settings: MeasurementSettings,
    dark: tuple[Level, ...],
    expected: tuple[str, str | None],
) -> None:
    volume, labels = scan
    image = darkened(volume, [ball_in(volume, labels, level) for level in dark])
    assert verdict(image, labels, ball_in(volume, labels, Level.L2), settings) == expected


@pytest.mark.parametrize(
    ("marrow_hu", "ahead_mm", "expected"), [(80.0, 0.0, MARROW), (80.0, 15.0, LIKELY), (180.0, 0.0, LIKELY)]
)
def test_in_thin_uneven_marrow_only_lost_cortex_shows_a_lesion(
    scan: tuple[Volume, LabelMap],
    settings: MeasurementSettings,
    marrow_hu: float,
    ahead_mm: float,
    expected: tuple[str, str | None],
) -> None:
    volume, labels = scan
    mark = ball_in(volume, labels, Level.L2, ahead_mm)
    image = darkened(uneven(volume, labels, marrow_hu), [mark])
    assert verdict(image, labels, mark, settings) == expected


def test_too_few_other_bodies_tell_nothing(
    scan: tuple[Volume, LabelMap], settings: MeasurementSettings
) -> None:
    volume, labels = scan
    image = darkened(volume, [ball_in(volume, labels, level) for level in LEVELS])
    mark = ball_in(volume, labels, Level.L2)
    assert verdict(image, labels, mark, replace(settings, marrow_vertebrae=4)) == LIKELY
