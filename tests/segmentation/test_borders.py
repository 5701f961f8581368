"""The image moves a border where the network is unsure, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.core.grid import Grid
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.segmentation.borders import bone_evidence, rim_hu, weighed
from spineimg.segmentation.paste import paste
from spineimg.segmentation.refine import BODY, NOTHING, Patch

SETTINGS = SegmentationSettings()
GRID = Grid((40, 40, 40), np.diag([1.0, 1.0, 1.0, 1.0]))


def ball(radius: float, at: float = 20.0) -> NDArray[np.bool_]:
    """A ball in the middle."""
    return np.asarray(((np.indices(GRID.shape) - at) ** 2).sum(0) <= radius**2)


def seen(mask: NDArray[np.bool_], lytic: NDArray[np.bool_] | None = None) -> Patch:
    """A patch whose body is a blurred mask."""
    probability = np.zeros((5, *GRID.shape), dtype=np.float32)
    probability[BODY] = ndimage.gaussian_filter(mask.astype(np.float32), 1.5)
    probability[NOTHING] = 1.0 - probability[BODY]
    none = np.zeros(GRID.shape, dtype=np.float32)
    return Patch(probability, none if lytic is None else lytic.astype(np.float32), none, GRID)


def image(bone: NDArray[np.bool_]) -> NDArray[np.int16]:
    """Marrow of 150 HU under a cortex of 400 in muscle."""
    hu = np.where(bone, 150, 50)
    hu[bone & ~ndimage.binary_erosion(bone, iterations=2)] = 400
    return hu.astype(np.int16)


@pytest.mark.parametrize("radius", [10.0, 12.0])
def test_a_border_a_voxel_off_moves_to_the_image_s_edge(radius: float) -> None:
    truth = ball(11.0)
    off = seen(ball(radius))
    before = paste([off], GRID, SETTINGS).index > 0
    after = paste([off], GRID, SETTINGS, image(truth)).index > 0
    assert (after ^ truth).sum() < 0.4 * (before ^ truth).sum()


def test_a_vessel_full_of_contrast_beside_a_body_stays_outside() -> None:
    truth = ball(10.0)
    hu = image(truth)
    vessel = ball(8.0, at=31.0) & ~truth
    hu[vessel] = 400
    index = paste([seen(truth)], GRID, SETTINGS, hu).index
    assert (index[vessel & ~ndimage.binary_dilation(truth, iterations=2)] == 0).all()


def test_soft_marrow_and_a_lesion_at_the_border_stay_bone() -> None:
    truth = ball(10.0)
    hole = ball(5.0, at=25.0) & truth
    hu = image(truth)
    hu[hole] = 40
    kept = paste([seen(truth, hole)], GRID, SETTINGS, hu).index > 0
    alone = paste([seen(truth)], GRID, SETTINGS).index > 0
    assert (kept[hole] == alone[hole]).all()
    hu[ball(8.0)] = 0
    deep = ball(7.0)
    assert paste([seen(truth)], GRID, SETTINGS, hu).index[deep].all()


def test_evidence_by_hand() -> None:
    hu = np.array([40.0, 140.0, 240.0, 3000.0, -1000.0])
    body = np.ones(5, dtype=bool)
    ratio = bone_evidence(hu, body, 240.0, SETTINGS)
    np.testing.assert_allclose(np.log(ratio), [-1.5, 0.0, 1.5, 1.5, -1.5], rtol=1e-5)
    posterior = bone_evidence(hu, ~body, 240.0, SETTINGS)
    np.testing.assert_allclose(np.log(posterior), np.log(ratio) / 3, rtol=1e-5)


def test_probabilities_stay_probabilities() -> None:
    rng = np.random.default_rng(0)
    own, other, canal, _ = rng.dirichlet(np.ones(4), 500).T.astype(np.float32)
    ratio = np.exp(rng.uniform(-1.5, 1.5, 500)).astype(np.float32)
    after = np.stack(weighed(own, other, canal, ratio))
    assert (after >= 0).all() and (after.sum(0) <= 1 + 1e-6).all()
    np.testing.assert_allclose(after[0] * other, after[1] * own, rtol=1e-4)  # the image divides no neighbours


def test_a_rim_tells_its_own_bone() -> None:
    body = ball(11.0)
    least = SETTINGS.border_soft_hu + SETTINGS.border_contrast_hu
    assert rim_hu(seen(body), np.where(body, 420, 50), GRID, SETTINGS) == 420
    assert rim_hu(seen(body), np.where(body, 60, 50), GRID, SETTINGS) == least  # a tumour took it all
    assert rim_hu(seen(np.zeros_like(body)), np.zeros(GRID.shape), GRID, SETTINGS) == SETTINGS.border_bone_hu
