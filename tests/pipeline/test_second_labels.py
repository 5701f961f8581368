"""Second labels in the pipeline: names that differ stay possible, and the scan is flagged as a whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spineimg.core.grid import Grid
from spineimg.core.levels import Level
from spineimg.core.settings import DEFAULTS
from spineimg.core.volume import Modality, Volume
from spineimg.pipeline.request import Request
from spineimg.pipeline.segment import segment
from spineimg.storage.nifti import write_mask


def test_second_labels_of_another_tool_put_names_in_doubt(tmp_path: Path) -> None:
    grid = Grid((20, 20, 40), np.diag([2.0, 2.0, 2.0, 1.0]))
    upper, lower = (slice(5, 15), slice(5, 15), slice(25, 35)), (slice(5, 15), slice(5, 15), slice(6, 16))
    own, other = np.zeros(grid.shape, dtype=np.uint8), np.zeros(grid.shape, dtype=np.uint8)
    own[upper], own[lower] = Level.L4.verse_id, Level.L5.verse_id
    other[upper], other[lower] = 29, 28  # TotalSegmentator's L3 and L4
    write_mask(own, grid, tmp_path / "own.nii.gz")
    write_mask(other, grid, tmp_path / "other.nii.gz")
    volume = Volume(np.full(grid.shape, 200, dtype=np.int16), grid, Modality.CT)
    request = Request(
        path=tmp_path,
        labels=tmp_path / "own.nii.gz",
        second=tmp_path / "other.nii.gz",
        second_kind="totalsegmentator",
    )
    labels = segment(volume, request, DEFAULTS)
    codes = {caveat.code for caveat in labels.findings}
    assert "second-opinion-differs" in codes
    assert {d.level: d.possible for d in labels.names} == {
        Level.L4: (Level.L3, Level.L4),
        Level.L5: (Level.L4, Level.L5),
    }
