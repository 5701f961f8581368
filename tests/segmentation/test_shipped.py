"""The models that the project ships: whole, small enough, and right on a real scan."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from spineimg.core.grid import Grid
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.core.volume import Modality, Volume
from spineimg.segmentation import bundles
from spineimg.segmentation.engine import load_folder

MODELS = Path(__file__).parents[2] / "models"


def test_the_shipped_bundle_is_whole_and_small() -> None:
    folder = MODELS / "spine_ct"
    bundles.verify(folder)
    bundle = bundles.read_bundle(folder)
    assert bundle.size_mb <= 20.0
    assert bundle.licence == "CC BY-SA 4.0"


def _read(path: Path) -> tuple[np.ndarray, Grid]:
    """NIfTI by another reader than the project's; RAS to LPS by hand."""
    image = nib.load(path)
    shape = image.shape
    return np.asarray(image.dataobj), Grid(shape, np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine)


@pytest.mark.slow
def test_bodies_of_a_real_scan_are_found_and_masked(shared: Path) -> None:
    folder = shared / "data" / "ct_mr" / "oppoct" / "case_abdomen"  # split validation
    hu, grid = _read(folder / "image.nii.gz")
    reference, _ = _read(folder / "labels.nii.gz")
    engine = load_folder(MODELS / "spine_ct", Modality.CT)
    labels = engine(Volume(hu.astype(np.int16), grid, Modality.CT), SegmentationSettings())
    ours, theirs = (labels.array > 0) & (labels.array < 26), reference > 0
    assert 2 * (ours & theirs).sum() / (ours.sum() + theirs.sum()) > 0.8
    found = 0
    for number in (18, 19, 20, 21, 22, 23):  # the six whole ones, T11 to L4
        centre = grid.to_lps_mm(np.argwhere(reference == number).astype(float)).mean(0)
        centres = [
            grid.to_lps_mm(np.argwhere(labels.array == n.verse_id).astype(float)).mean(0)
            for n in labels.levels()
        ]
        found += min(np.linalg.norm(c - centre) for c in centres) < 10
    assert found >= 5
    right = [n.verse_id for n in labels.levels()] == list(range(18, 25))
    assert right or labels.findings, "a wrong name must not be silent"
