"""Ribs beside a body: seen on either side, not guessed where the image does not reach, and used for names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spineimg.core.grid import Grid
from spineimg.core.levels import Level
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.segmentation.inputs import LOCATE_CLASSES
from spineimg.segmentation.locate import Peak, Regions
from spineimg.segmentation.name import name_column
from spineimg.segmentation.naming_model import STATES, Found, Surroundings, load_naming_model
from spineimg.segmentation.ribs import RIB, rib_terms, ribs_ml

MODEL = Path(__file__).parents[2] / "models" / "naming"


def regions(half_width: int, *ribs: tuple[float, float, float]) -> Regions:
    """A 3 mm grid round the origin with rods of 24 mm as ribs, each from its place to the side."""
    shape = (2 * half_width + 1, 41, 21)
    affine = np.diag([3.0, 3.0, 3.0, 1.0])
    affine[:3, 3] = [-3.0 * half_width, -60.0, -30.0]
    grid = Grid(shape, affine)
    probability = np.zeros((len(LOCATE_CLASSES), *shape), dtype=np.float32)
    for x, y, z in ribs:
        for step in range(9):
            at = np.rint(grid.to_index(np.array([x + np.sign(x) * 3 * step, y, z]))).astype(int)
            probability[(RIB, *at)] = 1.0
            probability[RIB, at[0], at[1] + 1, at[2]] = 1.0
    empty = np.zeros((4, *shape), dtype=np.float32)
    return Regions(probability, empty[:3], empty, empty[0], grid)


PEAK = (Peak(np.zeros(3), 20.0, (0.0, 0.5, 0.5), 19.0),)


@pytest.mark.parametrize(
    ("half_width", "ribs", "seen"),
    [
        (25, [(20.0, 21.0, 3.0)], 0.486),  # 9 steps of 3 mm, two voxels thick, 27 mm3 each
        (25, [(20.0, 21.0, 3.0), (-20.0, 21.0, 3.0)], 0.486),
        (25, [], 0.0),
        (25, [(20.0, 21.0, 21.0)], 0.0),  # the rib of the vertebra above
        (10, [], None),  # 30 mm to the sides: a crop that shows no ribs
    ],
)
def test_what_is_seen_beside_a_body(
    half_width: int, ribs: list[tuple[float, float, float]], seen: float | None
) -> None:
    (found,) = ribs_ml(PEAK, regions(half_width, *ribs))
    assert found == (None if seen is None else pytest.approx(seen, abs=0.06))


def test_a_rib_speaks_for_the_chest_and_none_for_the_rest() -> None:
    row = {level: n for n, level in enumerate(STATES)}
    rib, none = rib_terms(1.0), rib_terms(0.0)
    assert rib[row[Level.T8]] > rib[row[Level.T12]] > rib[row[Level.L1]] > rib[row[Level.L3]]
    assert none[row[Level.L3]] > none[row[Level.L1]] > none[row[Level.T12]] > none[row[Level.T8]]
    assert (rib_terms(None) == 0).all()
    assert (rib_terms(0.2) == 0).all()


def test_the_last_rib_settles_a_border_that_the_look_leaves_open() -> None:
    model = load_naming_model(MODEL).for_probabilities()
    steps = {"T10": 27.3, "T11": 29.7, "T12": 32.4, "L1": 34.6, "L2": 35.8, "L3": 36.5}
    place, found = 0.0, {True: [], False: []}
    for name, step in steps.items():
        open_look = (
            (0.0, 0.5, 0.5) if name in ("T12", "L1") else (0.0, float(name[0] == "T"), float(name[0] == "L"))
        )
        for ribs in found:
            ml = (1.5 if name[0] == "T" else 0.0) if ribs else None
            found[ribs].append(Found(np.array([0.0, 0.0, -place]), open_look, 0.9, rib_ml=ml))
        place += step
    settings = SegmentationSettings()
    without, with_ribs = (name_column(found[k], Surroundings(), model, settings) for k in (False, True))
    assert [str(level) for level in with_ribs.levels] == list(steps)
    assert with_ribs.best > without.best
