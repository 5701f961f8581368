"""The table of smallest detectable changes: complete, ordered, and honest about what was not measured."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from spineimg.core.grid import Grid
from spineimg.core.levels import Level
from spineimg.core.volume import Modality
from spineimg.tracking.detectable import craniocaudal_spacing_mm, smallest_detectable, table


@pytest.mark.parametrize(
    ("quantity", "modality", "level", "collapsed"),
    [
        *itertools.product(
            ("height", "lesion_volume"), Modality, (Level.C4, Level.T6, Level.L3), (False, True)
        )
    ],
)
def test_every_kind_of_scan_has_a_row_and_an_assumed_one_grows_with_the_spacing(
    quantity, modality, level, collapsed
):
    rows = [
        smallest_detectable(quantity, [(modality, mm)], level, collapsed=collapsed) for mm in (0.7, 3.0, 8.0)
    ]
    assert all(row.value > 0 for row in rows)
    assumed = [row.value for row in rows if not row.measured]
    assert assumed == sorted(assumed)


def test_a_row_without_runs_says_that_it_is_provisional():
    assert all(row.source.startswith("provisional") for row in table() if row.runs == 0)
    assert all("scripts/" in row.source for row in table() if row.runs > 0)


def test_the_coarser_scan_decides():
    one = smallest_detectable("height", [(Modality.CT, 5.0)], Level.L1, collapsed=False)
    both = smallest_detectable("height", [(Modality.CT, 1.0), (Modality.CT, 5.0)], Level.L1, collapsed=False)
    assert both == one


def test_the_sacrum_has_no_row():
    assert smallest_detectable("height", [(Modality.CT, 1.0)], Level.SACRUM, collapsed=False) is None


@pytest.mark.parametrize(
    ("columns", "spacing"),
    [
        (np.diag([1.0, 1.0, 3.0]), 3.0),  # axial stack
        (np.array([[0.0, 4.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.8]]), 0.8),  # sagittal stack
        (np.array([[1.0, 0.0, 0.0], [0.0, 0.9, 0.6], [0.0, -0.5, 1.2]]), float(np.hypot(0.6, 1.2))),
    ],
)
def test_the_step_that_limits_a_height_runs_head_to_foot(columns, spacing):
    affine = np.eye(4)
    affine[:3, :3] = columns
    assert craniocaudal_spacing_mm(Grid((5, 5, 5), affine)) == pytest.approx(spacing)
