"""Pictures: the right files, the same bytes twice, outlines where the masks are."""

from __future__ import annotations

import matplotlib.image
import numpy as np
import pytest

from spineimg.core.labelmap import LabelMap
from spineimg.core.levels import Level
from spineimg.core.measurements import Measurements
from spineimg.core.scores import PatientScore, SinsScores
from spineimg.core.settings.report import ReportSettings
from spineimg.report import draw_pictures

SMALL = ReportSettings(picture_dpi=50)
NAMES = ("pictures/column.png", "pictures/L1_sagittal.png", "pictures/L1_axial.png")


@pytest.fixture(scope="module")
def scores(level_score):
    one = level_score(Level.L1, 8, 10)
    return SinsScores((one,), PatientScore(one.total, one.band, one.level))


@pytest.fixture(scope="module")
def drawn(volume, labels, measurements, scores, tmp_path_factory):
    folder = tmp_path_factory.mktemp("case")
    return folder, draw_pictures(volume, labels, measurements, scores, folder, SMALL)


def test_each_scored_level_has_two_pictures_beside_the_column(drawn):
    folder, names = drawn
    assert names == NAMES
    assert sorted(p.name for p in (folder / "pictures").iterdir()) == sorted(n.split("/")[1] for n in NAMES)


def test_the_same_case_gives_the_same_bytes(drawn, volume, labels, measurements, scores, tmp_path):
    folder, _ = drawn
    draw_pictures(volume, labels, measurements, scores, tmp_path, SMALL)
    assert all((folder / n).read_bytes() == (tmp_path / n).read_bytes() for n in NAMES)


def test_the_lesion_on_the_patients_left_is_drawn_on_the_right(drawn):
    folder, _ = drawn
    image = matplotlib.image.imread(folder / NAMES[2])[..., :3]
    orange = (image[..., 0] > 0.6) & (image[..., 2] < 0.25) & (image[..., 1] > 0.2) & (image[..., 1] < 0.55)
    columns = np.nonzero(orange)[1]
    assert len(columns) > 20
    assert columns.min() > image.shape[1] / 2


def test_without_parts_and_lesions_it_still_draws(volume, labels, measurements, scores, tmp_path):
    bare = LabelMap(labels.array, labels.grid)
    assert len(draw_pictures(volume, bare, measurements, scores, tmp_path, SMALL)) == 3


def test_a_scan_without_any_vertebra_has_a_column_picture(volume, labels, tmp_path):
    none = SinsScores((), PatientScore(None, (), None))
    assert draw_pictures(volume, labels, Measurements((), (), ()), none, tmp_path, SMALL) == NAMES[:1]
