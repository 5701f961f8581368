"""Bodies lie between discs: merged, missed and straddled ones are placed again, at any size of patient."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from spineimg.core.grid import Grid
from spineimg.core.levels import Level
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.core.volume import Modality
from spineimg.segmentation.agreement import by_discs, clash_caveats, clashes, disorder
from spineimg.segmentation.discs import best_discs, between_discs, disc_signal
from spineimg.segmentation.inputs import LOCATE_CLASSES
from spineimg.segmentation.locate import BODY, Peak, Regions, locate
from spineimg.segmentation.profile import STEP_MM, Profile, path_points, profile
from spineimg.segmentation.refine import refine
from tests.segmentation.fakes import FakeLocate, FakeRefine, balls

SETTINGS = SegmentationSettings(threads=1)
THORACIC = (0.0, 1.0, 0.0)
LENGTH_MM = 200.0
MARROW, PLATE, DISC = 180.0, 380.0, 80.0


def regions() -> Regions:
    """A rod of body voxels along z, as the coarse network sees a column."""
    grid = Grid((20, 20, 75), np.diag([3.0, 3.0, 3.0, 1.0]))
    x, y, _ = np.indices(grid.shape) * 3.0
    probability = np.zeros((len(LOCATE_CLASSES), *grid.shape), np.float32)
    probability[BODY] = np.hypot(x - 30.0, y - 30.0) < 15.0
    probability[0] = 1.0 - probability[BODY]
    groups = np.zeros((4, *grid.shape), np.float32)
    groups[1] = 1.0
    flat = np.zeros(grid.shape, np.float32)
    return Regions(probability, np.zeros((3, *grid.shape), np.float32), groups, flat, grid)


def peak(height_mm: float) -> Peak:
    return Peak(np.array([30.0, 30.0, height_mm]), 12.0, THORACIC, 12.0)


def column(discs_mm: NDArray[np.float64], *, unseen: float | None = None) -> Profile:
    """Dark discs of 4 mm between bright plates, foot to head; one of them without any sign."""
    along = np.arange(0.0, LENGTH_MM, STEP_MM)
    points = np.stack([np.full_like(along, 30.0), np.full_like(along, 30.0), along + 6.0], 1)
    apart = np.abs(along[:, None] - discs_mm[discs_mm != unseen][None]).min(1)
    image = np.where(apart < 2.0, DISC, np.where(apart < 4.0, PLATE, MARROW))
    bone = np.where(apart < 2.0, 0.9, 0.999)
    return Profile(points, along, image, bone, np.zeros((1, len(along))))


@pytest.mark.parametrize("step_mm", [16.0, 21.0, 26.0])
def test_discs_are_found_at_any_size(step_mm: float) -> None:
    discs = np.arange(12.0, LENGTH_MM - 8.0, step_mm)
    seen = column(discs)
    spacing = np.full(len(seen.along_mm), 24.5)
    size, found = best_discs(seen, spacing, Modality.CT, SETTINGS)
    assert np.abs(seen.along_mm[found] - discs).max() <= 1.5
    assert size == pytest.approx(step_mm / 24.5, abs=0.08)


def test_a_disc_without_any_sign_is_bridged_at_its_distance() -> None:
    discs = 12.0 + 22.0 * np.arange(8)
    seen = column(discs, unseen=discs[4])
    spacing = np.full(len(seen.along_mm), 24.5)
    _, found = best_discs(seen, spacing, Modality.CT, SETTINGS)
    assert len(found) == len(discs)
    assert np.abs(seen.along_mm[found] - discs).max() <= 3.0


def test_one_sign_is_enough_and_on_mr_the_image_is_none() -> None:
    discs = 12.0 + 22.0 * np.arange(8)
    seen = column(discs)
    spacing = np.full(len(seen.along_mm), 24.5)
    at = [int(np.abs(seen.along_mm - d).argmin()) for d in discs]
    overlooked = replace(seen, bone=np.full_like(seen.bone, 0.999))
    assert disc_signal(overlooked, spacing, Modality.CT)[at].min() > 2 * SETTINGS.disc_price
    assert disc_signal(overlooked, spacing, Modality.MR).max() == 0.0


@pytest.mark.parametrize(
    "first_look",
    [
        [29.0, 40.0, 73.0, 95.0, 117.0, 139.0, 161.0],  # the second doubled low, the third missed
        [40.0, 62.0, 84.0, 106.0, 128.0, 150.0],  # all of them on discs
        [29.0, 51.0, 84.0, 117.0, 139.0, 161.0],  # two taken for one
    ],
)
def test_every_body_comes_to_lie_between_its_discs(first_look: list[float]) -> None:
    discs = 12.0 + 22.0 * np.arange(8)
    true = 6.0 + (discs[1:] + discs[:-1]) / 2
    chain = [peak(z) for z in reversed(first_look)]
    placed = between_discs(column(discs), chain, regions(), Modality.CT, SETTINGS)
    heights = np.array([p.centre_lps_mm[2] for p in placed])
    assert (np.diff(heights) < 0).all()
    assert max(np.abs(heights - z).min() for z in true) <= 2.0
    assert len(placed) <= len(true) + 2  # one more at either end, where the rod goes on


def test_bodies_that_straddle_are_refined_again_where_the_discs_want_them() -> None:
    scan = balls((1.0, 1.0, 2.0), np.diag([1.0, 1.0, -1.0]))
    coarse = locate(scan.volume, FakeLocate(), SETTINGS)
    off = scan.centres[:-1] + 0.45 * np.diff(scan.centres, axis=0)
    chain = tuple(Peak(c, 2.6, THORACIC, 15.0) for c in off)
    first = (chain, refine(scan.volume, list(off), FakeRefine(), SETTINGS))
    found, patches = by_discs(scan.volume, first, coarse, FakeRefine(), SETTINGS)
    assert len(found) == len(patches) == len(scan.centres)
    for body, centre in zip(found, scan.centres, strict=True):
        assert np.linalg.norm(body.centre_lps_mm - centre) < 1.5
    points = path_points(chain, coarse)
    before, after = (profile(scan.volume, p, points) for p in (first[1], patches))
    assert disorder(after) < disorder(before)


def test_right_bodies_stay_as_they_are() -> None:
    scan = balls((1.0, 1.0, 2.0), np.diag([1.0, 1.0, -1.0]))
    coarse = locate(scan.volume, FakeLocate(), SETTINGS)
    chain = tuple(Peak(c, 2.6, THORACIC, 15.0) for c in scan.centres)
    column_ = (chain, refine(scan.volume, list(scan.centres), FakeRefine(), SETTINGS))
    assert by_discs(scan.volume, column_, coarse, FakeRefine(), SETTINGS) is column_


def claims(*spans: tuple[float, float]) -> Profile:
    seen = column(12.0 + 22.0 * np.arange(8))
    own = np.array([(seen.along_mm >= a) & (seen.along_mm < b) for a, b in spans], dtype=float)
    return replace(seen, own=own)


@pytest.mark.parametrize(
    ("spans", "wrong"),
    [
        (((14, 32), (36, 54), (58, 76)), [False, False, False]),
        (((14, 32), (30, 48), (58, 76)), [False, False, False]),  # a rim shared
        (((14, 32), (24, 42), (58, 76)), [True, True, False]),  # halves of one body
        (((14, 32), (36, 76), (80, 98)), [False, True, False]),  # as long as two
    ],
)
def test_bodies_that_share_bone_or_are_too_long_are_told(
    spans: tuple[tuple[float, float], ...], wrong: list[bool]
) -> None:
    found = clashes(claims(*spans), np.full(3, 24.5), SETTINGS)
    assert found.tolist() == wrong
    said = clash_caveats([Level.T6, Level.T7, None], found)
    assert [level for caveat in said for level in caveat.levels] == [
        level for level, bad in zip((Level.T6, Level.T7), wrong[:2], strict=True) if bad
    ]
