"""A case folder exists whole or not at all, notices damage, and keeps what a revision replaced."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spineimg.core.errors import EnvironmentFault, InputRefused, UsageError
from spineimg.core.levels import Level
from spineimg.core.scores import SinsScores
from spineimg.storage import casefolder
from spineimg.storage.casefolder import Revision, add_revision, read_case, read_image, read_labels, write_case

FILES = {
    "report.html": "<html>first</html>",
    "pictures/L1_sagittal.png": b"png",
    "pictures/L2_axial.png": b"png",
}
REVISION = Revision("A Reader", "2026-11-25T13:00:00+00:00", "pain was reported late")


@pytest.fixture
def case_folder(samples: Any, tmp_path: Path) -> Path:
    folder = tmp_path / "out" / "case"
    write_case(folder, samples.case(), samples.labels(), samples.image(), FILES)
    return folder


def everything(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_the_folder_holds_the_files_of_the_contract(case_folder: Path) -> None:
    assert set(everything(case_folder)) == {
        "case.json",
        "labels.nii.gz",
        "parts.nii.gz",
        "lesions.nii.gz",
        "measurements.json",
        "sins.json",
        "report.html",
        "pictures/L1_sagittal.png",
        "pictures/L2_axial.png",
        "image.nii.gz",  # extras
        "lesion_types.nii.gz",
    }
    assert [p.name for p in case_folder.parent.iterdir()] == ["case"]  # no draft is left


def test_the_index_has_the_hash_of_every_other_file(case_folder: Path) -> None:
    found = everything(case_folder)
    del found["case.json"]
    assert json.loads((case_folder / "case.json").read_text())["files"] == found


def test_a_case_comes_back(samples: Any, case_folder: Path) -> None:
    case = read_case(case_folder)
    assert case.scores == samples.scores()
    assert case.measurements.vertebra(Level.L1) is not None
    assert replace(case.record, files={}) == samples.record()


def test_masks_come_back_on_their_grid_with_the_doubts_about_names(samples: Any, case_folder: Path) -> None:
    labels, before = read_labels(case_folder), samples.labels()
    for name in ("array", "parts", "lesions", "lesion_types"):
        np.testing.assert_array_equal(getattr(labels, name), getattr(before, name))
    assert labels.grid.same_place(before.grid, 1e-3)
    assert [(n.level, n.possible, n.confidence) for n in labels.names] == [
        (Level.L1, (Level.L1, Level.L2), 0.8)
    ]
    assert labels.engine is not None
    assert labels.engine.name == "spineimg-ct"


def test_the_image_comes_back_with_its_origin(samples: Any, case_folder: Path) -> None:
    image = read_image(case_folder)
    np.testing.assert_array_equal(image.array, samples.image().array)
    assert image.grid.same_place(samples.image().grid, 1e-3)
    assert (image.modality, image.origin.series_uid, image.origin.study_date) == (
        samples.image().modality,
        "1.2.3",
        "2026-01-01",
    )


def test_masks_that_were_not_made_are_not_written(samples: Any, tmp_path: Path) -> None:
    bare = replace(samples.labels(), parts=None, lesions=None, lesion_types=None)
    write_case(tmp_path / "case", samples.case(), bare, None, {})
    labels = read_labels(tmp_path / "case")
    assert (labels.parts, labels.lesions, labels.lesion_types) == (None, None, None)
    with pytest.raises(InputRefused, match="case-without-image"):
        read_image(tmp_path / "case")


def test_an_out_that_exists_is_refused_and_untouched(samples: Any, tmp_path: Path) -> None:
    (tmp_path / "case").mkdir()
    with pytest.raises(UsageError) as caught:
        write_case(tmp_path / "case", samples.case(), samples.labels(), None, {})
    assert caught.value.code == "out-exists"
    assert list(tmp_path.iterdir()) == [tmp_path / "case"]
    assert list((tmp_path / "case").iterdir()) == []


def test_nothing_is_left_when_writing_fails(
    samples: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(casefolder, "write_mask", full)
    with pytest.raises(EnvironmentFault) as caught:
        write_case(tmp_path / "case", samples.case(), samples.labels(), None, FILES)
    assert caught.value.code == "out-not-writable"
    assert "No space left" in caught.value.message
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_refused(samples: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match="out-not-writable"):
        write_case(tmp_path / "file" / "case", samples.case(), samples.labels(), None, {})


@pytest.mark.parametrize("name", ["case.json", "labels.nii.gz", "../x", "/x", "revisions/0001/x"])
def test_further_files_cannot_take_the_place_of_a_cases_own(samples: Any, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="case-file-name"):
        write_case(tmp_path / "case", samples.case(), samples.labels(), None, {name: "x"})
    assert list(tmp_path.iterdir()) == []


def test_a_file_can_be_given_by_its_path(samples: Any, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("page")
    write_case(
        tmp_path / "case", samples.case(), samples.labels(), None, {"report.html": tmp_path / "page.html"}
    )
    assert (tmp_path / "case" / "report.html").read_text() == "page"


@pytest.mark.parametrize(
    "name", ["measurements.json", "sins.json", "labels.nii.gz", "lesions.nii.gz", "image.nii.gz"]
)
@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_damage_is_noticed(case_folder: Path, name: str, damage: str) -> None:
    path = case_folder / name
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(InputRefused) as caught:
        read_case(case_folder)
        read_labels(case_folder)
        read_image(case_folder)
    assert caught.value.code == "case-damaged"
    assert name in caught.value.message


def test_what_is_no_case_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no-such-path"):
        read_case(tmp_path / "none")
    with pytest.raises(InputRefused, match="not-a-case"):
        read_case(tmp_path)


def revised(samples: Any, folder: Path, **files: Any) -> Any:
    case = read_case(folder)
    scores = SinsScores((), samples.scores().patient)
    return add_revision(
        folder, REVISION, replace(case, scores=scores), None, files or {"report.html": "second"}
    )


def test_a_revision_keeps_what_it_replaced_with_who_when_and_why(samples: Any, case_folder: Path) -> None:
    before = everything(case_folder)
    result = revised(samples, case_folder)
    after = everything(case_folder)
    assert read_case(case_folder) == result
    assert result.record.revision == 2
    assert result.scores.levels == ()
    kept = {n.removeprefix("revisions/0001/"): h for n, h in after.items() if n.startswith("revisions/0001/")}
    note = json.loads((case_folder / "revisions" / "0001" / "revision.json").read_text())
    assert note == {
        "schema": "spineimg/revision/1",
        "revision": 1,
        "by": "A Reader",
        "when": "2026-11-25T13:00:00+00:00",
        "why": "pain was reported late",
        "replaced": ["report.html", "sins.json"],
        "added": [],
    }
    assert {n: h for n, h in kept.items() if n != "revision.json"} == {
        n: before[n] for n in ("case.json", "report.html", "sins.json")
    }
    for name in ("labels.nii.gz", "measurements.json", "image.nii.gz", "pictures/L1_sagittal.png"):
        assert after[name] == before[name]
    assert [p.name for p in case_folder.parent.iterdir()] == ["case"]


def test_revisions_pile_up(samples: Any, case_folder: Path) -> None:
    revised(samples, case_folder)
    first = {n: h for n, h in everything(case_folder).items() if n.startswith("revisions/")}
    revised(samples, case_folder, **{"report.html": "third"})
    after = everything(case_folder)
    assert {n: h for n, h in after.items() if n.startswith("revisions/0001/")} == first
    assert json.loads((case_folder / "revisions/0002/revision.json").read_text())["replaced"] == [
        "report.html"
    ]
    assert read_case(case_folder).record.revision == 3


def test_new_pictures_replace_all_old_ones(samples: Any, case_folder: Path) -> None:
    revised(samples, case_folder, **{"pictures/L1_sagittal.png": b"new", "pictures/T5_axial.png": b"new"})
    pictures = {n for n in everything(case_folder) if n.startswith("pictures/")}
    assert pictures == {"pictures/L1_sagittal.png", "pictures/T5_axial.png"}
    assert (case_folder / "revisions/0001/pictures/L2_axial.png").is_file()
    note = json.loads((case_folder / "revisions/0001/revision.json").read_text())
    assert note["added"] == ["pictures/T5_axial.png"]


def test_new_masks_replace_the_old_ones(samples: Any, case_folder: Path) -> None:
    labels = samples.labels()
    edited = labels.array.copy()
    edited[edited > 0] = Level.L2.verse_id
    add_revision(case_folder, REVISION, read_case(case_folder), replace(labels, array=edited), {})
    assert read_labels(case_folder).levels() == (Level.L2,)
    assert (
        "labels.nii.gz" in json.loads((case_folder / "revisions/0001/revision.json").read_text())["replaced"]
    )


def test_a_revision_that_fails_leaves_the_case_as_it_was(
    samples: Any, case_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(case_folder)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(casefolder, "_carry_over", full)
    with pytest.raises(EnvironmentFault):
        revised(samples, case_folder)
    assert everything(case_folder) == before
    assert [p.name for p in case_folder.parent.iterdir()] == ["case"]


def test_a_swap_that_fails_puts_the_old_case_back(
    samples: Any, case_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(case_folder)
    rename = Path.rename

    def refuse_the_draft(self: Path, target: Path) -> Path:
        if ".partial-" in self.name:
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse_the_draft)
    with pytest.raises(EnvironmentFault):
        revised(samples, case_folder)
    assert everything(case_folder) == before


def test_a_case_that_somebody_else_revised_meanwhile_is_refused(
    samples: Any, case_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carry_over = casefolder._carry_over

    def and_meanwhile(*arguments: Any) -> list[str]:
        monkeypatch.setattr(casefolder, "_carry_over", carry_over)
        revised(samples, case_folder, **{"report.html": "theirs"})
        return carry_over(*arguments)

    monkeypatch.setattr(casefolder, "_carry_over", and_meanwhile)
    with pytest.raises(InputRefused, match="case-changed"):
        revised(samples, case_folder, **{"report.html": "ours"})
    assert (case_folder / "report.html").read_text() == "theirs"
    assert read_case(case_folder).record.revision == 2
