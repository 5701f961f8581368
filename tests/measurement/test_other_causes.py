"""Discs, missing bone, sacrum, atlas and shape: what bears on a score beside the lesion itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from spineimg.core.grid import Grid, axis_aligned_grid
from spineimg.core.labelmap import LabelMap, Part
from spineimg.core.levels import Level
from spineimg.core.measurements import EndplatePoints, Endplates
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.core.volume import Volume
from spineimg.measurement import divide
from spineimg.measurement.alignment import junctions
from spineimg.measurement.atlas import atlantodental
from spineimg.measurement.body import Body, find_bodies
from spineimg.measurement.column import Piece
from spineimg.measurement.disc import measure_discs
from spineimg.measurement.edge_line import EdgeLine
from spineimg.measurement.endplates import Plates
from spineimg.measurement.frame import Frame
from spineimg.measurement.heights import BodyHeights, measure_heights
from spineimg.measurement.missing import missing_bone
from spineimg.measurement.sacrum import sacral_levels
from spineimg.measurement.shape_caveats import shape_caveats
from tests.measurement.boxes import DISC, SOFT_HU, Boxes, make_boxes

FRAME = Frame(np.zeros(3), np.eye(3))


@pytest.fixture(scope="module")
def scan(settings: MeasurementSettings) -> tuple[Volume, LabelMap, dict[Level, Body]]:
    """Four boxes, divided, with their bodies."""
    volume, labels = make_boxes(Boxes(spacing_mm=(1.2, 1.2, 1.2)))
    labels = divide(labels, settings)
    return volume, labels, find_bodies(volume, labels, settings)


def test_a_whole_disc_shows_no_sign(scan: Any, settings: MeasurementSettings) -> None:
    volume, labels, bodies = scan
    discs = measure_discs(volume, labels, bodies, junctions(bodies), settings)
    for disc in discs.values():
        assert disc.height_mm is not None
        assert abs(disc.height_mm.value - DISC) < 0.4
        assert disc.signs == ()


def test_gas_in_a_disc_is_a_vacuum(scan: Any, settings: MeasurementSettings) -> None:
    volume, labels, bodies = scan
    below = bodies[Level.L3]
    index = np.stack(np.meshgrid(*[np.arange(n) for n in volume.grid.shape], indexing="ij"), axis=-1)
    own = below.frame.to_own_mm(volume.grid.to_lps_mm(index.astype(float)))
    middle = below.sagittal.upper.height_mm.mean() + DISC / 2
    gas = (np.abs(own[..., 0]) < 8) & (np.abs(own[..., 1]) < 6) & (np.abs(own[..., 2] - middle) < 1.5)
    holed = replace(volume, array=np.where(gas, -600, volume.array).astype(np.int16))
    discs = measure_discs(holed, labels, bodies, junctions(bodies), settings)
    assert [pair[0] for pair, disc in discs.items() if "vacuum" in (disc.signs or ())] == [Level.L2]


def test_a_pedicle_that_is_gone_is_missed_on_its_side_only(scan: Any, settings: MeasurementSettings) -> None:
    volume, labels, bodies = scan
    gone = (labels.array == Level.L3.verse_id) & (labels.parts == Part.PEDICLE_LEFT)
    left = np.where(gone & (np.arange(gone.shape[2]) % 4 > 0), SOFT_HU, volume.array).astype(np.int16)
    found = missing_bone(replace(volume, array=left), labels, bodies, settings)
    share = found[Level.L3].pedicle_left
    assert share is not None
    assert share.low <= 75 <= share.high
    assert share.low > 40
    others = [
        getattr(shares, name)
        for level, shares in found.items()
        for name in ("pedicle_left", "pedicle_right", "facet_left", "facet_right")
        if (level, name) != (Level.L3, "pedicle_left")
    ]
    assert max(estimate.low for estimate in others if estimate is not None) < 25


@pytest.mark.parametrize(
    ("depth_mm", "expected"),
    [
        ((2, 12), (Level.S1,)),
        ((20, 45), (Level.S1,)),
        ((27, 33), (Level.S1, Level.S2)),
        ((45, 60), (Level.S2,)),
    ],
)
def test_a_lesion_of_the_sacrum_lies_in_s1_or_below(
    settings: MeasurementSettings, depth_mm: tuple[float, float], expected: tuple[Level, ...]
) -> None:
    """S1 is 26-32 mm high."""
    sacrum = SimpleNamespace(surface_mm=lambda own, which: np.zeros(len(own)))
    own = np.zeros((50, 3))
    own[:, 2] = -np.linspace(*depth_mm, 50)
    assert sacral_levels(own, cast(Body, sacrum), settings) == expected


def a_body(level: Level, boxes: Sequence[tuple[tuple[float, ...], tuple[float, ...]]], grid: Grid) -> Body:
    index = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape], indexing="ij"), axis=-1)
    lps = grid.to_lps_mm(index.astype(float))
    mask = np.any([((lps > low) & (lps < high)).all(axis=-1) for low, high in boxes], axis=0)
    whole = (slice(None), slice(None), slice(None))
    return cast(
        Body,
        SimpleNamespace(frame=FRAME, piece=Piece(level, whole, mask, grid, complete=True, body_whole=True)),
    )


@pytest.mark.parametrize("gap", [1.5, 4.0])
def test_the_gap_before_the_dens(settings: MeasurementSettings, gap: float) -> None:
    grid = axis_aligned_grid(np.full(3, -25.25), np.full(3, 25.25), 0.5)
    axis = a_body(Level.C2, [((-9, -8, -20), (9, 8, 0)), ((-5, -5, 0), (5, 5, 16))], grid)
    arch = [((-15, -12 - gap, 4), (15, -5 - gap, 14)), ((-15, 14, 4), (15, 20, 12))]
    found = atlantodental(a_body(Level.C1, arch, grid), axis, settings)
    assert found is not None
    assert found.low <= gap <= found.high
    assert abs(found.value - gap) < 0.6
    assert atlantodental(a_body(Level.C1, arch[1:], grid), axis, settings) is None


def a_line(height: Any) -> EdgeLine:
    along = np.arange(-15.0, 15.5)
    level = np.broadcast_to(np.asarray(height, dtype=float), along.shape).copy()
    return EdgeLine(along, level, np.full(31, 0.2), np.ones(31, bool), (-15.0, 15.0))


def some_plates(upper: EdgeLine) -> Plates:
    looks = SimpleNamespace(upper=SimpleNamespace(voxel_mm=1.0))
    return Plates(upper, a_line(0.0), None, cast(Any, None), cast(Any, looks))


def test_the_area_between_two_plates(settings: MeasurementSettings) -> None:
    along = np.arange(-15.0, 15.5)
    flat = measure_heights(some_plates(a_line(25.0)), FRAME, settings)
    wedge = measure_heights(some_plates(a_line(20.0 + (along + 15.0) / 6.0)), FRAME, settings)
    assert flat is not None
    assert wedge is not None
    assert flat.area_mm2 == pytest.approx(25.0 * 24.0, rel=0.01)
    assert wedge.area_mm2 == pytest.approx(22.5 * 24.0, rel=0.01)


@pytest.mark.parametrize(("width", "depth", "node"), [(2.5, 4.5, True), (9.0, 8.0, False), (2.5, 1.5, False)])
def test_a_narrow_dent_is_a_schmorls_node_and_a_bow_is_none(
    settings: MeasurementSettings, width: float, depth: float, node: bool
) -> None:
    dent = depth * np.exp(-0.5 * (np.arange(-15.0, 15.5) / width) ** 2)
    plates = some_plates(a_line(25.0 - dent))
    heights = measure_heights(plates, FRAME, settings)
    assert heights is not None
    found = shape_caveats({Level.L1: plates}, {Level.L1: heights}, settings)
    assert ("schmorl-node" in found[Level.L1]) is node


def wedged(degrees: float) -> BodyHeights:
    points = EndplatePoints((0.0, 0.0, 0.0), (0.0, 12.0, 0.0), (0.0, 24.0, 0.0))
    back = 20.0 + 24.0 * np.tan(np.radians(degrees))
    return BodyHeights(np.array([20.0, 20.0, back]), np.full(3, 0.3), Endplates(points, points), 480.0)


@pytest.mark.parametrize(("angles", "row"), [((6, 7, 6), 3), ((6, 2, 6), 0), ((2, 6, 6), 0)])
def test_three_wedges_in_a_row_are_scheuermanns(
    settings: MeasurementSettings, angles: tuple[float, ...], row: int
) -> None:
    levels = (Level.T7, Level.T8, Level.T9)
    heights = {level: wedged(angle) for level, angle in zip(levels, angles, strict=True)}
    plates = dict.fromkeys(levels, some_plates(a_line(25.0)))
    found = shape_caveats(plates, heights, settings)
    assert sum("scheuermann" in names for names in found.values()) == row
