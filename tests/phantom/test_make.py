"""The phantom is one patient whatever grid looks at it, and one seed is one scan."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spineimg.core.grid import Grid
from spineimg.core.labelmap import Part
from spineimg.core.levels import Level
from spineimg.core.volume import Modality
from spineimg.phantom import (
    LesionSpec,
    PatientSpec,
    Phantom,
    PhantomSpec,
    ScanSpec,
    make_phantom,
    random_spec,
)
from spineimg.phantom.pool import write_training_phantom

QUIET = ScanSpec(seed=3, spacing_mm=(1.6, 1.6, 1.6), width_mm=100, depth_mm=110, margin_mm=0, noise_hu=0.0)
SPEC = PhantomSpec(
    PatientSpec(seed=3),
    QUIET,
    top=Level.L2,
    bottom=Level.L3,
    lesions=(
        LesionSpec(Level.L2, "lytic", (6.0, 2.0, 0.0), (9.0, 9.0, 8.0), 0.0),
        LesionSpec(Level.L3, "blastic", (-6.0, -2.0, 0.0), (7.0, 7.0, 7.0), -1.0),
    ),
)


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    return make_phantom(SPEC)


def test_the_same_specification_gives_the_same_bytes(phantom: Phantom) -> None:
    again = make_phantom(SPEC)
    assert again.volume.array.tobytes() == phantom.volume.array.tobytes()
    assert again.labels.array.tobytes() == phantom.labels.array.tobytes()


def test_the_scan_seed_draws_only_the_noise(phantom: Phantom) -> None:
    other = make_phantom(replace(SPEC, scan=replace(QUIET, seed=4, noise_hu=20.0)))
    np.testing.assert_array_equal(other.labels.array, phantom.labels.array)
    difference = other.volume.array.astype(float) - phantom.volume.array
    assert difference.std() == pytest.approx(20.0, rel=0.05)


def test_permuting_and_flipping_axes_moves_nothing_in_the_patient(phantom: Phantom) -> None:
    grid = phantom.volume.grid
    shape = (grid.shape[2], grid.shape[0], grid.shape[1])
    # New index (a, b, c): old z, old x, and old y counted from its end.
    old_from_new = np.array([[0, 1, 0, 0], [0, 0, -1, grid.shape[1] - 1], [1, 0, 0, 0], [0, 0, 0, 1.0]])
    turned = make_phantom(replace(SPEC, grid=Grid(shape, grid.affine @ old_from_new)))
    back = turned.labels.array[:, :, ::-1].transpose(1, 2, 0)
    assert (back != phantom.labels.array).mean() < 1e-4
    image = turned.volume.array[:, :, ::-1].transpose(1, 2, 0).astype(float)
    bone = phantom.labels.array > 0
    assert np.abs(image - phantom.volume.array)[bone].mean() < 2.0


def test_an_oblique_grid_sees_the_same_bones(phantom: Phantom) -> None:
    grid = phantom.volume.grid
    a, b = np.radians([17.0, -11.0])
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_z = np.array([[np.cos(b), -np.sin(b), 0], [np.sin(b), np.cos(b), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = about_z @ about_x * 1.4
    middle = grid.to_lps_mm((np.array(grid.shape) - 1) / 2)
    affine[:3, 3] = middle - affine[:3, :3] @ np.array([20.0, 20.0, 15.0])
    oblique = make_phantom(replace(SPEC, grid=Grid((41, 41, 31), affine)))
    index = np.stack(np.meshgrid(*map(np.arange, oblique.volume.grid.shape), indexing="ij"), axis=-1)
    place = np.round(grid.to_index(oblique.volume.grid.to_lps_mm(index))).astype(int)
    inside = ((place >= 0) & (place < grid.shape)).all(axis=-1)
    expected = phantom.labels.array[tuple(np.moveaxis(place[inside], -1, 0))]
    found = oblique.labels.array[inside]
    overlap = 2 * ((found == expected) & (found > 0)).sum() / ((found > 0).sum() + (expected > 0).sum())
    # Nearest-voxel lookup at 1.6 mm alone costs some 8 % at the surface of thin bone.
    assert overlap > 0.9


def test_left_is_left_and_behind_is_behind(phantom: Phantom) -> None:
    grid, parts = phantom.volume.grid, phantom.labels.parts
    assert parts is not None
    places = {
        part: grid.to_lps_mm(np.argwhere(parts == part)).mean(axis=0) for part in np.unique(parts) if part
    }
    body, canal = places[Part.BODY], places[Part.CANAL]
    assert places[Part.PEDICLE_LEFT][0] > body[0] > places[Part.PEDICLE_RIGHT][0]
    assert places[Part.LAMINA][1] > canal[1] > body[1]
    assert (phantom.labels.array[parts == Part.CANAL] == 0).all()


def test_densities_are_those_asked_for(phantom: Phantom) -> None:
    image, labels = phantom.volume.array, phantom.labels
    assert labels.lesion_types is not None and labels.lesions is not None
    lytic, blastic = (image[labels.lesion_types == kind] for kind in (1, 2))
    assert np.median(lytic) < 90 < 350 < np.median(blastic)
    healthy = (labels.array == Level.L3.verse_id) & (labels.parts == Part.BODY) & (labels.lesions == 0)
    assert 140 < np.median(image[healthy]) < 230
    assert (phantom.tissue[labels.array > 0] == 1).all()


def test_thick_slices_average_thin_ones() -> None:
    thick = make_phantom(replace(SPEC, scan=replace(QUIET, spacing_mm=(1.6, 1.6, 4.8))))
    assert thick.volume.grid.spacing_mm[2] == pytest.approx(4.8)
    assert set(thick.labels.levels()) >= {Level.L2, Level.L3}


def test_mr_shows_fluid_dark_on_t1_and_bright_on_t2() -> None:
    signal = {}
    for contrast in ("T1", "T2"):
        scan = replace(
            QUIET, contrast=contrast, orientation="sagittal", spacing_mm=(1.6, 1.6, 4.0), width_mm=28.0
        )
        phantom = make_phantom(replace(SPEC, scan=scan, lesions=()))
        assert phantom.volume.modality is Modality.MR
        image, parts = phantom.volume.array, phantom.labels.parts
        signal[contrast] = np.median(image[parts == Part.CANAL]) / np.median(image[parts == Part.BODY])
    assert signal["T1"] < 0.7 < 1.3 < signal["T2"]


def test_random_specifications_vary_and_repeat() -> None:
    specs = [random_spec(seed) for seed in range(60)]
    assert specs == [random_spec(seed) for seed in range(60)]
    assert {lesion.kind for s in specs for lesion in s.lesions} == {"lytic", "blastic", "mixed"}
    assert len({s.top for s in specs}) > 10
    assert any(s.fractures for s in specs) and any(s.slips for s in specs)


def test_test_seeds_are_refused_for_training(tmp_path: object) -> None:
    with pytest.raises(ValueError, match="10000"):
        write_training_phantom(7, tmp_path)  # type: ignore[arg-type]
