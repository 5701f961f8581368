"""Competition of patches: the canal stays free, undecided bone goes to the surer neighbour."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spineimg.core.grid import Grid
from spineimg.core.labelmap import Part
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.segmentation.paste import fill_bodies, lesion_types, paste
from spineimg.segmentation.refine import BODY, CANAL, NOTHING, OTHER, POSTERIOR, Patch

SETTINGS = SegmentationSettings()
GRID = Grid((8, 8, 8), np.eye(4))


def patch(**share: float) -> Patch:
    """A patch with the same probabilities everywhere."""
    probability = np.zeros((5, *GRID.shape), dtype=np.float32)
    places = {"body": BODY, "posterior": POSTERIOR, "other": OTHER, "canal": CANAL}
    for name, value in share.items():
        probability[places[name]] = value
    probability[NOTHING] = 1.0 - sum(share.values())
    empty = np.zeros(GRID.shape, dtype=np.float32)
    return Patch(probability, empty, empty, GRID)


@pytest.mark.parametrize(
    ("patches", "index", "part"),
    [
        ([patch(body=0.7)], 1, Part.BODY),
        ([patch(body=0.2, posterior=0.5)], 1, Part.POSTERIOR),
        # Each alone undecided, together sure that it is bone of one of them: the surer one has it.
        ([patch(body=0.35, other=0.3), patch(body=0.4, other=0.35)], 2, Part.BODY),
        # Together surer that it is canal: no vertebra spills into it.
        ([patch(posterior=0.35, other=0.2, canal=0.45), patch(other=0.5, canal=0.45)], 0, None),
        # One patch mistakes the canal for its bone, the others do not.
        ([patch(posterior=0.55, canal=0.3), patch(canal=0.9), patch(canal=0.9)], 0, Part.CANAL),
        ([patch(canal=0.6, posterior=0.3)], 0, Part.CANAL),
    ],
)
def test_who_has_a_voxel(patches: list[Patch], index: int, part: Part | None) -> None:
    pasted = paste(patches, GRID, SETTINGS)
    assert set(np.unique(pasted.index)) == {index}
    assert set(np.unique(pasted.parts)) == {int(part or 0)}


def test_a_hollow_body_is_filled_and_a_bay_is_not() -> None:
    index = np.zeros((12, 12, 12), np.uint8)
    index[2:10, 2:10, 2:10] = 1
    index[4:8, 4:8, 4:8] = 0  # what a lesion replaced
    index[3:5, 8:10, 2:10] = 0  # a bay open to the outside
    index[5, 5, 5] = 2  # another vertebra keeps its voxel
    body = index > 0
    fill_bodies(index, body)
    assert set(np.unique(index[4:8, 4:8, 4:8])) == {1, 2}
    assert body[6, 6, 6] and index[5, 5, 5] == 2
    assert not index[3:5, 9, 2:10].any()


def test_each_lesion_type_has_its_limit() -> None:
    settings = replace(SETTINGS, lytic_probability=0.3, blastic_probability=0.7)
    lytic, blastic = (np.array(p, np.float32) for p in ([0.2, 0.4, 0.4, 0.4], [0.6, 0.6, 0.75, 0.95]))
    assert lesion_types(lytic, blastic, settings).tolist() == [0, 1, 1, 2]
