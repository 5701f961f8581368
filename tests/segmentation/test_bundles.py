"""Model folders: found, verified, installed, exported; damaged ones are refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from spineimg.core.errors import ModelError, UsageError
from spineimg.core.grid import Grid
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.core.volume import Modality, Volume
from spineimg.segmentation import bundles
from spineimg.segmentation.engine import load_engine
from spineimg.segmentation.locate import locate
from spineimg.segmentation.networks import FoldedUNet
from spineimg.segmentation.refine import refine
from spineimg.storage.nifti import write_volume

SMALL = {"widths": [8, 8, 8, 8], "blocks": [1, 1, 1, 1], "head_width": 8}
MODELS = Path(__file__).parents[2] / "models"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model folder with a bundle of tiny networks without training."""
    monkeypatch.setenv("SPINEIMG_MODELS", str(tmp_path))
    bundle = tmp_path / "spine_ct"
    (bundle / "configs").mkdir(parents=True)
    (bundle / "models").mkdir()
    meta = {"version": "0.0.1", "modality": "CT", "weights_licence": "CC0-1.0"}
    (bundle / "configs" / "metadata.json").write_text(json.dumps(meta))
    for name, sizes in {"locate": (2, 8, 8), "refine": (3, 7, 0)}.items():
        torch.manual_seed(1)
        kwargs = {**SMALL, "channels_in": sizes[0], "classes": sizes[1], "fields": sizes[2]}
        state = {k: v.half() for k, v in FoldedUNet(**kwargs).state_dict().items()}
        blob = {"state_dict": state, "config": {"arch": "FoldedUNet", "kwargs": kwargs}}
        torch.save(blob, bundle / "models" / f"{name}.pt")
    (tmp_path / "naming").mkdir()
    text = (MODELS / "naming" / "parameters.json").read_text()
    (tmp_path / "naming" / "parameters.json").write_text(text)
    bundles.write_sums(bundle)
    return bundle


def test_an_engine_is_loaded_from_the_folder_that_the_environment_names(folder: Path) -> None:
    engine = load_engine(None, Modality.CT)
    assert (engine.name, engine.version) == ("spine_ct", "0.0.1")


def test_untrained_networks_run_on_small_scans(folder: Path) -> None:
    engine = load_engine("spine_ct", Modality.CT)
    rng = np.random.default_rng(0)
    hu = rng.integers(-200, 800, (40, 36, 12)).astype(np.int16)
    volume = Volume(hu, Grid(hu.shape, np.diag([1.0, 1.0, 5.0, 1.0])), Modality.CT)
    settings = SegmentationSettings(threads=1)
    regions = locate(volume, engine.locate_net, settings)  # type: ignore[attr-defined]
    assert regions.probability.shape == (8, *regions.grid.shape)
    np.testing.assert_allclose(regions.probability.sum(0), 1.0, atol=1e-4)
    patch = refine(volume, [np.array([18.0, 16.0, 30.0])], engine.refine_net, settings)[0]  # type: ignore[attr-defined]
    assert patch.probability.shape == (5, 64, 64, 48)
    assert 0.0 <= float(patch.lytic.min()) <= float(patch.lytic.max()) <= 1.0


def test_models_are_listed_with_their_licence(folder: Path) -> None:
    (bundle,) = bundles.list_models()
    assert (bundle.name, bundle.modality, bundle.licence) == ("spine_ct", "CT", "CC0-1.0")
    assert bundle.size_mb > 0


def test_a_changed_file_is_noticed(folder: Path) -> None:
    bundles.verify(folder)
    before = bundles.weights_sha256(folder)
    weights = folder / "models" / "locate.pt"
    weights.write_bytes(weights.read_bytes() + b"more")
    with pytest.raises(ModelError, match=r"model-damaged.*locate\.pt differs"):
        load_engine(None, Modality.CT)
    weights.unlink()
    with pytest.raises(ModelError, match=r"locate\.pt is missing"):
        bundles.verify(folder)
    assert bundles.weights_sha256(folder) == before


@pytest.mark.parametrize(
    ("name", "text"), [("configs/metadata.json", "[]"), ("configs/metadata.json", "{"), ("SHA256SUMS", "")]
)
def test_a_bundle_that_is_not_whole_is_refused(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    with pytest.raises(ModelError, match="model-damaged"):
        load_engine(None, Modality.CT)


def test_weights_that_are_no_weights_are_refused(folder: Path) -> None:
    (folder / "models" / "refine.pt").write_text("nonsense")
    bundles.write_sums(folder)
    with pytest.raises(ModelError, match="model-damaged"):
        load_engine(None, Modality.CT)


def test_an_unknown_model_names_the_folders_searched(folder: Path) -> None:
    with pytest.raises(ModelError, match="model-not-found") as missing:
        load_engine("nothing", Modality.CT)
    assert str(folder.parent) in missing.value.message
    assert "SPINEIMG_MODELS" in missing.value.remedy


def test_export_writes_a_whole_copy_once(folder: Path, tmp_path: Path) -> None:
    target = bundles.export(folder, tmp_path / "out")
    bundles.verify(target)
    with pytest.raises(UsageError, match="model-exists"):
        bundles.export(folder, tmp_path / "out")


def test_install_puts_it_into_the_users_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert bundles.install(folder) == tmp_path / "data" / "spineimg" / "models" / "spine_ct"


def test_a_clone_finds_its_models_without_any_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SPINEIMG_MODELS", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert bundles.find_model("naming") == MODELS / "naming"


def test_the_monai_command_labels_a_file(folder: Path, tmp_path: Path) -> None:
    """What ``python -m monai.bundle run`` does with the shipped inference.json, on tiny networks."""
    config_parser = pytest.importorskip("monai.bundle").ConfigParser
    config = config_parser()
    config.read_config(MODELS / "spine_ct" / "configs" / "inference.json")
    image, output = tmp_path / "scan.nii.gz", tmp_path / "labels.nii.gz"
    config["bundle_root"], config["input"], config["output"] = str(folder), str(image), str(output)
    grid = Grid((32, 32, 16), np.diag([2.0, 2.0, 4.0, 1.0]))
    write_volume(Volume(np.full(grid.shape, -1000, np.int16), grid, Modality.CT), image)
    # Air holds no spine: the command reaches the engine, and the engine says so.
    with pytest.raises(Exception, match="Failed to evaluate") as failed:
        config.parse()
        config.get_parsed_content("run")
    assert "no-spine-found" in str(failed.value.__cause__)
