"""A real CT as if scanned again: turned, moved, in other slices, with other noise. Used by other scripts."""

from __future__ import annotations

import dataclasses
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from spineimg.core.grid import Grid, Points
from spineimg.core.labelmap import EngineId, LabelMap
from spineimg.core.levels import Level
from spineimg.core.volume import Modality, Volume
from spineimg.pipeline.cropping import column_box, crop_labels, crop_volume
from spineimg.storage.nifti import read_mask, read_volume

MARGIN_MM = 25.0
AIR_HU = -1000


@dataclass(frozen=True)
class Rescan:
    """How the patient is scanned again; ``turn_deg`` about the left, posterior and cranial axis."""

    seed: int
    spacing_mm: tuple[float, float, float]
    turn_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    noise_hu: float = 12.0


def shared_folder() -> Path:
    """Folder of the real scans: SPINEIMG_SHARED, or ``shared`` beside the checkout."""
    named = os.environ.get("SPINEIMG_SHARED")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared"
    if not folder.is_dir():
        sys.exit("no real scans found; set SPINEIMG_SHARED to their folder")
    return folder


def real_case(name: str) -> tuple[Volume, LabelMap]:
    """A CT of ``data/ct_mr`` with its masks, cropped to the column."""
    folder = shared_folder() / "data/ct_mr" / name
    volume = read_volume(folder / "image.nii.gz", Modality.CT)
    mask, _ = read_mask(folder / "labels.nii.gz")
    labels = LabelMap(mask, volume.grid, engine=EngineId("reference", "1"))
    box = column_box(labels, MARGIN_MM)
    return crop_volume(volume, *box), crop_labels(labels, *box)


def scan_again(volume: Volume, labels: LabelMap, how: Rescan) -> tuple[Volume, LabelMap]:
    """Sample the patient on another grid; of the masks only the vertebra ids are carried over."""
    grid = _turned(volume.grid, how)
    points = grid.to_lps_mm(np.moveaxis(np.indices(grid.shape), 0, -1).reshape(-1, 3).astype(np.float64))
    index = volume.grid.to_index(points).T
    hu = ndimage.map_coordinates(volume.array, index, np.float32, order=1, mode="constant", cval=AIR_HU)
    rng = np.random.default_rng(how.seed)
    grain = ndimage.gaussian_filter(rng.standard_normal(grid.shape, dtype=np.float32), 0.6)
    hu = hu.reshape(grid.shape) + np.float32(how.noise_hu / float(grain.std())) * grain
    array = np.clip(np.round(hu), -1024, 3071).astype(np.int16)
    scan = dataclasses.replace(volume, array=array, grid=grid)
    return scan, LabelMap(_masks(labels, index).reshape(grid.shape), grid, engine=labels.engine)


def _masks(labels: LabelMap, index: Points) -> NDArray[np.uint8]:
    """Vertebra at each place (index, (3, n)): the one whose smoothed mask holds more than half of it."""
    found = np.zeros(index.shape[1], np.uint8)
    for number, box in enumerate(ndimage.find_objects(labels.array), 1):
        if box is None:
            continue
        low = np.array([s.start - 1 for s in box])[:, None]
        high = np.array([s.stop for s in box])[:, None]
        near = np.flatnonzero(((index >= low) & (index <= high)).all(axis=0))
        mask = np.pad((labels.array[box] == number).astype(np.float32), 1)
        share = ndimage.map_coordinates(mask, index[:, near] - low, np.float32, order=1)
        found[near[share > 0.5]] = number
    return found


def _turned(grid: Grid, how: Rescan) -> Grid:
    """Grid of the new slices over the middle of the old ones, turned and moved."""
    axes = Rotation.from_euler("xyz", how.turn_deg, degrees=True).as_matrix()
    corners = grid.to_lps_mm(np.array(np.meshgrid(*[(0, n - 1) for n in grid.shape])).reshape(3, -1).T)
    middle, size = corners.mean(axis=0), np.ptp(corners, axis=0)
    count = np.ceil(size / how.spacing_mm).astype(int) + 1
    affine = np.eye(4)
    affine[:3, :3] = axes * np.array(how.spacing_mm)
    affine[:3, 3] = middle + np.array(how.shift_mm) - affine[:3, :3] @ ((count - 1) / 2)
    return Grid((int(count[0]), int(count[1]), int(count[2])), affine)


def whole_levels(labels: LabelMap) -> tuple[Level, ...]:
    """Vertebrae whose mask does not touch the border of the grid, head to foot."""
    inside = np.zeros(labels.array.shape, bool)
    inside[1:-1, 1:-1, 1:-1] = True
    cut = set(np.unique(labels.array[~inside]))
    return tuple(level for level in labels.levels() if level.is_vertebra and level.verse_id not in cut)
