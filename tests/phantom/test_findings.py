"""Look-alikes, spurs, cement, metal, phases, kernels, children: drawn, and in the truth as no metastasis."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from spineimg.core.grid import Points
from spineimg.core.levels import Level
from spineimg.phantom import (
    CementSpec,
    LesionSpec,
    LookAlikeSpec,
    PatientSpec,
    Phantom,
    PhantomSpec,
    ScanSpec,
    SpurSpec,
    make_phantom,
    random_spec,
    with_kernel,
)
from spineimg.phantom.column import column
from spineimg.phantom.counts import levels_of
from spineimg.phantom.random_findings import child
from spineimg.phantom.torso import Torso

SCAN = ScanSpec(
    seed=6, spacing_mm=(1.5, 1.5, 1.5), width_mm=84.0, depth_mm=100.0, margin_mm=2.0, noise_hu=0.0
)
LOOKS = (
    LookAlikeSpec(Level.L2, "haemangioma", (9.0, -4.0, 0.0), (7.0, 7.0, 7.0)),
    LookAlikeSpec(Level.L2, "enostosis", (-9.0, -4.0, 0.0), (4.0, 4.0, 4.0)),
    LookAlikeSpec(Level.L2, "endplate-sclerosis", (-6.0, -4.0, -13.0), (10.0, 8.0, 5.0)),
    LookAlikeSpec(Level.L3, "schmorl-node", (0.0, 0.0, 13.0), (6.0, 6.0, 5.0)),
)
PLAIN = PhantomSpec(
    PatientSpec(seed=6),
    SCAN,
    Level.L2,
    Level.L3,
    lesions=(LesionSpec(Level.L3, "lytic", (6.0, 0.0, -3.0), (6.0, 6.0, 6.0), -1.0),),
)
FULL = replace(
    PLAIN,
    look_alikes=LOOKS,
    spurs=(SpurSpec(Level.L2, "bridge", -40.0, 5.0),),
    cement=(CementSpec(Level.L2, (0.0, 4.0, 6.0), (5.0, 5.0, 5.0)),),
    screws=(Level.L3,),
)


@pytest.fixture(scope="module")
def plain() -> Phantom:
    return make_phantom(PLAIN)


@pytest.fixture(scope="module")
def full() -> Phantom:
    return make_phantom(FULL)


def hu_at(phantom: Phantom, level: Level, own: tuple[float, float, float], radius: int = 1) -> Points:
    """CT numbers round a place of a vertebra's own frame."""
    lps = phantom.pose[:3, :3] @ phantom.stands[level].to_patient(np.array(own)) + phantom.pose[:3, 3]
    a, b, c = np.round(phantom.volume.grid.to_index(lps)).astype(int)
    reach = tuple(slice(n - radius, n + radius + 1) for n in (a, b, c))
    return np.asarray(phantom.volume.array[reach], float)


def test_look_alikes_are_seen_and_are_no_lesions(plain: Phantom, full: Phantom) -> None:
    assert (
        hu_at(full, Level.L2, LOOKS[0].centre_mm, 2).mean() < 80 < hu_at(plain, Level.L2, (9, -4, 0)).mean()
    )
    assert hu_at(full, Level.L2, LOOKS[1].centre_mm).mean() > 700
    below = (-6.0, -4.0, -9.5)
    assert hu_at(full, Level.L2, below).mean() > hu_at(plain, Level.L2, below).mean() + 100
    assert hu_at(full, Level.L3, (0.0, 0.0, 11.0)).mean() < 120
    np.testing.assert_array_equal(full.labels.lesions, plain.labels.lesions)
    found = [record["look_alike"] for record in full.truth["look_alikes"]]
    assert found == [look.kind for look in LOOKS]
    assert "look_alikes" not in plain.truth


def test_a_schmorl_node_changes_no_height_of_the_truth(plain: Phantom, full: Phantom) -> None:
    def heights(phantom: Phantom) -> object:
        record = next(v for v in phantom.truth["measurements"]["vertebrae"] if v["level"] == "L3")
        return record["heights_mm"], record["height_loss_percent"]

    assert heights(full) == heights(plain)


