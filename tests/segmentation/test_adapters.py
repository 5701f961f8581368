"""Label files of other tools: their published id tables, and refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

from spineimg.core.errors import InputRefused, UsageError
from spineimg.core.grid import Grid
from spineimg.core.labelmap import Part
from spineimg.core.levels import Level
from spineimg.core.settings.reading import ReadingSettings
from spineimg.dicom import load
from spineimg.segmentation.adapters import KINDS, labels_from_file, segment_level
from spineimg.storage.nifti import write_mask

GRID = Grid((6, 5, 4), np.array([[1.0, 0, 0, -3], [0, 1.5, 0, 7], [0, 0, 2.0, 10], [0, 0, 0, 1]]))
# Some rows of each tool's own published class list.
ROWS = [
    ("verse", 1, Level.C1), ("verse", 20, Level.L1),
    ("verse", 28, Level.T13), ("verse", 25, Level.L6),
    ("totalsegmentator", 27, Level.L5), ("totalsegmentator", 31, Level.L1),
    ("totalsegmentator", 32, Level.T12), ("totalsegmentator", 43, Level.T1),
    ("totalsegmentator", 44, Level.C7), ("totalsegmentator", 50, Level.C1),
    ("totalsegmentator", 25, Level.SACRUM), ("totalsegmentator", 26, Level.SACRUM),
    ("spineps", 19, Level.T12), ("spineps", 24, Level.L5),
    ("spineps", 28, Level.T13), ("totalspineseg", 11, Level.C1),
    ("totalspineseg", 17, Level.C7), ("totalspineseg", 21, Level.T1),
    ("totalspineseg", 32, Level.T12), ("totalspineseg", 41, Level.L1),
    ("totalspineseg", 45, Level.L5), ("totalspineseg", 50, Level.SACRUM),
]  # fmt: skip


def written(tmp_path: Path, array: np.ndarray, grid: Grid = GRID) -> Path:
    path = tmp_path / "mask.nii.gz"
    write_mask(array.astype(np.uint8), grid, path)
    return path


@pytest.mark.parametrize(("kind", "number", "level"), ROWS)
def test_a_published_id_becomes_its_level(kind: str, number: int, level: Level, tmp_path: Path) -> None:
    raw = np.zeros(GRID.shape)
    raw[1:3, 2, 1] = number
    labels = labels_from_file(written(tmp_path, raw), kind, GRID)
    assert labels.levels() == (level,)
    assert (labels.array > 0).sum() == 2


@pytest.mark.parametrize(("kind", "number"), [("spineps", 119), ("spineps", 219), ("totalsegmentator", 5),
                                              ("totalspineseg", 91)])  # fmt: skip
def test_discs_and_organs_are_left_out(kind: str, number: int, tmp_path: Path) -> None:
    raw = np.zeros(GRID.shape)
    raw[0, 0, 0], raw[1, 1, 1] = number, {"totalsegmentator": 31, "totalspineseg": 41}.get(kind, 20)
    labels = labels_from_file(written(tmp_path, raw), kind, GRID)
    assert labels.levels() == (Level.L1,)


@pytest.mark.parametrize(("kind", "number"), [("totalsegmentator", 79), ("totalspineseg", 2)])
def test_the_canal_becomes_a_part(kind: str, number: int, tmp_path: Path) -> None:
    raw = np.zeros(GRID.shape)
    raw[0, 0, 0], raw[1, 1, 1] = number, 31 if kind == "totalsegmentator" else 41
    labels = labels_from_file(written(tmp_path, raw), kind, GRID)
    assert labels.parts is not None
    assert labels.parts[0, 0, 0] == Part.CANAL
    assert labels.array[0, 0, 0] == 0


@pytest.mark.parametrize(("kind", "number"), [("verse", 33), ("spineps", 99), ("totalspineseg", 46),
                                              ("totalsegmentator", 118)])  # fmt: skip
def test_an_unknown_id_is_refused(kind: str, number: int, tmp_path: Path) -> None:
    raw = np.full(GRID.shape, 0)
    raw[0, 0, 0] = number
    with pytest.raises(InputRefused, match=f"unknown-label-id.*{number}"):
        labels_from_file(written(tmp_path, raw), kind, GRID)


def test_no_level_appears_under_two_ids() -> None:
    for kind, table in KINDS.items():
        meanings = [m for m in table.values() if m > 0 and m != Level.SACRUM.verse_id]
        assert len(meanings) == len(set(meanings)), kind


def test_flipped_and_permuted_axes_come_back(tmp_path: Path) -> None:
    raw = np.zeros(GRID.shape, dtype=np.uint8)
    raw[4, 1, 3] = 20
    affine = np.zeros((4, 4))
    affine[:3, :3] = GRID.affine[:3, [2, 0, 1]] * np.array([1, -1, 1])
    affine[:3, 3] = GRID.to_lps_mm(np.array([GRID.shape[0] - 1.0, 0, 0]))
    affine[3, 3] = 1
    turned = np.flip(np.transpose(raw, (2, 0, 1)), 1)
    path = written(tmp_path, turned, Grid((4, 6, 5), affine))
    np.testing.assert_array_equal(labels_from_file(path, "verse", GRID).array, raw)


def test_another_grid_is_refused(tmp_path: Path) -> None:
    raw = np.full(GRID.shape, 20)
    moved = GRID.affine.copy()
    moved[2, 3] += 2.0
    with pytest.raises(InputRefused, match="mask-grid-differs"):
        labels_from_file(written(tmp_path, raw, Grid(GRID.shape, moved)), "verse", GRID)


def test_a_folder_of_single_masks_is_joined(tmp_path: Path) -> None:
    for name, place in {"vertebrae_L1": 0, "vertebrae_T12": 1, "sacrum": 2, "liver": 3}.items():
        raw = np.zeros(GRID.shape, dtype=np.uint8)
        raw[place, 0, 0] = 1
        write_mask(raw, GRID, tmp_path / f"{name}.nii.gz")
    labels = labels_from_file(tmp_path, "totalsegmentator", GRID)
    assert labels.levels() == (Level.T12, Level.L1, Level.SACRUM)
    assert labels.array[3, 0, 0] == 0


def test_bad_requests_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, np.zeros(GRID.shape))
    with pytest.raises(UsageError, match="unknown-labels-kind"):
        labels_from_file(path, "other", GRID)
    with pytest.raises(UsageError, match="no-such-path"):
        labels_from_file(tmp_path / "missing.nii.gz", "verse", GRID)
    with pytest.raises(InputRefused, match="no-vertebra-in-labels"):
        labels_from_file(path, "verse", GRID)


@pytest.mark.parametrize(
    ("label", "code", "level"),
    [
        ("vertebrae_L1", ("", "", ""), Level.L1),
        ("Segment_1", ("23215003", "SCT", "T12 vertebra"), Level.T12),
        ("Segment_1", ("123", "99LOCAL", "C7 vertebra"), Level.C7),
        ("T4", ("51299004", "SCT", "Bone"), Level.T4),
        ("Vertebra L 5", ("", "", ""), Level.L5),
        ("Sacrum", ("", "", ""), Level.SACRUM),
        ("L4/L5 disc", ("", "", ""), None),
        ("L4 lesion", ("", "", ""), None),
        ("T1 weighted tumour of T4", ("", "", ""), None),
        ("liver", ("10200004", "SCT", "Liver"), None),
        ("CT13", ("", "", ""), None),
    ],
)
def test_a_dicom_segment_is_named_by_code_or_words(
    label: str, code: tuple[str, str, str], level: Level | None
) -> None:
    assert segment_level(label, code) is level


def test_a_dicom_segmentation_becomes_labels(tmp_path: Path, shared: Path) -> None:
    data = pydicom.dcmread(shared / "data" / "dicom" / "seg" / "dcmqi_24x38x3" / "label.seg")
    data.SegmentSequence[0].SegmentLabel = "vertebrae_L2"
    data.SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0].CodeMeaning = "Bone"
    data.save_as(tmp_path / "seg.dcm")
    volume = load(shared / "data" / "dicom" / "good" / "ct_small_24x38_dcmqi", ReadingSettings())
    labels = labels_from_file(tmp_path / "seg.dcm", "dicom-seg", volume.grid)
    assert labels.levels() == (Level.L2,)
    assert (labels.array > 0).sum() == data.pixel_array.sum()


def test_a_dicom_segmentation_without_vertebra_is_refused(shared: Path) -> None:
    volume = load(shared / "data" / "dicom" / "good" / "ct_small_24x38_dcmqi", ReadingSettings())
    path = shared / "data" / "dicom" / "seg" / "dcmqi_24x38x3" / "label.seg"
    with pytest.raises(InputRefused, match="no-vertebra-in-labels"):
        labels_from_file(path, "dicom-seg", volume.grid)
