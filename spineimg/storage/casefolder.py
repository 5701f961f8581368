"""The case folder: written whole, read with its hashes checked, never changed without a trace."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spineimg.core.case import Case, CaseRecord
from spineimg.core.errors import InputRefused, UsageError
from spineimg.core.labelmap import BODIES_OVERLAP, LabelMap, NameDoubt
from spineimg.core.measurements import Measurements
from spineimg.core.volume import Origin, Volume
from spineimg.storage.nifti import read_mask, read_volume, write_mask, write_volume
from spineimg.storage.records import dump_json, load_case_record, load_measurements, load_scores
from spineimg.storage.staging import link_or_copy, new_folder, replaced_folder, sha256_of

CASE, MEASUREMENTS, SCORES, IMAGE = "case.json", "measurements.json", "sins.json", "image.nii.gz"
REVISIONS, REVISION, PICTURES = "revisions", "revision.json", "pictures/"
REVISION_SCHEMA = "spineimg/revision/1"
MASKS = {
    "array": "labels.nii.gz",
    "parts": "parts.nii.gz",
    "lesions": "lesions.nii.gz",
    "lesion_types": "lesion_types.nii.gz",
}
"""Mask of a `LabelMap` and its file; ``lesion_types`` is an extra to the contract (docs/decisions/0001)."""
OWN_FILES = frozenset({CASE, MEASUREMENTS, SCORES, IMAGE, *MASKS.values()})

Content = bytes | str | Path


@dataclass(frozen=True, slots=True)
class Revision:
    """Who replaced something in a case, when (ISO) and why."""

    by: str
    when: str
    why: str


def write_case(
    folder: Path, case: Case, labels: LabelMap, image: Volume | None, files: Mapping[str, Content]
) -> Case:
    """Write a case to a temporary sibling and give it its name at the end.

    Parameters
    ----------
    folder : Path
        The case folder, which must not exist.
    case : Case
        Record, measurements and scores; the hashes in the record are filled in here.
    labels : LabelMap
        Masks, on the grid of the analysed series.
    image : Volume or None
        The series cropped to the column, so that a later rescore or report needs no DICOM.
    files : mapping
        Further files by their name in the folder (``report.html``, ``pictures/L1_sagittal.png``): text, bytes
        or the path of a file to copy.

    Returns
    -------
    Case
        The case as it stands in the folder.

    Raises
    ------
    UsageError
        ``out-exists``.
    EnvironmentFault
        ``out-not-writable``.
    """
    with new_folder(folder) as draft:
        _write_files(draft, files)
        _write_masks(draft, labels)
        if image is not None:
            write_volume(image, draft / IMAGE)
        return _write_records(draft, case)


def read_case(folder: Path) -> Case:
    """Read record, measurements and scores, checked against their hashes.

    Raises
    ------
    UsageError
        ``no-such-path``.
    InputRefused
        ``not-a-case`` for a folder without ``case.json``; ``case-damaged`` for a file missing or changed.
    """
    record = _read_record(folder)
    for name in (MEASUREMENTS, SCORES):
        _checked(folder, record, name)
    return Case(record, load_measurements(folder / MEASUREMENTS), load_scores(folder / SCORES))


def read_labels(folder: Path) -> LabelMap:
    """Read the masks of a case, with what the engine thought of the names; see `read_case` for the errors.

    The findings of the engine about the scan are the caveats of the record; only what forbids measuring a
    body is repeated here.
    """
    record = _read_record(folder)
    array, grid = read_mask(_checked(folder, record, MASKS["array"]))

    def mask(part: str) -> NDArray[np.uint8] | None:
        name = MASKS[part]
        return read_mask(_checked(folder, record, name))[0] if name in record.files else None

    return LabelMap(
        array=array,
        grid=grid,
        parts=mask("parts"),
        lesions=mask("lesions"),
        lesion_types=mask("lesion_types"),
        names=_name_doubts(load_measurements(_checked(folder, record, MEASUREMENTS))),
        findings=tuple(c for c in record.caveats if c.code == BODIES_OVERLAP),
        engine=record.engine,
    )


def read_image(folder: Path) -> Volume:
    """Read the image of a case; see `read_case` for the errors.

    Raises
    ------
    InputRefused
        ``case-without-image`` when the case was written without one.
    """
    record = _read_record(folder)
    if IMAGE not in record.files:
        raise InputRefused("case-without-image", f"{folder} holds no image", "analyse the scan again", folder)
    volume = read_volume(_checked(folder, record, IMAGE), record.modality)
    series = record.series
    origin = Origin(
        path=str(folder),
        series_uid=series.uid,
        study_date=record.study_date,
        description=series.description,
        rows=series.rows,
        columns=series.columns,
        slices=series.slices,
        files=series.files,
        digest=series.digest,
    )
    return dataclasses.replace(volume, origin=origin)


def add_revision(
    folder: Path, revision: Revision, case: Case, labels: LabelMap | None, files: Mapping[str, Content]
) -> Case:
    """Replace parts of a case; what they replace goes to ``revisions/NNNN`` with who, when and why.

    The new folder is filled beside the old one and takes its place at the end.

    Parameters
    ----------
    folder : Path
        The case folder.
    revision : Revision
        Who, when, why.
    case : Case
        The new content; its revision number and hashes are set here.
    labels : LabelMap or None
        New masks; None keeps those of the case.
    files : mapping
        New further files as in `write_case`; new pictures replace all old ones.

    Raises
    ------
    InputRefused
        ``case-damaged``; ``case-changed`` when somebody else revised the case meanwhile.
    """
    old = _read_record(folder)
    before = sha256_of(folder / CASE)
    present = _Present(
        tuple(_names(folder)), tuple(p for p in (folder / REVISIONS).rglob("*") if p.is_file())
    )

    def still_valid() -> None:
        if not (folder / CASE).is_file() or sha256_of(folder / CASE) != before:
            raise InputRefused("case-changed", f"{folder} was revised meanwhile", "run it again", folder)

    with replaced_folder(folder, still_valid) as draft:
        _write_files(draft, files)
        if labels is not None:
            _write_masks(draft, labels)
        record = dataclasses.replace(case.record, revision=old.revision + 1)
        _write_json(draft, dataclasses.replace(case, record=record))
        kept = draft / REVISIONS / f"{old.revision:04d}"
        written = set(_names(draft))
        replaced = _carry_over(folder, present, draft, kept)
        link_or_copy(folder / CASE, kept / CASE)
        note: dict[str, Any] = {
            "schema": REVISION_SCHEMA,
            "revision": old.revision,
            **dataclasses.asdict(revision),
            "replaced": replaced,
            "added": sorted(written - set(present.files)),
        }
        text = json.dumps(note, indent=2, allow_nan=False, ensure_ascii=False)
        (kept / REVISION).write_text(text + "\n", encoding="utf-8")
        return _write_records(draft, dataclasses.replace(case, record=record))


@dataclass(frozen=True, slots=True)
class _Present:
    """Files of a case before it is revised: names of the current ones, paths of those in older revisions."""

    files: tuple[str, ...]
    revisions: tuple[Path, ...]


def _carry_over(folder: Path, present: _Present, draft: Path, kept: Path) -> list[str]:
    """Link what stays into the draft and what was replaced into the revision; names of the latter."""
    new = set(_names(draft))
    new_pictures = any(name.startswith(PICTURES) for name in new)
    replaced = []
    for name in present.files:
        if name in new:
            if sha256_of(folder / name) != sha256_of(draft / name):
                replaced.append(name)
        elif new_pictures and name.startswith(PICTURES):
            replaced.append(name)
        else:
            link_or_copy(folder / name, draft / name)
    for name in replaced:
        link_or_copy(folder / name, kept / name)
    for path in present.revisions:
        link_or_copy(path, draft / path.relative_to(folder))
    return replaced


def _write_files(draft: Path, files: Mapping[str, Content]) -> None:
    for name, content in files.items():
        place = PurePosixPath(name)
        if place.is_absolute() or ".." in place.parts or name in OWN_FILES or place.parts[0] == REVISIONS:
            raise UsageError(
                "case-file-name", f"'{name}' is no name for a further file of a case", "choose another"
            )
        target = draft / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            shutil.copyfile(content, target)  # never a link: the user may go on editing it
        else:
            target.write_bytes(content.encode() if isinstance(content, str) else content)


def _write_masks(draft: Path, labels: LabelMap) -> None:
    for part, name in MASKS.items():
        mask = getattr(labels, part)
        if mask is not None:
            write_mask(mask, labels.grid, draft / name)


def _write_json(draft: Path, case: Case) -> None:
    (draft / MEASUREMENTS).write_text(dump_json(case.measurements), encoding="utf-8")
    (draft / SCORES).write_text(dump_json(case.scores), encoding="utf-8")


def _write_records(draft: Path, case: Case) -> Case:
    """Write the JSON files, the index with its hashes last."""
    _write_json(draft, case)
    hashes = {name: sha256_of(draft / name) for name in _names(draft)}
    record = dataclasses.replace(case.record, files=hashes)
    (draft / CASE).write_text(dump_json(record), encoding="utf-8")
    return dataclasses.replace(case, record=record)


def _names(folder: Path) -> list[str]:
    """Files of the current state, without the index and the revisions."""
    found = (p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    return sorted(name for name in found if name != CASE and not name.startswith(f"{REVISIONS}/"))


def _read_record(folder: Path) -> CaseRecord:
    if not folder.exists():
        raise UsageError("no-such-path", f"nothing at {folder}", "check the spelling of the path", folder)
    if not (folder / CASE).is_file():
        raise InputRefused(
            "not-a-case", f"{folder} holds no {CASE}", "give the folder that analyse wrote", folder
        )
    return load_case_record(folder / CASE)


def _checked(folder: Path, record: CaseRecord, name: str) -> Path:
    """Path of a file whose hash is that of the record."""
    path = folder / name
    if name not in record.files or not path.is_file() or sha256_of(path) != record.files[name]:
        state = "was changed after it was written" if path.is_file() else "is missing"
        raise InputRefused(
            "case-damaged", f"{path} {state}", "bring corrections in with rescore --labels or --lesions", path
        )
    return path


def _name_doubts(measurements: Measurements) -> tuple[NameDoubt, ...]:
    return tuple(
        NameDoubt(v.level, v.name_possible, v.name_confidence)
        for v in measurements.vertebrae
        if v.name_confidence is not None
    )
