"""A drawn patient as files, and the command line run in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from spineimg.core.grid import Grid
from spineimg.core.levels import Level
from spineimg.core.volume import Modality, Volume
from spineimg.phantom import LesionSpec, PatientSpec, Phantom, PhantomSpec, ScanSpec, make_phantom
from spineimg.storage.nifti import write_mask, write_volume

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session", autouse=True)
def own_config(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The key for pseudonyms lies in a folder of the tests, not in the user's."""
    import os

    os.environ["SPINEIMG_CONFIG"] = str(tmp_path_factory.mktemp("config"))


@pytest.fixture
def spineimg(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line; exit code, stdout, stderr."""
    from spineimg.cli.main import run

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["spineimg", *map(str, words)])
        try:
            run()
        except SystemExit as stop:
            status = stop.code if isinstance(stop.code, int) else 0
        else:
            status = 0
        out, err = capsys.readouterr()
        return status, out, err

    return call


@pytest.fixture(scope="session")
def phantom() -> Phantom:
    """T11 to L3 with a lytic lesion in L1."""
    lesion = LesionSpec(Level.L1, "lytic", (5.0, 0.0, 0.0), (11.0, 10.0, 9.0))
    scan = ScanSpec(seed=71, spacing_mm=(1.2, 1.2, 2.0), width_mm=150.0, depth_mm=150.0)
    return make_phantom(PhantomSpec(PatientSpec(seed=71), scan, Level.T11, Level.L3, lesions=(lesion,)))


@pytest.fixture(scope="session")
def phantom_files(phantom: Phantom, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Image, labels and lesions of the phantom as NIfTI."""
    folder = tmp_path_factory.mktemp("phantom")
    files = {name: folder / f"{name}.nii.gz" for name in ("image", "labels", "lesions")}
    write_volume(phantom.volume, files["image"])
    write_mask(phantom.labels.array, phantom.labels.grid, files["labels"])
    assert phantom.labels.lesions is not None
    write_mask(phantom.labels.lesions, phantom.labels.grid, files["lesions"])
    return files


@pytest.fixture(scope="session")
def phantom_case(phantom_files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The phantom analysed with its own masks: everything behind the network."""
    from spineimg.core.settings import Settings
    from spineimg.pipeline.analyse import analyse
    from spineimg.pipeline.request import Request

    out = tmp_path_factory.mktemp("cases") / "case"
    request = Request(
        path=phantom_files["image"],
        modality=Modality.CT,
        labels=phantom_files["labels"],
        lesions=phantom_files["lesions"],
        pain=("L1=mechanical",),
        patient_key="phantom71",
        study_date="2025-03-04",
    )
    analyse(request, out, Settings())
    return out


@pytest.fixture(scope="session")
def ball_ct(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CT of a ball of water: no spine in it."""
    grid = Grid((64, 64, 48), np.diag([2.0, 2.0, 2.5, 1.0]))
    place = np.moveaxis(np.indices(grid.shape), 0, -1) - np.array(grid.shape) / 2
    array = np.where((place**2).sum(axis=-1) < 22**2, 0, -1000).astype(np.int16)
    path = tmp_path_factory.mktemp("ball") / "ball.nii.gz"
    write_volume(Volume(array, grid, Modality.CT), path)
    return path
