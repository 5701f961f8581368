"""Bodies that overlap as masked: no height is read from them."""

import numpy as np

from spineimg.core.grid import Grid
from spineimg.core.labelmap import BODIES_OVERLAP, Caveat, LabelMap
from spineimg.core.levels import Level
from spineimg.core.measurements import EndplatePoints, Endplates
from spineimg.core.settings import DEFAULTS
from spineimg.measurement.frame import Frame
from spineimg.measurement.heights import BodyHeights
from spineimg.measurement.overlap import overlapping, told


def plate(z: float) -> EndplatePoints:
    return EndplatePoints((0.0, -10.0, z), (0.0, 0.0, z), (0.0, 10.0, z))


def body(top: float, bottom: float) -> BodyHeights:
    value = np.full(3, top - bottom)
    return BodyHeights(value, np.full(3, 0.3), Endplates(plate(top), plate(bottom)), 500.0)


def crossed(**bodies: tuple[float, float]) -> set[Level]:
    heights = {Level(name): body(*ends) for name, ends in bodies.items()}
    frames = {level: Frame(np.zeros(3), np.eye(3)) for level in heights}
    return set(overlapping(heights, frames, DEFAULTS.measurement))


def test_a_body_that_took_in_its_neighbour_and_that_neighbour_are_named() -> None:
    assert crossed(C7=(90.0, 62.0), T1=(73.0, 58.0), T2=(53.0, 38.0)) == {Level.C7, Level.T1}


def test_narrow_discs_and_errors_of_measurement_are_no_overlap() -> None:
    assert crossed(L3=(90.0, 62.0), L4=(62.5, 35.0), L5=(33.0, 8.0)) == set()


def test_a_gap_in_the_column_is_none() -> None:
    assert crossed(L1=(90.0, 62.0), L4=(10.0, -17.0)) == set()


def test_what_the_engine_says_of_its_own_masks_counts() -> None:
    empty = LabelMap(np.zeros((2, 2, 2), np.uint8), Grid((2, 2, 2), np.eye(4)))
    assert told(empty) == frozenset()
    merged = Caveat(BODIES_OVERLAP, "two in one", (Level.C5, Level.C6))
    findings = (merged, Caveat("no-landmark", "", (Level.C7,)))
    labels = LabelMap(empty.array, empty.grid, findings=findings)
    assert told(labels) == {Level.C5, Level.C6}
