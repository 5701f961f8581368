"""DICOM segmentations: frames land on the voxels of the image, sparse, flipped, fractional or overlapping."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

from spineimg.core.errors import InputRefused
from spineimg.core.grid import Grid
from spineimg.dicom.segments import read_segments


def own_grid(path: Path, flip: bool = False) -> tuple[Grid, int]:
    """Grid of all positions that the file names, from its own header, as (column, row, slice)."""
    data = pydicom.dcmread(path)
    shared = data.SharedFunctionalGroupsSequence[0]
    cosines = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float)
    down, across = (float(v) for v in shared.PixelMeasuresSequence[0].PixelSpacing)
    places = np.unique(
        [f.PlanePositionSequence[0].ImagePositionPatient for f in data.PerFrameFunctionalGroupsSequence],
        axis=0,
    ).astype(float)
    normal = np.cross(cosines[:3], cosines[3:])
    places = places[np.argsort(places @ normal)]
    step = np.diff(places @ normal).min() if len(places) > 1 else 1.0
    count = round(float((places[-1] - places[0]) @ normal / step)) + 1
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = cosines[:3] * across, cosines[3:] * down, normal * step
    affine[:3, 3] = places[0]
    if flip:
        affine[:3, 3] += affine[:3, 1] * (data.Rows - 1)
        affine[:3, 1] *= -1
    return Grid((data.Columns, data.Rows, count), affine), int(data.pixel_array.astype(bool).sum())


@pytest.mark.parametrize(
    "name",
    ["dcmqi_24x38x3/label.seg", "dcmqi_liver_seg/liver.dcm", "highdicom_ct_binary/seg_image_ct_binary.dcm"],
)
@pytest.mark.parametrize("flip", [False, True])
def test_every_marked_pixel_lands_once(name: str, flip: bool, shared: Path) -> None:
    path = shared / "data" / "dicom" / "seg" / name
    grid, marked = own_grid(path, flip)
    (segment,) = read_segments(path, grid)
    assert segment.mask.sum() == marked
    if flip:
        straight = read_segments(path, own_grid(path)[0])[0].mask
        assert (np.flip(segment.mask, 1) == straight).all()


def test_a_label_map_gives_its_segments_and_no_background(shared: Path) -> None:
    path = shared / "data" / "dicom" / "seg" / "dcmqi_labelmap_padding" / "sparse-labelmap-noppv.dcm"
    grid, _ = own_grid(path)
    by_label = {s.label: s for s in read_segments(path, grid)}
    pixels = pydicom.dcmread(path).pixel_array
    assert by_label["Liver"].mask.sum() == (pixels == 1).sum()
    assert not by_label["Background"].mask.any()


def test_overlapping_segments_stay_apart(shared: Path) -> None:
    path = shared / "data" / "dicom" / "seg" / "dcmqi_partial_overlaps" / "partial_overlaps.dcm"
    segments = read_segments(path, own_grid(path)[0])
    assert len(segments) == 5
    assert np.sum([s.mask for s in segments], axis=0).max() > 1


def test_half_of_a_fractional_voxel_counts(shared: Path) -> None:
    path = shared / "data" / "dicom" / "seg" / "highdicom_ct_binary" / "seg_image_ct_true_fractional.dcm"
    (segment,) = read_segments(path, own_grid(path)[0])
    data = pydicom.dcmread(path)
    assert segment.mask.sum() == (data.pixel_array >= data.MaximumFractionalValue / 2).sum()


def test_another_grid_is_refused(shared: Path) -> None:
    path = shared / "data" / "dicom" / "seg" / "dcmqi_24x38x3" / "label.seg"
    grid, _ = own_grid(path)
    affine = grid.affine.copy()
    affine[:3, 3] += 0.5 * affine[:3, 0]
    with pytest.raises(InputRefused, match="mask-grid-differs"):
        read_segments(path, Grid(grid.shape, affine))


def test_a_report_is_no_segmentation(shared: Path) -> None:
    path = shared / "data" / "dicom" / "seg" / "highdicom_sr" / "sr_document.dcm"
    with pytest.raises(InputRefused, match="not-a-segmentation"):
        read_segments(path, Grid((2, 2, 2), np.eye(4)))
