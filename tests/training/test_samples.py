"""Samples of both nets: targets that agree with the picture, reproducible from a seed."""

from __future__ import annotations

import numpy as np
import pytest

from spineimg.segmentation.inputs import LOCATE_SPACING_MM, OFFSET_UNIT_MM, hu_channels
from spineimg.training.lesions import BLASTIC, LYTIC, Place, paint_lesions
from spineimg.training.locate_samples import locate_sample, offset_targets
from spineimg.training.refine_samples import own_lesions, refine_sample
from spineimg.training.sources import Source
from spineimg.training.warp import Aim, WarpRange, source_points
from tests.training.boxes import FIRST_LEVEL, column

STILL = WarpRange(tilt_deg=0.0, scale=(1.0, 1.0), bend_mm=0.0, elastic_mm=0.0, crush_share=0.0)


@pytest.fixture(scope="module")
def sources() -> list[Source]:
    return [Source(column(), 1.0, None)]


def test_offsets_lead_from_a_voxel_to_its_body_centre() -> None:
    template = column()
    level = FIRST_LEVEL + 2
    shape = (16, 24, 32)
    points = source_points(
        np.random.default_rng(0), shape, LOCATE_SPACING_MM, Aim(template.centres[level]), STILL
    )
    ids = np.zeros(tuple(n // 2 for n in shape), np.uint8)
    ids[2, 9, 12] = level
    offset, known = offset_targets(points, template, ids)
    assert known.sum() == 1
    voxel_mm = (2 * np.array([2, 9, 12]) + 0.5) * LOCATE_SPACING_MM
    centre_mm = (np.array(shape) - 1) / 2 * LOCATE_SPACING_MM
    np.testing.assert_allclose(voxel_mm + OFFSET_UNIT_MM * offset[:, 2, 9, 12], centre_mm, atol=0.5)


def test_a_locate_sample_is_a_function_of_its_seed(sources: list[Source]) -> None:
    one, two = (locate_sample(np.random.default_rng(3), sources, (32, 32, 48), 0.0) for _ in range(2))
    np.testing.assert_array_equal(one.inputs, two.inputs)
    np.testing.assert_array_equal(one.region, two.region)


def test_bone_is_brighter_than_what_surrounds_it(sources: list[Source]) -> None:
    brighter = 0
    for seed in range(8):
        sample = locate_sample(np.random.default_rng(seed), sources, (48, 48, 64), 0.0)
        bone = np.isin(sample.region, (1, 2))
        if bone.sum() < 50:
            continue
        assert sample.inputs.shape == (2, 48, 48, 64)
        brighter += int(sample.inputs[0][bone].mean() > sample.inputs[0][~bone].mean() + 0.1)
    assert brighter >= 5


def test_a_refine_sample_shows_its_vertebra_at_the_guide(sources: list[Source]) -> None:
    near = []
    for seed in range(8):
        sample = refine_sample(np.random.default_rng(seed), sources, 0.0)
        body = np.argwhere(sample.region == 1)
        if len(body) > 200:
            near.append(np.linalg.norm((body.mean(0) - sample.guide) * 1.5))
        assert sample.inputs[2].max() == pytest.approx(1.0, abs=0.05)
        assert set(np.unique(sample.region)) <= {0, 1, 2, 3, 4, 5, 255}
    assert np.median(near) < 9.0


def test_lesions_change_the_picture_only_where_the_truth_says_so() -> None:
    own = np.zeros((40, 40, 40), bool)
    own[8:32, 8:32, 8:32] = True
    depth = np.full(own.shape, -3.0, np.float32)
    depth[own] = 6.0
    nothing = np.zeros(own.shape, bool)
    place = Place(own, own, nothing, nothing, np.full(3, 20.0), depth, 1.5)
    seen = 0
    for seed in range(12):
        hu = np.full(own.shape, 200.0, np.float32)
        truth = paint_lesions(np.random.default_rng(seed), hu, place)
        core = truth > 0
        seen |= int(np.bitwise_or.reduce(truth.ravel()))
        if core.any():
            assert np.abs(hu[core] - 200.0).mean() > 40.0
        far = ~own
        assert np.median(np.abs(hu[far] - 200.0)) == 0.0
    assert seen == LYTIC | BLASTIC


def test_input_scaling_is_fixed() -> None:
    hu = np.array([-2000.0, -1024.0, 0.0, 300.0, 600.0, 3000.0])[:, None, None]
    wide, bone = hu_channels(hu)[:, :, 0, 0]
    np.testing.assert_allclose(wide, [-1.224, -1.224, -0.2, 0.1, 0.4, 1.3], atol=1e-6)
    np.testing.assert_allclose(bone, [0, 0, 0, 0.5, 1, 1], atol=1e-6)


def test_a_neighbours_outgrowth_is_not_this_vertebras_lesion() -> None:
    target = np.zeros((20, 8, 8), np.uint8)
    target[2:8] = 1
    target[14:18] = 3
    lesions = np.zeros_like(target)
    lesions[6:10, 4, 4] = LYTIC  # grows out of this vertebra
    lesions[12:16, 4, 4] = BLASTIC  # grows out of the neighbour
    mine = own_lesions(lesions, target)
    assert (mine[6:10, 4, 4] == LYTIC).all()
    assert mine[10:].sum() == 0
