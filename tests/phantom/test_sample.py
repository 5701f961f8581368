"""The sample in the repository: complete, small, true to its script and to its own truth."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pydicom
import pytest

from spineimg.core.errors import InputRefused
from spineimg.core.levels import Level
from spineimg.core.settings import Settings
from spineimg.dicom import load
from spineimg.phantom.pool import FIRST_TRAINING_SEED
from spineimg.storage.nifti import read_mask

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "sample_dicom"
LIMIT_BYTES = 25_000_000


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_sample_dicom", ROOT / "scripts/make_sample_dicom.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((SAMPLE / "case01/truth.json").read_text(encoding="utf-8"))
    return content


def level(records: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(record for record in records if record["level"] == name)


def test_it_stays_small_and_says_that_it_is_synthetic() -> None:
    files = [p for p in SAMPLE.rglob("*") if p.is_file()]
    assert sum(p.stat().st_size for p in files) < LIMIT_BYTES
    for folder in {p.parent for p in files if p.suffix == ".dcm"}:
        header = pydicom.dcmread(next(iter(sorted(folder.glob("*.dcm")))), stop_before_pixels=True)
        assert header.SyntheticData == "YES"
        assert "SPINEIMG-PHANTOM" in header.PatientID


def test_the_script_makes_the_traps_again(script: ModuleType, tmp_path: Path) -> None:
    script.write_case03(tmp_path / "case03")
    for path in sorted((SAMPLE / "case03").rglob("*.dcm")):
        again = tmp_path / path.relative_to(SAMPLE)
        kept, made = pydicom.dcmread(path), pydicom.dcmread(again)
        assert kept.SOPInstanceUID == made.SOPInstanceUID
        # Byte for byte on one kind of processor; on another single values may round the other way.
        difference = kept.pixel_array.astype(int) - made.pixel_array
        assert np.abs(difference).max() <= 1 and (difference != 0).mean() < 1e-3


@pytest.mark.parametrize("name", ["baseline", "followup"])
def test_labels_lie_on_the_series_and_name_the_levels(name: str, truth: dict[str, Any]) -> None:
    volume = load(SAMPLE / "case01" / name, Settings().reading)
    labels, grid = read_mask(SAMPLE / f"case01/truth_{name}_labels.nii.gz")
    assert grid.same_place(volume.grid)
    assert volume.origin.study_date == truth[name]["study_date"]
    vertebrae = truth[name]["measurements"]["vertebrae"]
    whole = {v["level"] for v in vertebrae if v["complete"]}
    assert whole == {"T9", "T10", "T11", "T12", *(f"L{n}" for n in range(1, 6))}
    for record in vertebrae:
        index = np.round(volume.grid.to_index(np.array(record["centre_lps_mm"]))).astype(int)
        assert labels[tuple(index)] == Level(record["level"]).verse_id


def test_the_patient_is_one_and_lies_differently(truth: dict[str, Any]) -> None:
    headers = [
        pydicom.dcmread(SAMPLE / f"case01/{name}/IM0001.dcm", stop_before_pixels=True)
        for name in ("baseline", "followup")
    ]
    assert headers[0].PatientID == headers[1].PatientID
    assert [h.StudyDate for h in headers] == ["20250304", "20250910"]
    centres = [
        np.array(level(truth[name]["measurements"]["vertebrae"], "L3")["centre_lps_mm"])
        for name in ("baseline", "followup")
    ]
    assert np.linalg.norm(centres[0] - centres[1]) > 5


def test_the_story_of_case01(truth: dict[str, Any]) -> None:
    before, after = (truth[name]["measurements"]["vertebrae"] for name in ("baseline", "followup"))
    losses = {
        name: [level(records, name)["height_loss_percent"]["value"] for records in (before, after)]
        for name in ("T10", "L1", "L3")
    }
    assert losses["L1"][0] == 0 and losses["L1"][1] > 30
    assert losses["L3"][0] == losses["L3"][1] == pytest.approx(30, abs=0.1)
    assert losses["T10"] == [0, 0]
    scores = {
        name: {s["level"]: s["total"] for s in truth[name]["sins"]["levels"]}
        for name in ("baseline", "followup")
    }
    assert 7 <= scores["baseline"]["L1"]["low"] == scores["baseline"]["L1"]["high"] <= 12
    assert scores["followup"]["L1"]["low"] >= 13
    assert scores["baseline"]["T10"] == scores["followup"]["T10"]


def test_the_traps_are_refused_and_the_mr_loads() -> None:
    for trap, code in (("localizer", "localizer-only"), ("gap", "missing-slices")):
        with pytest.raises(InputRefused) as refusal:
            load(SAMPLE / "case03" / trap, Settings().reading)
        assert refusal.value.code == code
    volume = load(SAMPLE / "case02", Settings().reading)
    assert volume.modality.value == "MR"


def test_no_network_has_seen_the_sample(script: ModuleType) -> None:
    for spec in script.case01_specs():
        assert spec.patient.seed < 1000 < FIRST_TRAINING_SEED