def test_a_bridge_makes_one_bone_of_two_bodies(plain: Phantom, full: Phantom) -> None:
    def joined(phantom: Phantom) -> bool:
        upper, lower = (phantom.labels.array == level.verse_id for level in (Level.L2, Level.L3))
        body = phantom.labels.parts == 1
        return bool((ndimage.binary_dilation(upper & body) & lower & body).sum() > 3)

    assert joined(full) and not joined(plain)


def test_cement_and_metal_are_not_scored(plain: Phantom, full: Phantom) -> None:
    assert hu_at(full, Level.L2, (0.0, 4.0, 6.0)).mean() > 1500
    assert (full.volume.array == 3071).sum() > 100
    vertebrae = {v["level"]: v.get("not_scorable") for v in full.truth["measurements"]["vertebrae"]}
    assert vertebrae["L2"] == "cement" and vertebrae["L3"] == "implant"
    score = full.truth["sins"]["levels"][0]
    assert (score["level"], score["state"], score["reason"]) == ("L3", "not_scored", "implant in L3")
    assert full.truth["sins"]["patient"]["total"] is None
    assert plain.truth["sins"]["levels"][0]["state"] == "scored"


def test_metal_draws_streaks_over_the_soft_tissue_of_its_slices(plain: Phantom, full: Phantom) -> None:
    change = full.volume.array.astype(float) - plain.volume.array
    soft = ndimage.binary_erosion((plain.tissue == 1) & (plain.labels.array == 0), iterations=2)
    z = np.flatnonzero((full.volume.array == 3071).any(axis=(0, 1)))
    with_metal = np.zeros(soft.shape, bool)
    with_metal[:, :, z] = True
    assert change[soft & with_metal].std() > 15
    assert np.abs(change[:, :, : z[0] - 3][soft[:, :, : z[0] - 3]]).max(initial=0.0) < 5


def test_phases_put_the_agent_where_it_is() -> None:
    def plus(phase: str, place: str) -> float:
        torso = Torso(None, {}, 100.0, 1, phase)  # type: ignore[arg-type]
        return torso._plus(place)

    assert plus("arterial", "artery") > plus("venous", "artery") > plus("delayed", "artery") > 0
    assert plus("arterial", "vein") < plus("venous", "vein")
    assert plus("delayed", "urine") > plus("venous", "urine") == 0


def test_kernels_trade_noise_for_edges() -> None:
    base = replace(SCAN, noise_hu=20.0)
    soft, bone = with_kernel(base, "soft"), with_kernel(base, "bone")
    assert soft.noise_hu < base.noise_hu < bone.noise_hu
    assert soft.kernel_fwhm_mm > bone.kernel_fwhm_mm and bone.sharpness > soft.sharpness


def test_a_child_is_small() -> None:
    grown, small = (column(replace(PLAIN, patient=p)) for p in (PLAIN.patient, child(PLAIN.patient, 6.0)))
    for level in (Level.T6, Level.L3):
        size = small[level].shape.size.height / grown[level].shape.size.height
        assert size == pytest.approx(0.5 + 0.5 * 6 / 17, abs=0.01)


def test_random_patients_have_them_all_at_sensible_rates() -> None:
    specs = [random_spec(seed) for seed in range(400)]
    rate = {
        "unusual": np.mean([s.patient.anatomy != PatientSpec(1).anatomy for s in specs]),
        "curve": np.mean([s.patient.curve is not None for s in specs]),
        "screws": np.mean([bool(s.screws) for s in specs]),
        "cement": np.mean([bool(s.cement) for s in specs]),
        "spurs": np.mean([bool(s.spurs) for s in specs]),
    }
    assert 0.1 < rate["unusual"] < 0.2 and 0.07 < rate["curve"] < 0.18
    assert 0.01 < rate["screws"] < 0.09 and 0.01 < rate["cement"] < 0.09 and 0.15 < rate["spurs"] < 0.45
    assert {look.kind for s in specs for look in s.look_alikes} == {
        "haemangioma",
        "enostosis",
        "schmorl-node",
        "endplate-sclerosis",
        "basivertebral-vein",
    }
    for s in specs:
        present = set(levels_of(s.patient.anatomy))
        parts = (s.lesions, s.fractures, s.slips, s.look_alikes, s.spurs, s.cement)
        assert {item.level for part in parts for item in part} | set(s.screws) <= present
