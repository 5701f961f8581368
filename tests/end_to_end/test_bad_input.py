"""Bad input gets one clear line, its exit code, and leaves nothing half-written."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]


def refused(result: tuple[int, str, str], exit_code: int, code: str, *words: str) -> None:
    """One line on stderr with the code and the words; the right exit code."""
    status, _, err = result
    lines = [line for line in err.strip().splitlines() if not line.endswith("...")]
    assert status == exit_code, err
    assert len(lines) == 1, err
    assert lines[0].startswith(f"error[{code}]: "), err
    assert "; " in lines[0], "a remedy is missing"
    for word in words:
        assert word in lines[0], err


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out" / "case"


def nothing_left(out: Path) -> None:
    assert not out.parent.exists() or not any(out.parent.iterdir())


def test_a_folder_that_is_not_there(spineimg: Run, tmp_path: Path, out: Path) -> None:
    refused(spineimg("analyse", tmp_path / "nowhere", "--out", out), 2, "no-such-path", "nowhere")
    nothing_left(out)


def test_an_empty_folder(spineimg: Run, tmp_path: Path, out: Path) -> None:
    (tmp_path / "empty").mkdir()
    refused(spineimg("analyse", tmp_path / "empty", "--out", out), 3, "no-dicom-files", "empty")
    nothing_left(out)


def test_a_folder_of_pdfs(spineimg: Run, tmp_path: Path, out: Path) -> None:
    folder = tmp_path / "letters"
    folder.mkdir()
    for name in ("a.pdf", "b.pdf"):
        (folder / name).write_bytes(b"%PDF-1.4\n%%EOF\n")
    refused(spineimg("analyse", folder, "--out", out), 3, "no-dicom-files", "letters")
    nothing_left(out)


@pytest.mark.parametrize(
    ("folder", "code"),
    [
        ("faulty/truncated_pixel_data_one", "truncated-pixels"),
        ("faulty/missing_slice_middle", "missing-slices"),
        ("faulty/mixed_patients_folder", "mixed-patients"),
        ("faulty/pet_only", "modality-not-supported"),
        ("faulty/scout_only", "localizer-only"),
    ],
)
def test_dicom_that_cannot_be_measured(
    spineimg: Run, shared: Path, out: Path, folder: str, code: str
) -> None:
    refused(spineimg("analyse", shared / "data/dicom" / folder, "--out", out), 3, code)
    nothing_left(out)


def test_a_head_mr_without_model(
    spineimg: Run, shared: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPINEIMG_MODELS", str(tmp_path))
    result = spineimg("analyse", shared / "data/dicom/good/mr_head_sag_hfp", "--out", out)
    refused(result, 4, "no-model-for-modality", "MR", "--labels")
    nothing_left(out)


def test_a_ct_without_spine(spineimg: Run, tmp_path: Path, ball_ct: Path, out: Path) -> None:
    refused(spineimg("analyse", ball_ct, "--modality", "CT", "--out", out), 3, "no-spine-found")
    nothing_left(out)


def test_an_unknown_modality(spineimg: Run, ball_ct: Path, out: Path) -> None:
    refused(
        spineimg("analyse", ball_ct, "--modality", "ultrasound", "--out", out),
        2,
        "modality-unknown",
        "ultrasound",
    )
    refused(spineimg("analyse", ball_ct, "--out", out), 2, "modality-needed", "--modality")
    nothing_left(out)


def test_a_mask_of_another_grid(
    spineimg: Run, phantom_files: dict[str, Path], ball_ct: Path, out: Path
) -> None:
    result = spineimg(
        "analyse", ball_ct, "--modality", "CT", "--labels", phantom_files["labels"], "--out", out
    )
    refused(result, 3, "mask-grid-differs", "labels.nii.gz")
    nothing_left(out)


def analyse_with_labels(
    spineimg: Run, files: dict[str, Path], out: Path, *more: object
) -> tuple[int, str, str]:
    return spineimg(
        "analyse", files["image"], "--modality", "CT", "--labels", files["labels"], "--out", out, *more
    )


def test_pain_for_a_level_that_is_not_there(spineimg: Run, phantom_files: dict[str, Path], out: Path) -> None:
    result = analyse_with_labels(spineimg, phantom_files, out, "--pain", "C2=mechanical")
    refused(result, 2, "pain-level-not-imaged", "C2")
    nothing_left(out)


@pytest.mark.parametrize(
    ("word", "code"),
    [("L1=severe", "pain-value-unknown"), ("L9=none", "level-unknown"), ("L1", "pain-syntax")],
)
def test_pain_that_means_nothing(
    spineimg: Run, phantom_files: dict[str, Path], out: Path, word: str, code: str
) -> None:
    refused(analyse_with_labels(spineimg, phantom_files, out, "--pain", word), 2, code)
    nothing_left(out)


def test_an_out_folder_that_exists(spineimg: Run, phantom_files: dict[str, Path], out: Path) -> None:
    out.mkdir(parents=True)
    refused(analyse_with_labels(spineimg, phantom_files, out), 2, "out-exists", str(out))
    assert not any(out.iterdir())


def test_an_unknown_series(spineimg: Run, shared: Path, out: Path) -> None:
    folder = shared / "data/dicom/good/ct_liver_3slice_dcmqi"
    refused(spineimg("analyse", folder, "--series", "1.2.3", "--out", out), 2, "no-such-series", "1.2.3")


def test_a_case_that_was_changed_by_hand(spineimg: Run, phantom_case: Path, tmp_path: Path) -> None:
    case = tmp_path / "case"
    shutil.copytree(phantom_case, case)
    (case / "sins.json").write_text("{}")
    refused(spineimg("explain", case, "L1"), 3, "case-damaged", "sins.json")


def test_an_option_that_is_not_there(spineimg: Run) -> None:
    status, _, err = spineimg("analyse", "--no-such-option")
    assert status == 2
    assert "no-such-option" in err.lower()
