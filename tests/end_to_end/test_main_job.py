"""The whole chain on a drawn patient, with a reader's masks: every file of the contract, every verb."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

import spineimg.storage

Run = Callable[..., tuple[int, str, str]]
SCHEMAS = Path(spineimg.storage.__file__).parent / "schemas"
RECORDS = {"case.json": "case", "measurements.json": "measurements", "sins.json": "sins"}


def validate(file: Path, kind: str) -> dict[str, object]:
    """Check a file against the published schema."""
    content: dict[str, object] = json.loads(file.read_text())
    jsonschema.validate(content, json.loads((SCHEMAS / f"{kind}.schema.json").read_text()))
    return content


def test_every_file_of_the_contract_is_there_and_valid(phantom_case: Path) -> None:
    for name, kind in RECORDS.items():
        validate(phantom_case / name, kind)
    for name in ("labels.nii.gz", "parts.nii.gz", "lesions.nii.gz", "report.html"):
        assert (phantom_case / name).stat().st_size > 0
    assert list((phantom_case / "pictures").glob("L1_*.png"))
    assert not [p for p in phantom_case.parent.iterdir() if p != phantom_case], "scratch left beside the case"


def test_the_lesion_is_scored_with_its_evidence(phantom_case: Path) -> None:
    sins = validate(phantom_case / "sins.json", "sins")
    levels = {level["level"]: level for level in sins["levels"]}  # type: ignore[attr-defined,union-attr]
    assert levels["L1"]["state"] == "scored"
    components = levels["L1"]["components"]
    assert components["location"]["possible"] == [3]
    assert components["pain"]["possible"] == [3]
    assert components["bone_lesion"]["possible"] == [2]
    for name, component in components.items():
        assert component["evidence"], f"{name} gives no evidence"


def test_the_report_needs_nothing_from_outside(phantom_case: Path) -> None:
    html = (phantom_case / "report.html").read_text()
    assert "L1" in html
    assert "research use only" in html.lower()
    assert 'src="http' not in html
    assert "data:image/png;base64," in html


def test_new_pain_makes_a_revision_in_seconds(spineimg: Run, phantom_case: Path, tmp_path: Path) -> None:
    import shutil

    case = tmp_path / "case"
    shutil.copytree(phantom_case, case)
    start = time.perf_counter()
    status, out, err = spineimg(
        "rescore", case, "--pain", "L1=none", "--reader", "Reader A", "--why", "no pain at visit"
    )
    assert status == 0, err
    assert time.perf_counter() - start < 30
    record = validate(case / "case.json", "case")
    assert record["revision"] == 1
    sins = validate(case / "sins.json", "sins")
    level = next(x for x in sins["levels"] if x["level"] == "L1")  # type: ignore[attr-defined]
    assert level["components"]["pain"]["possible"] == [0]
    note = json.loads((case / "revisions/0000/revision.json").read_text())
    assert (note["by"], note["why"]) == ("Reader A", "no pain at visit")
    old = json.loads((case / "revisions/0000/sins.json").read_text())
    assert next(x for x in old["levels"] if x["level"] == "L1")["components"]["pain"]["possible"] == [3]


def test_edited_lesions_are_measured_again(
    spineimg: Run, phantom_case: Path, phantom_files: dict[str, Path], tmp_path: Path
) -> None:
    import shutil

    from spineimg.storage.nifti import read_mask, write_mask

    case = tmp_path / "case"
    shutil.copytree(phantom_case, case)
    lesions, grid = read_mask(phantom_files["lesions"])
    write_mask(lesions * 0, grid, tmp_path / "none.nii.gz")
    status, _, err = spineimg(
        "rescore", case, "--lesions", tmp_path / "none.nii.gz", "--reader", "A", "--why", "artefact"
    )
    assert status == 0, err
    assert validate(case / "sins.json", "sins")["levels"] == []


def test_rescoring_the_same_gives_the_same_scores(spineimg: Run, phantom_case: Path, tmp_path: Path) -> None:
    import shutil

    case = tmp_path / "case"
    shutil.copytree(phantom_case, case)
    before = (case / "sins.json").read_text()
    status, _, err = spineimg("rescore", case, "--pain", "L1=mechanical")
    assert status == 0, err
    after = json.loads((case / "sins.json").read_text())
    assert after["levels"] == json.loads(before)["levels"]


def test_explain_says_why(spineimg: Run, phantom_case: Path) -> None:
    status, out, err = spineimg("explain", phantom_case, "l1")
    assert status == 0, err
    for word in ("L1", "location", "collapse", "Fisher"):
        assert word in out
    status, _, err = spineimg("explain", phantom_case, "T12")
    assert status == 2
    assert "level-not-scored" in err


def test_two_visits_give_a_track(
    spineimg: Run, phantom_case: Path, phantom_files: dict[str, Path], tmp_path: Path
) -> None:
    later = tmp_path / "later"
    arguments = (
        "--modality",
        "CT",
        "--labels",
        phantom_files["labels"],
        "--lesions",
        phantom_files["lesions"],
    )
    status, _, err = spineimg(
        "analyse",
        phantom_files["image"],
        *arguments,
        "--out",
        later,
        "--patient-key",
        "phantom71",
        "--date",
        "2025-09-10",
    )
    assert status == 0, err
    status, out, err = spineimg("track", later, phantom_case, "--out", tmp_path / "track")
    assert status == 0, err
    assert "cases-sorted" in out
    track = validate(tmp_path / "track" / "track.json", "track")
    verdicts = {
        interval["new_fracture"]
        for level in track["levels"]
        for interval in level["intervals"]  # type: ignore[attr-defined]
    }
    assert "yes" not in verdicts, "the same scan twice shows no fracture"
    assert "no" in verdicts
    status, _, err = spineimg("report", tmp_path / "track", "--out", tmp_path / "track.pdf")
    assert status == 0, err
    assert (tmp_path / "track.pdf").read_bytes().startswith(b"%PDF")
    rows = list(csv.DictReader((tmp_path / "track" / "track.csv").read_text().splitlines()))
    assert {row["level"] for row in rows} >= {"T12", "L1", "L2"}


def test_another_patient_is_refused(
    spineimg: Run, phantom_case: Path, phantom_files: dict[str, Path], tmp_path: Path
) -> None:
    other = tmp_path / "other"
    status, _, err = spineimg(
        "analyse", phantom_files["image"], "--modality", "CT", "--labels", phantom_files["labels"],
        "--out", other, "--patient-key", "somebody", "--date", "2025-09-10",
    )  # fmt: skip
    assert status == 0, err
    status, _, err = spineimg("track", phantom_case, other, "--out", tmp_path / "track")
    assert status == 3
    assert "patients-differ" in err
    assert not (tmp_path / "track").exists()


@pytest.mark.parametrize("name", ["case.html", "case.pdf"])
def test_the_report_can_be_written_again(
    spineimg: Run, phantom_case: Path, tmp_path: Path, name: str
) -> None:
    status, out, err = spineimg("report", phantom_case, "--out", tmp_path / name)
    assert status == 0, err
    assert (tmp_path / name).stat().st_size > 10_000
