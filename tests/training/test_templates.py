"""Regions, distances and centres of a template, against a column of boxes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from spineimg.training.pool import Pool
from spineimg.training.prepared import prepared_case
from spineimg.training.sources import load_pool_case
from spineimg.training.templates import SDF_UNIT_MM, Template, drop_unnamed_bone, region_of
from tests.training.boxes import FIRST_LEVEL, PITCH_MM, SPACING, column, column_arrays


@pytest.fixture(scope="module")
def boxes() -> Template:
    return column()


def test_centres_are_those_of_the_bodies_not_of_the_arches(boxes: Template) -> None:
    for i in range(5):
        np.testing.assert_allclose(boxes.centres[FIRST_LEVEL + i], [0.0, 0.0, 64.0 - PITCH_MM * i], atol=1.01)


def test_region_keeps_body_posterior_disc_and_canal_apart(boxes: Template) -> None:
    labels, parts = column_arrays()
    assert set(np.unique(boxes.region)) == {0, 1, 2, 3, 7}
    assert ((boxes.region == 1) == (parts == 1)).all()
    assert ((boxes.region == 3) == ((parts == 11) & (labels == 0))).all()


def test_depth_is_the_distance_to_the_face(boxes: Template) -> None:
    assert boxes.sdf is not None
    middle = np.rint((boxes.centres[FIRST_LEVEL + 2] - boxes.origin) / SPACING).astype(int)
    depth = boxes.sdf[tuple(middle)] * SDF_UNIT_MM
    assert depth == pytest.approx(12.0, abs=2.0)  # half the height of the box
    outside = boxes.sdf[middle[0], middle[1], middle[2] + 8] * SDF_UNIT_MM
    assert outside == pytest.approx(-4.0, abs=1.5)  # the middle of the disc


def test_unnamed_bone_in_a_disc_space_becomes_disc() -> None:
    labels, parts = column_arrays()
    rest = (parts == 11) & (labels == 0)
    labels[rest] = 65
    dropped = drop_unnamed_bone(labels, parts)
    assert not (dropped == 65).any()
    assert (region_of(dropped, parts)[rest] == 3).all()


def _arrays() -> dict[str, np.ndarray]:
    labels, parts = column_arrays()
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    lesions = np.zeros_like(labels)
    lesions[(labels == FIRST_LEVEL + 1) & (parts == 1)] = 1
    tissue = np.where(labels > 0, 1, 0).astype(np.uint8)
    return {
        "hu": np.where(labels > 0, 300, 40).astype(np.int16),
        "labels": labels,
        "parts": parts,
        "lesion_types": lesions,
        "tissue": tissue,
        "affine": affine,
    }


def test_prepared_case_knows_which_levels_bear_lesions() -> None:
    case = prepared_case("boxes", _arrays(), 1.5)
    assert case.lesion_levels == (FIRST_LEVEL + 1,)
    assert case.image is not None
    assert case.cut == frozenset({FIRST_LEVEL, FIRST_LEVEL + 4}) or not case.cut


def test_prepared_case_refuses_a_tilted_affine() -> None:
    arrays = _arrays()
    arrays["affine"][0, 1] = 0.3
    with pytest.raises(ValueError, match="axis aligned"):
        prepared_case("tilted", arrays, 1.5)


def test_pool_picks_up_new_files_and_survives_a_broken_one(tmp_path: Path) -> None:
    pool = Pool(tmp_path, 3.0)
    assert pool.refresh() == []
    (tmp_path / "a_broken.npz").write_bytes(b"")
    (tmp_path / ".half.npz").write_bytes(b"")
    np.savez_compressed(tmp_path / "b_good.npz", **_arrays())
    assert pool.refresh() == []  # too young: it may still be written
    for path in tmp_path.iterdir():
        os.utime(path, (0, 0))
    pool.fill(3)
    assert [s.template.name for s in pool.sources] == ["pool/b_good"]
    assert load_pool_case(tmp_path / "b_good.npz", 3.0, 1.0).real
