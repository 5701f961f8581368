"""The table of smallest detectable changes: complete, ordered, and honest about what was not measured."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from spineimg.core.grid import Grid
from spineimg.core.levels import Level
from spineimg.core.volume import Modality
from spineimg.tracking.detectable import Seen, craniocaudal_spacing_mm, smallest_detectable, table


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
    rows = [smallest_detectable(quantity, [Seen(modality, mm, collapsed)], level) for mm in (0.7, 3.0, 8.0)]
    assert all(row.value > 0 for row in rows)
    assumed = [row.value for row in rows if not row.measured]
    assert assumed == sorted(assumed)


def test_a_row_without_runs_says_that_it_is_provisional():
    assert all(row.source.startswith("provisional") for row in table() if row.runs == 0)
    assert all("scripts/" in row.source for row in table() if row.runs > 0)


def test_the_variances_of_two_scans_add():
    """1.96 * sqrt(SD1^2 + SD2^2); two scans of one kind give the row itself."""
    fine, coarse = Seen(Modality.CT, 1.0, collapsed=False), Seen(Modality.CT, 5.0, collapsed=False)
    alone = [smallest_detectable("height", [one, one], Level.L1).value for one in (fine, coarse)]
    both = smallest_detectable("height", [fine, coarse], Level.L1)
    sds = [value / (1.96 * math.sqrt(2)) for value in alone]
    assert both.value == pytest.approx(1.96 * math.hypot(*sds), abs=0.06)
    assert alone[0] < both.value < alone[1]


def test_the_sacrum_has_no_row():
    assert smallest_detectable("height", [Seen(Modality.CT, 1.0, collapsed=False)], Level.SACRUM) is None


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
