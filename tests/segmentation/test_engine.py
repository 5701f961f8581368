"""From volume to labels with networks that only threshold: the way there and back must move nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spineimg.core.errors import InputRefused, ModelError
from spineimg.core.grid import Grid
from spineimg.core.labelmap import LesionType, Part
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.core.volume import Modality, Volume
from spineimg.segmentation.engine import Engine, SpineEngine, load_engine
from spineimg.segmentation.lesions import find_lesions
from spineimg.segmentation.naming_model import load_naming_model
from spineimg.segmentation.paste import Pasted
from tests.segmentation.fakes import BALLS, Balls, CanalBehind, FakeLocate, FakeRefine, balls, oblique

MODELS = Path(__file__).parents[2] / "models"
SETTINGS = SegmentationSettings(threads=1)
GRIDS = {
    "axial 1 x 1 x 2": ((1.0, 1.0, 2.0), np.diag([1.0, 1.0, -1.0])),
    "sagittal, permuted": ((0.9, 1.1, 3.0), np.array([[0, 0, 1.0], [1, 0, 0], [0, -1, 0]])),
    "oblique, left-handed": ((1.2, 1.2, 2.5), oblique((12.0, -8.0, 20.0)) @ np.diag([-1.0, 1, 1])),
    "coarse 4 mm": ((2.0, 2.0, 4.0), np.eye(3)),
}


@pytest.fixture(scope="module")
def engine() -> SpineEngine:
    naming = load_naming_model(MODELS / "naming")
    return SpineEngine("fake", "0", FakeLocate(), FakeRefine(), naming, Modality.CT)


@pytest.fixture(scope="module", params=list(GRIDS))
def scan(request: pytest.FixtureRequest) -> Balls:
    return balls(*GRIDS[request.param])


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * float((a & b).sum()) / float(a.sum() + b.sum())


def test_every_ball_is_labelled_at_its_place_on_any_grid(engine: SpineEngine, scan: Balls) -> None:
    labels = engine(scan.volume, SETTINGS)
    assert labels.grid is scan.volume.grid
    ids = [level.verse_id for level in labels.levels()]
    assert len(ids) == len(BALLS)
    for n, number in enumerate(ids):
        mine, true = labels.array == number, scan.truth == 16 + n
        centre = scan.volume.grid.to_lps_mm(np.argwhere(mine).astype(float)).mean(0)
        assert np.linalg.norm(centre - scan.centres[n]) < 1.0
        assert dice(mine, true) > 0.9
    assert labels.parts is not None
    assert set(np.unique(labels.parts[labels.array > 0])) == {Part.BODY}


def test_names_without_a_landmark_are_flagged(engine: SpineEngine) -> None:
    labels = engine(balls(*GRIDS["coarse 4 mm"]).volume, SETTINGS)
    assert "no-landmark" in {c.code for c in labels.findings}
    assert len(labels.names) == len(BALLS)
    assert labels.naming is not None
    assert 0.0 < labels.naming.best <= 1.0
    assert labels.naming.second > 0.05  # another count is possible, and the record says so


def test_a_lesion_keeps_its_kind_and_small_ones_go(engine: SpineEngine) -> None:
    scan = balls(*GRIDS["coarse 4 mm"])
    hu = scan.volume.array.copy()
    points = scan.volume.grid.to_lps_mm(np.argwhere(np.ones(hu.shape)).astype(float)).reshape(*hu.shape, 3)
    hu[np.linalg.norm(points - scan.centres[2], axis=-1) < 7.0] = 1300
    labels = engine(Volume(hu, scan.volume.grid, Modality.CT), SETTINGS)
    assert labels.lesions is not None
    assert labels.lesion_types is not None
    assert labels.lesions.max() == 1
    assert set(np.unique(labels.lesion_types)) == {0, LesionType.BLASTIC}
    inside = labels.array[labels.lesions == 1]
    assert (inside == labels.levels()[2].verse_id).mean() > 0.95


def test_the_same_scan_gives_the_same_bytes(engine: SpineEngine) -> None:
    scan = balls(*GRIDS["coarse 4 mm"])
    first, again = engine(scan.volume, SETTINGS), engine(scan.volume, SETTINGS)
    assert first.array.tobytes() == again.array.tobytes()


def test_a_scan_without_spine_is_refused(engine: SpineEngine) -> None:
    grid = balls(*GRIDS["coarse 4 mm"]).volume.grid
    empty = Volume(np.full(grid.shape, 40, dtype=np.int16), grid, Modality.CT)
    with pytest.raises(InputRefused, match="no-spine-found"):
        engine(empty, SETTINGS)


def test_a_modality_without_model_is_refused(
    engine: SpineEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPINEIMG_MODELS", str(tmp_path))
    with pytest.raises(ModelError, match="no-model-for-modality") as refused:
        load_engine(None, Modality.MR)
    assert "--labels" in refused.value.remedy
    with pytest.raises(ModelError, match="model-not-found"):
        load_engine(None, Modality.CT)
    grid = balls(*GRIDS["coarse 4 mm"]).volume.grid
    with pytest.raises(ModelError, match="no-model-for-modality"):
        engine(Volume(np.zeros(grid.shape, np.int16), grid, Modality.MR), SETTINGS)


def test_mr_runs_through_the_same_steps_and_leaves_lesions_open() -> None:
    scan = balls(*GRIDS["coarse 4 mm"])
    naming = load_naming_model(MODELS / "naming")
    engine = SpineEngine("fake", "0", CanalBehind(), FakeRefine(), naming, Modality.MR)
    # Balls at the bright end: their channel lies above the fakes' limit, muscle below it.
    bright = np.where(scan.truth > 0, 4000, 200).astype(np.int16)
    settings = replace(SETTINGS, mr_body_ml=1.0)  # the balls have 2.6 ml
    labels = engine(Volume(bright, scan.volume.grid, Modality.MR), settings)
    assert len(labels.levels()) == len(BALLS)
    assert dice(labels.array > 0, scan.truth > 0) > 0.85
    assert labels.lesions is None
    assert labels.lesion_types is None
    assert {"lesions-not-searched", "mr-parts-unproven"} <= {c.code for c in labels.findings}
    with pytest.raises(ModelError, match="no-model-for-modality"):
        engine(scan.volume, SETTINGS)
    blind = replace(engine, locate_net=FakeLocate())  # bodies, but no canal behind them
    with pytest.raises(InputRefused, match="no-spine-found"):
        blind(Volume(bright, scan.volume.grid, Modality.MR), settings)


def test_the_engine_is_an_engine(engine: SpineEngine) -> None:
    assert isinstance(engine, Engine)


def test_a_fatty_core_in_every_body_is_no_lesion_and_a_hole_in_one_is() -> None:
    grid = Grid((40, 40, 90), np.eye(4))
    x, y, z = np.indices(grid.shape)
    index, hu = np.zeros(grid.shape, np.uint8), np.full(grid.shape, 40, np.int16)
    types = np.zeros(grid.shape, np.uint8)
    for n, middle in enumerate((15, 45, 75), 1):
        distance = np.sqrt((x - 20.0) ** 2 + (y - 20.0) ** 2 + (z - float(middle)) ** 2)
        index[distance < 13] = n
        hu[distance < 13], hu[distance < 8] = 220, 100
        types[distance < 6] = LesionType.LYTIC
    hole = (np.sqrt((x - 20.0) ** 2 + (y - 20.0) ** 2 + (z - 45.0) ** 2) < 6) & (index == 2)
    hu[hole] = 35
    parts = np.where(index > 0, np.uint8(Part.BODY), np.uint8(0))
    volume = Volume(hu, grid, Modality.CT)
    ids, kept = find_lesions(volume, Pasted(index, parts, types), SETTINGS)
    assert ids.max() == 1
    np.testing.assert_array_equal(kept > 0, hole)


def test_a_dense_joint_is_dropped_and_a_dense_body_kept() -> None:
    grid = Grid((30, 30, 30), np.eye(4))
    index = np.zeros(grid.shape, np.uint8)
    index[3:27, 3:27, 3:27] = 1
    parts = index * np.uint8(Part.BODY)
    parts[:, 16:][index[:, 16:] > 0] = Part.POSTERIOR
    hu = np.full(grid.shape, 150, np.int16)
    types = np.zeros(grid.shape, np.uint8)
    for place in ((slice(6, 14), slice(5, 13), slice(6, 14)), (slice(6, 14), slice(18, 26), slice(6, 14))):
        hu[place], types[place] = 700, LesionType.BLASTIC
    ids, _ = find_lesions(Volume(hu, grid, Modality.CT), Pasted(index, parts, types), SETTINGS)
    assert ids.max() == 1
    assert ids[10, 9, 10] == 1
