"""Samples of the lesion net: thin marrow that is no lesion, lesions behind the body, weights carried on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage

from spineimg.segmentation.lesion_inputs import (
    LESION_CHANNELS,
    OwnBone,
    lesion_channels,
    spread_about,
)
from spineimg.segmentation.networks import build_network
from spineimg.training.lesion_samples import lesion_sample
from spineimg.training.lesions import LYTIC, PEDICLE_MM, Place, paint_lesions
from spineimg.training.marrow import thin_marrow
from spineimg.training.sources import Source
from spineimg.training.start import start_from
from tests.training.boxes import column

SHAPE = (40, 40, 40)


@pytest.fixture(scope="module")
def block() -> tuple[np.ndarray, np.ndarray]:
    """A block of bone and its signed depth, voxels of 1.5 mm."""
    bone = np.zeros(SHAPE, bool)
    bone[8:32, 8:32, 8:32] = True
    depth = 1.5 * (ndimage.distance_transform_edt(bone) - ndimage.distance_transform_edt(~bone))
    return bone, depth.astype(np.float32)


def test_thin_marrow_is_low_inside_and_leaves_the_shell(block: tuple[np.ndarray, np.ndarray]) -> None:
    bone, depth = block
    levels = []
    for seed in range(12):
        hu = np.where(bone, np.where(depth < 2.0, 700.0, 180.0), 40.0).astype(np.float32)
        before = hu.copy()
        thin_marrow(np.random.default_rng(seed), hu, bone, depth)
        np.testing.assert_array_equal(hu[~bone], before[~bone])
        levels.append(np.median(hu[depth > 6]))
        assert hu[(depth > 0) & (depth < 1.6)].mean() > 300.0
    assert -90.0 < min(levels) < max(levels) < 180.0
    assert np.median(levels) < 100.0


def test_a_lytic_lesion_in_uneven_marrow_lies_below_its_spread_or_takes_the_cortex(
    block: tuple[np.ndarray, np.ndarray],
) -> None:
    bone, depth = block
    nothing = np.zeros(SHAPE, bool)
    place = Place(bone, bone, nothing, nothing, np.full(3, 20.0), depth, 1.5)
    marrow = (depth > 2.0) & bone
    inside = 0
    for seed in range(25):
        rng = np.random.default_rng(seed)
        hu = np.where(bone, 700.0, 40.0).astype(np.float32)
        hu[marrow] = rng.normal(200.0, 40.0, int(marrow.sum()))
        truth = paint_lesions(np.random.default_rng([seed, 1]), hu, place)
        lytic = truth == LYTIC
        deep = lytic & (depth > 4.5)
        if deep.sum() > 60 and not (lytic & (depth < 1.6) & bone).any():
            inside += 1
            assert hu[deep].mean() < 200.0 - 1.5 * 40.0
    assert inside > 0


def test_half_of_the_lesions_start_behind_the_body_and_most_of_these_in_a_pedicle() -> None:
    own = np.zeros(SHAPE, bool)
    own[8:32, 4:20, 8:32] = True
    body = own.copy()
    own[14:26, 20:38, 14:26] = True
    depth = (1.5 * ndimage.distance_transform_edt(own) - 3.0 * ~own).astype(np.float32)
    nothing = np.zeros(SHAPE, bool)
    place = Place(own, body, nothing, nothing, np.array([20.0, 12.0, 20.0]), depth, 1.5)
    behind = near = count = 0
    for seed in range(60):
        hu = np.where(own, 200.0, 40.0).astype(np.float32)
        truth = paint_lesions(np.random.default_rng(seed), hu, place)
        if (truth > 0).sum() < 20:
            continue
        middle = np.argwhere(truth > 0).mean(0)
        count += 1
        behind += middle[1] > 20
        near += 20 < middle[1] < 20 + PEDICLE_MM / 1.5
    assert 0.2 < behind / count < 0.7
    assert near > 0.3 * behind


def test_a_sample_has_every_channel_and_is_a_function_of_its_seed() -> None:
    sources = [Source(column(), 1.0, None)]
    one, two = (lesion_sample(np.random.default_rng(5), sources, 0.0) for _ in range(2))
    assert one.inputs.shape[0] == len(LESION_CHANNELS)
    np.testing.assert_array_equal(one.inputs, two.inputs)


def test_what_stays_within_the_patients_own_spread_is_small_in_the_spread_channel() -> None:
    hu = np.full((6, 6, 6), 40.0)
    nothing = np.zeros((3, 6, 6, 6))
    last = LESION_CHANNELS.index("spread")
    even = lesion_channels(hu, OwnBone(100.0, 10.0), nothing)[last]
    uneven = lesion_channels(hu, OwnBone(100.0, 40.0), nothing)[last]
    np.testing.assert_allclose(even, -2.0)
    np.testing.assert_allclose(uneven, -0.5)
    values = np.random.default_rng(0).normal(80.0, 30.0, 5000)
    assert spread_about(80.0, [values]) == pytest.approx(30.0, rel=0.05)


def test_weights_of_fewer_channels_give_the_same_output_at_first(tmp_path: Path) -> None:
    sizes = {"classes": 2, "fields": 0, "widths": [8, 8, 8, 8], "blocks": [1, 1, 1, 1], "head_width": 8}
    torch.manual_seed(0)
    old = build_network("FoldedUNet", sizes | {"channels_in": 6}).eval()
    torch.save({"state_dict": old.state_dict()}, tmp_path / "best.pt")
    new = build_network("FoldedUNet", sizes | {"channels_in": 7}).eval()
    start_from(new, tmp_path / "best.pt")
    x = torch.randn(1, 7, 32, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(new(x), old(x[:, :6]))
