"""The truth against the drawn masks, measured here by counting voxels."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from spineimg.core.grid import Grid
from spineimg.core.labelmap import Part
from spineimg.core.levels import Level
from spineimg.core.measurements import LesionMeasurement, SegmentMeasurement, VertebraMeasurement
from spineimg.core.scores import LevelScore, PatientScore
from spineimg.phantom import (
    FractureSpec,
    LesionSpec,
    PatientSpec,
    Phantom,
    PhantomSpec,
    ScanSpec,
    SlipSpec,
    make_phantom,
)
from spineimg.phantom.column import Stand, column
from spineimg.storage.records import EXTRAS

STEP = 0.6


def close_up(spec: PhantomSpec, level: Level) -> tuple[Phantom, Stand]:
    """The body of one vertebra on a fine grid along its own axes, its origin in the middle of a voxel."""
    stand = column(spec)[level]
    half = np.array([48, 46, 36])
    affine = np.eye(4)
    affine[:3, :3] = stand.frame.T * STEP
    affine[:3, 3] = stand.centre - affine[:3, :3] @ half
    grid = Grid(tuple(int(n) for n in 2 * half + 1), affine)
    return make_phantom(replace(spec, grid=grid)), stand


def base(**changes: Any) -> PhantomSpec:
    scan = ScanSpec(seed=1, noise_hu=0.0, kernel_fwhm_mm=0.0)
    return PhantomSpec(PatientSpec(seed=8), scan, Level.T11, Level.L5, **changes)


def counted_heights(phantom: Phantom, level: Level) -> dict[str, float]:
    """Six-point morphometry on the mask: column heights at 10, 50, 90 % of the midline's depth."""
    middle = phantom.volume.grid.shape[0] // 2
    body = ((phantom.labels.array == level.verse_id) & (phantom.labels.parts == Part.BODY))[middle]
    # The depth of the endplates: the longest rows near the upper and lower rim.
    rows = np.flatnonzero(body.any(axis=1))
    first, last = rows[0], rows[-1]
    result = {}
    for site, share in (("anterior", 0.1), ("middle", 0.5), ("posterior", 0.9)):
        row = round(first + share * (last - first))
        result[site] = float(body[row].sum()) * STEP
    return result


@pytest.mark.parametrize(
    "fracture",
    [
        None,
        FractureSpec(Level.L1, "wedge", 36.0),
        FractureSpec(Level.L1, "biconcave", 30.0),
        FractureSpec(Level.L1, "crush", 45.0),
    ],
)
def test_heights_losses_and_volume_agree_with_the_mask(fracture: FractureSpec | None) -> None:
    phantom, _ = close_up(base(fractures=(fracture,) if fracture else ()), Level.L1)
    record = next(v for v in phantom.truth["measurements"]["vertebrae"] if v["level"] == "L1")
    for site, height in counted_heights(phantom, Level.L1).items():
        assert record["heights_mm"][site]["value"] == pytest.approx(height, abs=1.3)
    loss = record["height_loss_percent"]["value"]
    assert loss == pytest.approx(fracture.loss_percent if fracture else 0.0, abs=0.05)
    body = (phantom.labels.array == Level.L1.verse_id) & (phantom.labels.parts == Part.BODY)
    volume = body.sum() * STEP**3 / 1000
    assert record["body_volume_ml"]["value"] == pytest.approx(volume, rel=0.03)
    assert record["expected_body_volume_ml"]["value"] >= record["body_volume_ml"]["value"]
    assert record["deformity"] == (fracture.kind if fracture else "none")


def test_lesion_volume_and_shares_agree_with_the_mask() -> None:
    lesion = LesionSpec(Level.L1, "lytic", (12.0, 14.0, 5.0), (8.0, 11.0, 8.0), 0.5)
    phantom, _ = close_up(base(lesions=(lesion,)), Level.L1)
    record = phantom.truth["measurements"]["lesions"][0]
    mask = phantom.labels.lesions == 1
    assert record["volume_ml"]["value"] == pytest.approx(mask.sum() * STEP**3 / 1000, rel=0.05)
    pedicle = phantom.labels.parts == Part.PEDICLE_LEFT
    share = 100 * (mask & pedicle).sum() / pedicle.sum()
    assert record["structures_percent"]["pedicle_left"]["value"] == pytest.approx(share, abs=5)
    assert record["structures_percent"]["pedicle_right"]["value"] == 0
    assert "pedicle_left" in record["cortex_broken"]
    centre = phantom.volume.grid.to_lps_mm(np.argwhere(mask)).mean(axis=0)
    np.testing.assert_allclose(record["centre_lps_mm"], centre, atol=1.0)


def test_a_lesion_that_misses_the_bone_is_no_lesion() -> None:
    behind_the_spine = LesionSpec(Level.L1, "lytic", (0.0, 90.0, 0.0), (5.0, 5.0, 5.0), 0.0)
    phantom, _ = close_up(base(lesions=(behind_the_spine,)), Level.L1)
    assert phantom.labels.lesions is not None
    assert not phantom.labels.lesions.any()
    assert phantom.truth["measurements"]["lesions"] == []


def test_a_mixed_lesion_has_both_kinds() -> None:
    lesion = LesionSpec(Level.L1, "mixed", (0.0, 0.0, 0.0), (10.0, 9.0, 8.0), -1.0)
    phantom, _ = close_up(base(lesions=(lesion,)), Level.L1)
    kinds = phantom.labels.lesion_types
    assert kinds is not None
    lytic = 100 * (kinds == 1).sum() / (kinds > 0).sum()
    record = phantom.truth["measurements"]["lesions"][0]
    assert record["lytic_percent"]["value"] == pytest.approx(lytic, abs=3)
    assert record["quality"] == ["mixed"]


