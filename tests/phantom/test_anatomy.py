"""Unusual columns: more and fewer vertebrae, ribs, a sacralised L5, scoliosis; true by construction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from spineimg.core.grid import Points
from spineimg.core.labelmap import Part
from spineimg.core.levels import Level
from spineimg.phantom import (
    AnatomySpec,
    CurveSpec,
    LesionSpec,
    PatientSpec,
    Phantom,
    PhantomSpec,
    ScanSpec,
    make_phantom,
)

SCAN = ScanSpec(seed=4, spacing_mm=(2.0, 2.0, 2.0), width_mm=86.0, depth_mm=84.0, margin_mm=0.0)
RIB = 2


def draw(anatomy: AnatomySpec, top: Level, curve: CurveSpec | None = None, scan: ScanSpec = SCAN) -> Phantom:
    patient = PatientSpec(seed=4, anatomy=anatomy, curve=curve)
    return make_phantom(PhantomSpec(patient, scan, top, Level.SACRUM))


def bodies(phantom: Phantom) -> dict[Level, Points]:
    """Centre of each body, LPS mm, by its voxels."""
    parts, array = phantom.labels.parts, phantom.labels.array
    found = {}
    for level in phantom.labels.levels():
        where = np.argwhere((array == level.verse_id) & (parts == Part.BODY))
        if len(where) > 500:
            found[level] = phantom.volume.grid.to_lps_mm(where.mean(axis=0))
    return found


def has_rib(phantom: Phantom, level: Level) -> bool:
    """Rib within 16 mm beside the upper half of the body, on either side."""
    grid = phantom.volume.grid
    x, y, z = grid.to_lps_mm(np.argwhere(phantom.tissue == RIB).astype(float)).T
    centre = bodies(phantom)[level]
    beside = (np.abs(x - centre[0]) < 38) & (np.abs(y - centre[1]) < 25) & (np.abs(z - centre[2]) < 10)
    return bool(beside.sum() > 20)


@pytest.mark.parametrize(
    ("anatomy", "expected", "ribs"),
    [
        (AnatomySpec(), "T11 T12 L1 L2 L3 L4 L5", "T11 T12"),
        (AnatomySpec(thoracic=13), "T11 T12 T13 L1 L2 L3 L4 L5", "T11 T12 T13"),
        (AnatomySpec(thoracic=11, lumbar=6), "T11 L1 L2 L3 L4 L5 L6", "T11"),
        (AnatomySpec(lumbar=4, rib_pairs=11), "T11 T12 L1 L2 L3 L4", "T11"),
    ],
)
def test_counts_and_ribs_are_those_asked_for(anatomy: AnatomySpec, expected: str, ribs: str) -> None:
    phantom = draw(anatomy, Level.T11)
    found = {level: centre for level, centre in bodies(phantom).items() if level.is_vertebra}
    order = sorted((level for level in found if level >= Level.T11), key=lambda level: -found[level][2])
    assert " ".join(level.value for level in order) == expected
    gaps = -np.diff([found[level][2] for level in order])
    assert (gaps > 22).all() and (gaps < 45).all()
    assert " ".join(level.value for level in order if has_rib(phantom, level)) == ribs
    assert ("anatomy" in phantom.truth) == (anatomy != AnatomySpec())
    if anatomy != AnatomySpec():
        assert " ".join(phantom.truth["anatomy"]["transitional"]["levels"][17:-1]) == expected


def test_the_truth_gives_a_ribless_level_no_rib_joint() -> None:
    scan = replace(SCAN, spacing_mm=(5.0, 5.0, 5.0))
    lesion = LesionSpec(Level.T12, "lytic", (0.0, 0.0, 0.0), (8.0, 8.0, 8.0), -1.0)
    for pairs in (11, 12):
        patient = PatientSpec(seed=4, anatomy=AnatomySpec(rib_pairs=pairs))
        truth = make_phantom(PhantomSpec(patient, scan, Level.T12, Level.T12, lesions=(lesion,))).truth
        share = truth["measurements"]["lesions"][0]["structures_percent"]["costovertebral_left"]
        assert (share is None) == (pairs == 11)


@pytest.mark.parametrize("side", ["none", "left", "both"])
def test_a_sacralised_l5_is_one_bone_with_the_sacrum_on_its_side(side: str) -> None:
    scan = replace(SCAN, spacing_mm=(1.2, 1.2, 1.2), width_mm=110.0)
    phantom = draw(AnatomySpec(sacralised=side), Level.L5, scan=scan)  # type: ignore[arg-type]
    array, grid = phantom.labels.array, phantom.volume.grid
    sacrum = ndimage.binary_dilation(array == Level.SACRUM.verse_id)
    touching = np.argwhere(sacrum & (array == Level.L5.verse_id)).astype(float)
    x = grid.to_lps_mm(touching)[:, 0] - bodies(phantom)[Level.L5][0]
    joined = {name for name, sign in (("left", 1), ("right", -1)) if (x * sign > 20).sum() > 20}
    assert joined == {"none": set(), "left": {"left"}, "both": {"left", "right"}}[side]


@pytest.mark.parametrize("cobb", [35.0, -20.0])
def test_a_scoliosis_has_its_cobb_angle_and_side(cobb: float) -> None:
    curve = CurveSpec(Level.T12, Level.L4, cobb)
    phantom = draw(AnatomySpec(), Level.T12, curve)
    truth = phantom.truth
    found = truth["anatomy"]["curves"][0]["cobb_deg"]["value"]
    assert found == pytest.approx(cobb, abs=2.5)
    # The same angle from the truth's endplate-to-endplate steps, in the frames of the vertebrae.
    steps = {s["upper"]: s["scoliosis_deg"]["value"] for s in truth["measurements"]["segments"]}
    assert sum(steps[level] for level in ("T12", "L1", "L2", "L3")) == pytest.approx(cobb, abs=4.0)
    # And by the masks: the apex bulges to the convex side, with its front turned there.
    centres = bodies(phantom)
    line = (centres[Level.T12][0] + centres[Level.L4][0]) / 2
    assert np.sign(centres[Level.L2][0] - line) == np.sign(cobb)
    lamina = (phantom.labels.array == Level.L2.verse_id) & (phantom.labels.parts == Part.LAMINA)
    behind = phantom.volume.grid.to_lps_mm(np.argwhere(lamina).mean(axis=0))
    assert np.sign(centres[Level.L2][0] - behind[0]) == np.sign(cobb)
    # No level slips on the next one for it.
    aside = [s["translation_lateral_mm"]["value"] for s in truth["measurements"]["segments"]]
    assert np.abs(aside).max() < 3.0
