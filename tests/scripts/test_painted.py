"""The second generator: what it says of a painted case is what was built, by geometry alone."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import painted
import pytest
from numpy.testing import assert_allclose
from painted.anatomy import load_template
from painted.column import assemble
from painted.fracture import Fracture
from painted.frame import Outline
from painted.lesion import Lesion
from painted.plan import Joint, Plan, Scan, draw_plan
from painted.rules import score
from painted.solid import SITES, Solid
from painted.truth import Lattice, records, segments

from spineimg.core.labelmap import Part
from spineimg.core.levels import Level

TEMPLATE = "bdmap12_spine"
pytestmark = pytest.mark.usefixtures("shared")


def solid(level: Level = Level.L2, fracture: Fracture | None = None) -> Solid:
    bone = load_template(TEMPLATE).bone(level)
    return Solid(bone, bone.frame.matrix(), fracture=fracture)


def plan(levels: tuple[Level, ...] = (Level.L1, Level.L2, Level.L3), **changes: object) -> Plan:
    scan = Scan(seed=1, spacing_mm=(1.5, 1.5), width_mm=60.0, depth_mm=70.0)
    return replace(Plan(seed=1, template=TEMPLATE, levels=levels, scan=scan), **changes)  # type: ignore[arg-type]


def test_shares_no_code_with_the_phantom_or_the_training() -> None:
    for file in Path(painted.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [a.name for a in node.names] if isinstance(node, ast.Import) else []
            own = [n for n in names if n.startswith("spineimg")]
            assert all(n.startswith("spineimg.core") for n in own), (file.name, own)


@pytest.mark.parametrize(
    ("kind", "rest", "expected"),
    [
        ("crush", 1.0, (40, 40, 40)),
        ("wedge", 0.0, (40, 20, 0)),
        ("wedge", 0.5, (40, 30, 20)),
        ("biconcave", 0.0, (0, 40, 0)),
    ],
)
def test_a_known_fracture_loses_the_known_heights(kind: str, rest: float, expected: tuple[int, ...]) -> None:
    before, after = solid().heights(), solid(fracture=Fracture(kind, 40.0, rest)).heights()
    lost = [100 * (1 - after[site] / before[site]) for site in SITES]
    assert_allclose(lost, expected, atol=4.0)
    assert_allclose(lost[np.argmax(expected)], 40.0, atol=1.0)


def test_the_fracture_is_undone_by_its_inverse() -> None:
    outline = Outline(40.0, -16.0, 13.0, -13.0, 13.0, 0.0, 20.0, 10.0, 28.0)
    points = np.random.default_rng(1).uniform(-30, 30, (200, 3))
    for kind in ("wedge", "biconcave", "crush"):
        broken = Fracture(kind, 55.0, 0.3)
        assert_allclose(broken.undo(broken.apply(points, outline), outline), points, atol=1e-9)


def test_posterior_elements_keep_their_height() -> None:
    own = np.array([[0.0, 45.0, 8.0]])
    assert_allclose(Fracture("crush", 60.0, 1.0).apply(own, solid().outline), own)


def test_a_lesion_deep_in_the_body_has_the_volume_of_its_ellipsoid() -> None:
    lesion = Lesion(Level.L2, "lytic", (0.0, -2.0, 0.0), (9.0, 8.0, 6.0), -1.0)
    record = Lattice(solid(), (lesion,)).lesion(1, lesion)
    ellipsoid = 4 / 3 * np.pi * 9 * 8 * 6 / 1000
    assert record["volume_ml"]["value"] == pytest.approx(ellipsoid, rel=0.06)
    assert record["lytic_percent"]["value"] == 100
    assert all(x["value"] == 0 for x in record["structures_percent"].values() if x)


def test_painted_masks_hold_the_volume_that_the_truth_says() -> None:
    lesion = Lesion(Level.L2, "blastic", (4.0, 0.0, 0.0), (10.0, 9.0, 8.0), -1.0)
    done = painted.paint(plan(lesions=(lesion,), pain=((Level.L2, "none"),)))
    volume = float((done.labels.lesions > 0).sum()) * done.labels.grid.voxel_ml
    said = done.truth["measurements"]["lesions"][0]
    assert volume == pytest.approx(said["volume_ml"]["value"], rel=0.04)
    body = (done.labels.array == Level.L2.verse_id) & (done.labels.parts == Part.BODY)
    vertebra = next(v for v in done.truth["measurements"]["vertebrae"] if v["level"] == "L2")
    assert float(body.sum()) * done.labels.grid.voxel_ml == pytest.approx(
        vertebra["body_volume_ml"]["value"], rel=0.03
    )
    inside = done.volume.array[body & (done.labels.lesions > 0)]
    assert inside.mean() > done.volume.array[body & (done.labels.lesions == 0)].mean() + 200


def test_a_destroyed_pedicle_is_told_with_its_side() -> None:
    o = solid().outline
    place = (o.canal_half_width + 4.0, o.wall_y + 4.0, 3.0)
    lesion = Lesion(Level.L2, "lytic", place, (9.0, 10.0, 9.0), 1.0)
    exact = records(plan(lesions=(lesion,)), assemble(plan(lesions=(lesion,))))
    shares = exact["lesions"][0]["structures_percent"]
    assert shares["pedicle_left"]["value"] > 50
    assert shares["pedicle_right"]["value"] == 0
    assert score(exact, {"L2": "none"})["L2"]["components"]["posterolateral"]["true"] == 1


@pytest.mark.parametrize(
    ("joint", "name", "change"),
    [
        (Joint(anterior_mm=5.0), "translation_ap_mm", 5.0),
        (Joint(left_mm=4.0), "translation_lateral_mm", 4.0),
        (Joint(kyphosis_deg=10.0), "kyphosis_deg", 10.0),
        (Joint(scoliosis_deg=8.0), "scoliosis_deg", 8.0),
    ],
)
def test_a_known_motion_changes_the_segment_by_itself(joint: Joint, name: str, change: float) -> None:
    first, second = (segments(assemble(plan(joints=j)))[0] for j in ((), ((Level.L1, joint),)))
    assert second[name]["value"] - first[name]["value"] == pytest.approx(change, abs=0.4)


def test_the_same_plan_gives_the_same_bytes() -> None:
    first, second = (painted.paint(plan((Level.L1, Level.L2))) for _ in range(2))
    assert first.volume.array.tobytes() == second.volume.array.tobytes()
    assert first.labels.array.tobytes() == second.labels.array.tobytes()


def test_a_pair_differs_by_the_new_fracture_only() -> None:
    before, after, level = painted.pair_plans(3, 30.0, 5)
    assert dict(after.fractures)[level].loss_percent == 30.0
    assert level not in dict(before.fractures)
    assert before.lesions == after.lesions
    assert before.scan != after.scan
    assert painted.pair_plans(3, 0.0, 5)[1].fractures == before.fractures


def test_a_painted_fracture_takes_height_from_one_body_of_a_scan() -> None:
    done = painted.paint(plan())
    fracture = Fracture("crush", 30.0, 1.0)
    volume, labels = painted.paint_fracture(done.volume, done.labels, Level.L2, fracture)
    assert volume.grid is done.volume.grid
    for level, expected in ((Level.L1, 1.0), (Level.L2, 0.7), (Level.L3, 1.0)):
        sizes = [
            int(((x.array == level.verse_id) & (x.parts == Part.BODY)).sum()) for x in (done.labels, labels)
        ]
        assert sizes[1] / sizes[0] == pytest.approx(expected, abs=0.05), level


def test_drawn_plans_are_sound() -> None:
    for seed in (1, 2, 3):
        drawn = draw_plan(seed, 6)
        assert 2 <= len(drawn.levels) <= 6
        assert {x.level for x in drawn.lesions} <= set(drawn.levels)
        assert {level for level, _ in drawn.pain} == {x.level for x in drawn.lesions}


def test_a_slip_without_another_sign_is_no_open_question() -> None:
    """The reference leaves {0, 4} to a slip with worn facets, gas or a pars defect; none is painted."""
    value = {"value": 0.0}
    exact = {
        "vertebrae": [
            {"level": name, "complete": True, "height_loss_percent": value, "lytic_percent": {"value": 100.0}}
            for name in ("L1", "L2", "L3")
        ],
        "lesions": [
            {"level": "L2", "body_percent": value, "structures_percent": {}, "cortex_broken": []},
        ],
        "segments": [
            {
                "upper": upper,
                "lower": lower,
                "translation_ap_mm": {"value": shift},
                "translation_lateral_mm": value,
                "kyphosis_deg": {"value": -8.0},
                "scoliosis_deg": value,
                "caudal_depth_mm": {"value": 34.0},
            }
            for upper, lower, shift in (("L1", "L2", 0.0), ("L2", "L3", 6.0))
        ],
    }
    alignment = score(exact, {"L2": "none"})["L2"]["components"]["alignment"]
    assert (alignment["true"], alignment["open"], alignment["judged"]) == (4, [4], True)
