"""The coordinate map of a sample, against geometry known by construction."""

from __future__ import annotations

import numpy as np
import pytest

from spineimg.training.patches import sample_patch
from spineimg.training.warp import Aim, WarpRange, crush, locate_point, source_points
from tests.training.boxes import BODY_HEIGHT_MM, FIRST_LEVEL, column

STILL = WarpRange(tilt_deg=0.0, scale=(1.0, 1.0), bend_mm=0.0, elastic_mm=0.0, crush_share=0.0)
WILD = WarpRange(tilt_deg=20.0, scale=(0.8, 1.2), bend_mm=15.0, elastic_mm=2.0, crush_share=0.0)
SHAPE = (48, 48, 64)


@pytest.mark.parametrize("seed", range(4))
def test_the_aim_lands_on_its_anchor(seed: int) -> None:
    template = column()
    centre = template.centres[FIRST_LEVEL + 2]
    calm = WarpRange(tilt_deg=20.0, scale=(0.8, 1.2), bend_mm=15.0, elastic_mm=0.0, crush_share=0.0)
    aim = Aim(centre, (6.0, -15.0, 3.0))
    points = source_points(np.random.default_rng(seed), SHAPE, 1.5, aim, calm)
    voxel = locate_point(points, centre)
    assert voxel is not None
    middle = (np.array(SHAPE) - 1) / 2
    np.testing.assert_allclose((voxel - middle) * 1.5, aim.anchor_mm, atol=0.6)


@pytest.mark.parametrize("seed", range(4))
def test_located_point_maps_back_to_its_source(seed: int) -> None:
    template = column()
    centre = template.centres[FIRST_LEVEL + 2]
    points = source_points(np.random.default_rng(seed), SHAPE, 3.0, Aim(centre), WILD)
    voxel = locate_point(points, centre)
    assert voxel is not None
    at = np.rint(voxel).astype(int)
    assert np.linalg.norm(points[:, at[0], at[1], at[2]] - centre) < 4.0


def test_point_outside_the_patch_is_not_located() -> None:
    template = column()
    points = source_points(np.random.default_rng(0), (16, 16, 16), 1.5, Aim(np.zeros(3)), STILL)
    assert locate_point(points, template.centres[FIRST_LEVEL + 4]) is None


def test_a_crushed_body_is_lower_and_its_neighbours_keep_their_height() -> None:
    template = column()
    level = FIRST_LEVEL + 2
    heights: dict[int, list[float]] = {k: [] for k in (level - 1, level, level + 1)}
    for seed in range(6):
        aim = Aim(template.centres[level])
        points = source_points(np.random.default_rng(seed), (24, 32, 96), 1.0, aim, STILL)
        crush(np.random.default_rng(seed), points, template, level)
        patch = sample_patch(template, points, None)
        column_mid = patch.labels[12, 8, :] * (patch.region[12, 8, :] == 1)  # front half
        for k, found in heights.items():
            found.append(float((column_mid == k).sum()))
    assert max(heights[level]) < BODY_HEIGHT_MM - 0.5
    assert min(heights[level]) < 0.85 * BODY_HEIGHT_MM
    for neighbour in (level - 1, level + 1):
        assert np.allclose(heights[neighbour], BODY_HEIGHT_MM, atol=3.1)
