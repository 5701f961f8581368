"""Every folder of the real and faulty corpus, against the verdict that its index gives.

The expected positions and values were computed by other code (pydicom's pixels, positions from the headers)
and compared with SimpleITK; see INDEX.md beside the corpus.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spineimg import dicom
from spineimg.core.errors import SpineimgError
from spineimg.core.settings.reading import ReadingSettings
from spineimg.core.volume import Volume

SETTINGS = ReadingSettings()
POSITION_MM = 0.01
READ_HERE = ("CT", "MR")
STATED_BESIDE = {"coarse-slices", "study-date-unreliable", "files-skipped"}
"""Caveats that are true of some folders beside the fault that the folder was made for."""


@pytest.mark.parametrize("kind", ["good", "faulty"])
def test_every_folder_gets_its_verdict(shared: Path, kind: str) -> None:
    entries = [e for e in _index(shared) if e["kind"] == kind]
    assert len(entries) == {"good": 18, "faulty": 137}[kind]
    faults = {e["path"]: fault for e in entries if (fault := _fault(shared, e))}
    assert faults == {}


def test_segmentations_and_reports_are_no_image_series(shared: Path) -> None:
    entries = [e for e in _index(shared) if e["kind"] == "seg"]
    codes = {e["path"]: _read(shared, e)[1] for e in entries}
    assert len(codes) == 13
    assert set(codes.values()) == {"not-an-image"}


def test_every_image_series_is_listed(shared: Path) -> None:
    wrong = {}
    for entry in _index(shared):
        try:
            series = dicom.scan(_folder(shared, entry), SETTINGS).series
        except SpineimgError:
            series = ()
        found = len({(s.study_uid, s.series_uid) for s in series})
        if found != entry["expect"]["series_found"]:
            wrong[entry["path"]] = found
        assert all(s.reason and (s.fit or s.code) for s in series)
    assert wrong == {}


def _index(shared: Path) -> list[dict[str, Any]]:
    return json.loads((shared / "data/dicom/index.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def _folder(shared: Path, entry: dict[str, Any]) -> Path:
    return shared / "data/dicom" / entry["path"]


def _read(shared: Path, entry: dict[str, Any]) -> tuple[tuple[Volume, ...], str | None]:
    try:
        return dicom.load_all(_folder(shared, entry), SETTINGS), None
    except SpineimgError as refusal:
        assert refusal.remedy
        return (), refusal.code


def _fault(shared: Path, entry: dict[str, Any]) -> str:
    """What is wrong with the reading of one folder; empty where nothing is."""
    accepted = [(entry["verdict"], entry["code"])]
    accepted += [(a["verdict"], a["code"]) for a in entry.get("also_accepted", [])]
    volumes, refused = _read(shared, entry)
    if refused is not None:
        return "" if ("refuse", refused) in accepted else f"refused {refused}"
    named = {r.code for v in volumes for r in v.origin.repairs}
    repairs = {code for verdict, code in accepted if verdict == "repair"}
    if not (("load", None) in accepted or named & repairs):
        return f"loads, saying {sorted(named)}"
    if named - repairs - STATED_BESIDE:
        return f"says {sorted(named)}"
    for expected in entry["expect"].get("volumes", []):
        mine = [v for v in volumes if v.origin.series_uid == expected["series_uid"]]
        if expected["modality"] in READ_HERE and (fault := _misread(expected, mine, entry["code"])):
            return fault
    return ""


def _misread(expected: dict[str, Any], mine: list[Volume], code: str | None) -> str:
    if not mine:
        return f"series {expected['series_uid']} is absent"
    split_otherwise = any(
        r.code == "acquisitions-split" for v in mine for r in v.origin.repairs
    ) and code not in (None, "acquisitions-split")
    if not split_otherwise and not any(_same_place(v, expected) for v in mine):
        return f"no volume at {expected['first_position_lps']}"
    if expected.get("values") == "uncalibrated":
        return "" if not any(v.origin.calibrated for v in mine) else "claims HU"
    for point in expected.get("points", []):
        values = [_value(v, point["lps_mm"]) for v in mine]
        if not any(x is not None and abs(x - point["value"]) <= point["tolerance"] for x in values):
            return f"{point['name']} is {values}, not {point['value']}"
    padding = expected.get("padding")
    if padding and not all((_value(v, padding["lps_mm"]) or -1024.0) <= padding["hu_max"] for v in mine):
        return "padding reads as data"
    return ""


def _same_place(volume: Volume, expected: dict[str, Any]) -> bool:
    ends = volume.grid.to_lps_mm(np.array([[0, 0, 0], [0, 0, volume.grid.shape[2] - 1]]))
    wanted = [expected["first_position_lps"], expected["last_position_lps"]]
    same_shape = list(volume.grid.shape) == expected["shape"]
    return same_shape and bool(np.abs(ends - wanted).max() <= POSITION_MM)


def _value(volume: Volume, lps_mm: list[float]) -> float | None:
    index = np.rint(volume.grid.to_index(np.array(lps_mm))).astype(int)
    if (index < 0).any() or (index >= volume.grid.shape).any():
        return None
    return float(volume.array[tuple(index)])
