"""MR samples: what a mask of bodies does not tell is left open, and drawn MR has every class."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from spineimg.training.losses import region_loss
from spineimg.training.mr_cases import halve_slices, known_regions
from spineimg.training.mr_intensity import SEQUENCES, draw_signal
from spineimg.training.mr_losses import NOT_BODY, partial_region_loss
from spineimg.training.mr_samples import mr_locate_sample, mr_refine_sample
from spineimg.training.sources import Source
from spineimg.training.templates import IGNORE, MERGED, SACRUM, Template, body_centres
from tests.training.boxes import FIRST_LEVEL, ORIGIN, SPACING, column, column_arrays


def bodies() -> np.ndarray:
    """Bodies alone of the column of boxes, as a reader of MR draws them."""
    labels, parts = column_arrays()
    return np.where(parts == 1, labels, 0).astype(np.uint8)


@pytest.fixture(scope="module")
def known() -> tuple[np.ndarray, np.ndarray]:
    return known_regions(bodies(), SPACING)


@pytest.fixture(scope="module")
def real(known: tuple[np.ndarray, np.ndarray]) -> Source:
    labels, region = known
    units = np.where(bodies() > 0, 0.6, 0.2).astype(np.float32)
    template = Template(
        "mr/boxes", labels, region, None, SPACING, ORIGIN, body_centres(labels, region, SPACING, ORIGIN),
        frozenset(), True, np.rint(units * 1000).astype(np.int16),
    )  # fmt: skip
    return Source(template, 1.0, units)


def test_bodies_and_the_discs_between_them_are_known(known: tuple[np.ndarray, np.ndarray]) -> None:
    labels, region = known
    assert (region[bodies() > 0] == 1).all()
    _, parts = column_arrays()
    disc = parts == 11
    assert (region[disc & (labels == 0)] == 3).mean() > 0.6
    assert (region[disc] != 0).all()


def test_posterior_voxels_are_not_called_background(known: tuple[np.ndarray, np.ndarray]) -> None:
    _, parts = column_arrays()
    region = known[1]
    for part in (2, 10):  # arch, canal
        assert np.isin(region[parts == part], (NOT_BODY, IGNORE)).all()


def test_beyond_the_outer_bodies_nothing_is_known() -> None:
    labels = bodies()
    labels[np.isin(labels, (FIRST_LEVEL, FIRST_LEVEL + 4))] = 0  # as if L1 and L5 had no mask
    _, region = known_regions(labels, SPACING)
    hidden = np.isin(bodies(), (FIRST_LEVEL, FIRST_LEVEL + 4))
    assert (region[hidden] == IGNORE).mean() > 0.9
    assert not np.isin(region[hidden], (1, 3, 4)).any()


def test_a_piece_of_sacrum_is_added_below_l5_alone(known: tuple[np.ndarray, np.ndarray]) -> None:
    labels, region = known
    assert ((labels == SACRUM) == (region == 4)).all()
    assert not (labels == SACRUM).any() or np.argwhere(labels == SACRUM)[:, 2].max() < 4


def test_interpolated_slices_keep_the_volume() -> None:
    thick = bodies()[::2]
    units = np.where(thick > 0, 1.0, 0.0).astype(np.float32)
    fine, labels = halve_slices(units, thick, np.array([4.0, 2.0, 2.0]))
    assert fine.shape == labels.shape
    assert len(fine) == 2 * len(thick) - 1
    np.testing.assert_array_equal(labels[0::2], thick)
    assert abs((labels > 0).sum() * 2.0 / ((thick > 0).sum() * 4.0) - 1) < 0.15


def test_a_real_sample_asks_nothing_of_posterior_voxels(real: Source) -> None:
    codes = set()
    for seed in range(4):
        sample = mr_refine_sample(np.random.default_rng(seed), [real], 1.0)
        codes |= {int(c) for c in np.unique(sample.region)}
        assert not sample.lesions.any()
        assert np.isfinite(sample.inputs).all()
    assert {1, 3, NOT_BODY} <= codes
    assert 2 not in codes
    assert 4 not in codes


def test_a_drawn_sample_has_every_class_and_comes_back_from_its_seed() -> None:
    drawn = [Source(column(), 1.0, None)]
    first, again = (mr_locate_sample(np.random.default_rng(5), drawn, (32, 48, 64), 0.0) for _ in range(2))
    np.testing.assert_array_equal(first.inputs, again.inputs)
    np.testing.assert_array_equal(first.region, again.region)
    seen = set()
    for seed in range(5):
        sample = mr_locate_sample(np.random.default_rng(seed), drawn, (32, 48, 64), 0.0)
        seen |= {int(c) for c in np.unique(sample.region)}
    assert {0, 1, 2, 3, 7} <= seen


def test_sequences_differ_in_fluid_and_fat() -> None:
    kinds = dict.fromkeys(SEQUENCES)
    assert {"t1", "t2", "stir", "water", "fat"} <= set(kinds)
    t1, t2 = (
        dict(zip(("fat", "marrow", "muscle", "fluid"), SEQUENCES[k], strict=False)) for k in ("t1", "t2")
    )
    assert t1["fluid"][1] < t1["fat"][0]  # dark fluid, bright fat
    assert t2["fluid"][0] > t2["muscle"][1]
    for seed in range(20):
        signal = draw_signal(np.random.default_rng(seed))
        assert signal.annulus <= signal.disc
        assert abs(signal.marrow - signal.disc) > 0.0


def test_the_loss_punishes_body_where_there_is_none_and_nothing_else() -> None:
    target = torch.full((1, 4, 4, 4), NOT_BODY)
    target[:, :2] = 1
    torch.manual_seed(0)
    logits = torch.zeros(1, 8, 4, 4, 4)
    logits[:, 1, :2] = 6.0
    quiet, _ = partial_region_loss(logits, target, MERGED)
    for other in (2, 7):  # posterior or canal there: as good as background
        moved = logits.clone()
        moved[:, other, 2:] = 4.0
        better, _ = partial_region_loss(moved, target, MERGED)
        assert better <= quiet
    wrong = logits.clone()
    wrong[:, 1, 2:] = 6.0
    worse, _ = partial_region_loss(wrong, target, MERGED)
    assert worse > quiet + 2.0


def test_without_partial_voxels_the_loss_is_the_plain_one() -> None:
    torch.manual_seed(1)
    logits, target = torch.randn(2, 8, 4, 4, 4), torch.randint(0, 8, (2, 4, 4, 4))
    plain, partial = region_loss(logits, target, MERGED)[0], partial_region_loss(logits, target, MERGED)[0]
    assert torch.equal(plain, partial)