def whole(spec: PhantomSpec) -> dict[str, Any]:
    """Truth of the lesion's neighbourhood on a coarse scan (the truth does not depend on the voxels)."""
    level = spec.lesions[0].level
    scan = replace(spec.scan, spacing_mm=(5.0, 5.0, 5.0), width_mm=40.0, depth_mm=100.0, margin_mm=24.0)
    return make_phantom(replace(spec, top=level, bottom=level, scan=scan)).truth


def segment(truth: dict[str, Any], upper: str) -> dict[str, Any]:
    return next(s for s in truth["measurements"]["segments"] if s["upper"] == upper)


def test_a_slip_moves_the_walls_by_its_millimetres() -> None:
    lesion = LesionSpec(Level.L4, "lytic", (0.0, 0.0, 0.0), (7.0, 7.0, 7.0), -1.0)
    straight = whole(base(lesions=(lesion,)))
    slipped = whole(base(lesions=(lesion,), slips=(SlipSpec(Level.L4, 8.0, 3.0),)))
    before, after = segment(straight, "L4"), segment(slipped, "L4")
    moved = after["translation_ap_mm"]["value"] - before["translation_ap_mm"]["value"]
    # The slip runs along the upper one's axes; the shift is measured along the lower one's.
    assert moved == pytest.approx(8.0, abs=0.4)
    aside = after["translation_lateral_mm"]["value"] - before["translation_lateral_mm"]["value"]
    assert aside == pytest.approx(3.0, abs=0.2)
    assert slipped["sins"]["levels"][0]["components"]["alignment"]["possible"] == [4]
    assert straight["sins"]["levels"][0]["components"]["alignment"]["possible"] == [0]


@pytest.mark.parametrize(
    ("lesions", "fractures", "level", "points"),
    [
        # location, bone lesion, alignment, collapse, posterolateral
        ((LesionSpec(Level.L1, "lytic", (0, 0, 0), (9, 9, 8), -1.0),), (), "L1", (3, 2, 0, 0, 0)),
        ((LesionSpec(Level.L3, "blastic", (0, 0, 0), (9, 9, 8), -1.0),), (), "L3", (2, 0, 0, 0, 0)),
        ((LesionSpec(Level.L2, "lytic", (0, 0, 0), (24, 20, 16), -1.0),), (), "L2", (2, 2, 0, 1, 0)),
        (
            (LesionSpec(Level.L1, "lytic", (12, 16, 5), (9, 12, 9), 1.0),),
            (FractureSpec(Level.L1, "wedge", 35, "new"),),
            "L1",
            (3, 2, 2, 2, 1),
        ),
        (
            (LesionSpec(Level.L1, "mixed", (0, 2, 0), (10, 10, 10), -1.0),),
            (FractureSpec(Level.L1, "crush", 60),),
            "L1",
            (3, 1, 0, 3, 0),
        ),
        (
            (
                LesionSpec(Level.T12, "lytic", (11, 17, 6), (8, 11, 9), 1.0),
                LesionSpec(Level.T12, "lytic", (-11, 17, 6), (8, 11, 9), 1.0),
            ),
            (),
            "T12",
            (3, 2, 0, 0, 3),
        ),
    ],
)
def test_components_follow_the_published_table(
    lesions: tuple[LesionSpec, ...], fractures: tuple[FractureSpec, ...], level: str, points: tuple[int, ...]
) -> None:
    pain = ((Level(level), "mechanical"),)
    truth = whole(base(lesions=lesions, fractures=fractures, pain=pain))
    score = next(s for s in truth["sins"]["levels"] if s["level"] == level)
    names = ("location", "bone_lesion", "alignment", "collapse", "posterolateral")
    assert tuple(score["components"][name]["possible"][0] for name in names) == points
    assert score["total"] == {"low": sum(points) + 3, "high": sum(points) + 3}


def test_without_a_word_on_pain_its_points_stay_open() -> None:
    truth = whole(base(lesions=(LesionSpec(Level.L3, "lytic", (0, 0, 0), (8, 8, 8), -1.0),)))
    score = truth["sins"]["levels"][0]
    assert score["components"]["pain"]["possible"] == [0, 1, 3]
    assert score["total"]["high"] - score["total"]["low"] == 3


def test_the_records_have_the_fields_of_the_contract() -> None:
    truth = whole(base(lesions=(LesionSpec(Level.L3, "lytic", (0, 0, 0), (8, 8, 8), -1.0),)))
    records = truth["measurements"]
    kinds = (
        ("vertebrae", VertebraMeasurement),
        ("lesions", LesionMeasurement),
        ("segments", SegmentMeasurement),
    )
    for name, kind in kinds:
        for record in records[name]:
            names = {f.name for f in fields(kind)}
            assert names - EXTRAS <= set(record) <= names
    names = {f.name for f in fields(LevelScore)}
    assert names - EXTRAS <= set(truth["sins"]["levels"][0]) <= names
    assert set(truth["sins"]["patient"]) == {f.name for f in fields(PatientScore)}


def test_the_endplate_points_are_as_far_apart_as_the_heights() -> None:
    truth = whole(base(lesions=(LesionSpec(Level.L3, "lytic", (0, 0, 0), (8, 8, 8), -1.0),)))
    for record in truth["measurements"]["vertebrae"]:
        if record["endplates_lps_mm"] is None:
            continue
        plates = record["endplates_lps_mm"]
        for site, height in record["heights_mm"].items():
            apart = np.linalg.norm(np.array(plates["upper"][site]) - plates["lower"][site])
            assert height["value"] == pytest.approx(apart, abs=0.01)
