"""Two label maps of one scan: agreement says nothing, another name or a gap is said."""

from __future__ import annotations

import numpy as np
import pytest

from spineimg.core.errors import InputRefused
from spineimg.core.grid import Grid
from spineimg.core.labelmap import LabelMap, NameDoubt
from spineimg.core.levels import Level
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.segmentation.second_opinion import with_second_opinion

SETTINGS = SegmentationSettings()
GRID = Grid((4, 4, 30), np.eye(4))


def stack(names: list[str | None], names_known: tuple[NameDoubt, ...] = ()) -> LabelMap:
    """Vertebrae of five slices each, head (last slice) to foot; None leaves a gap."""
    array = np.zeros(GRID.shape, dtype=np.uint8)
    for place, name in enumerate(names):
        if name is not None:
            array[1:3, 1:3, 25 - 5 * place : 29 - 5 * place] = Level(name).verse_id
    return LabelMap(array=array, grid=GRID, names=names_known)


def test_agreement_changes_nothing() -> None:
    labels = stack(["T11", "T12", "L1", "L2"])
    both = with_second_opinion(labels, labels, SETTINGS)
    assert (both.findings, both.names) == ((), ())


def test_a_shift_by_one_is_a_caveat_and_a_doubt_of_each_name() -> None:
    sure = (NameDoubt(Level.L1, (Level.L1,), 0.99),)
    both = with_second_opinion(stack(["T12", "L1"], sure), stack(["L1", "L2"]), SETTINGS)
    (caveat,) = both.findings
    assert caveat.code == "second-opinion-differs"
    assert caveat.levels == (Level.T12, Level.L1)
    assert "T12 (L1 there)" in caveat.message
    assert [(d.level, d.possible) for d in both.names] == [
        (Level.T12, (Level.T12, Level.L1)),
        (Level.L1, (Level.L1, Level.L2)),
    ]
    assert all(d.confidence < SETTINGS.name_certain for d in both.names)


def test_what_the_second_lacks_between_its_own_is_said() -> None:
    both = with_second_opinion(stack(["T11", "T12", "L1"]), stack(["T11", None, "L1"]), SETTINGS)
    assert [(c.code, c.levels) for c in both.findings] == [("second-opinion-missing", (Level.T12,))]
    ends = with_second_opinion(stack(["T11", "T12", "L1"]), stack([None, "T12", "L1"]), SETTINGS)
    assert ends.findings == ()


def test_the_sacrum_is_no_vertebra_to_disagree_on() -> None:
    both = with_second_opinion(stack(["L5", "sacrum"]), stack(["L5", "L6"]), SETTINGS)
    assert both.findings == ()


def test_another_grid_is_refused() -> None:
    moved = np.eye(4)
    moved[0, 3] = 5.0
    other = LabelMap(array=np.zeros(GRID.shape, dtype=np.uint8), grid=Grid(GRID.shape, moved))
    with pytest.raises(InputRefused, match="mask-grid-differs"):
        with_second_opinion(stack(["L1"]), other, SETTINGS)
