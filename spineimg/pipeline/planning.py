"""Which studies lie under a folder, and which series of each would be analysed."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spineimg.core.errors import InputRefused, SpineimgError
from spineimg.core.settings import Settings
from spineimg.pipeline.reading import is_nifti, require_path

if TYPE_CHECKING:
    from spineimg.dicom.series import Series

DIGITS = 8


@dataclass(frozen=True, slots=True)
class Study:
    """One scan to analyse; its id stays the same from run to run."""

    id: str
    path: Path
    series_uid: str | None
    description: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A study that gave no case, and why; one row of ``failures.csv``."""

    id: str
    path: str
    code: str
    message: str
    remedy: str


def study_id(path: Path, root: Path, key: str) -> str:
    """Readable and unique: the folder's name and a digest of what is inside."""
    relative = path.relative_to(root) if path.is_relative_to(root) else path
    words = re.sub(r"[^A-Za-z0-9]+", "_", str(relative)).strip("_")[-40:] or "scan"
    return f"{words}-{hashlib.sha256(key.encode()).hexdigest()[:DIGITS]}"


def failure_of(name: str, path: Path, error: SpineimgError) -> Failure:
    """The row of a refusal."""
    return Failure(name, str(path), error.code, error.message, error.remedy)


def find_studies(root: Path, settings: Settings) -> tuple[tuple[Study, ...], tuple[Failure, ...]]:
    """Every DICOM study under a folder with its best series, and every NIfTI image.

    Returns
    -------
    studies, failures
        Failures are studies without any series that can be analysed, each with the reason.

    Raises
    ------
    InputRefused
        When there is neither a DICOM image nor a NIfTI file.
    """
    require_path(root)
    images = sorted(p for p in _files(root) if is_nifti(p))
    try:
        studies, failures = _dicom_studies(root, settings)
    except InputRefused:
        if not images:
            raise
        studies, failures = [], []
    studies += [Study(study_id(p, root, str(p.relative_to(root))), p, None, "NIfTI") for p in images]
    return tuple(studies), tuple(failures)


def _files(root: Path) -> Iterable[Path]:
    for folder, _, names in os.walk(root):
        yield from (Path(folder) / name for name in names)


def _dicom_studies(root: Path, settings: Settings) -> tuple[list[Study], list[Failure]]:
    from spineimg.dicom import scan

    found = scan(root, settings.reading)
    groups: dict[tuple[str, str], list[Series]] = {}
    for series in found.series:
        groups.setdefault((series.study_uid, str(series.patient.key)), []).append(series)
    studies: list[Study] = []
    failures: list[Failure] = []
    for (study_uid, _), members in groups.items():
        best = min(members, key=lambda s: s.rank)
        folder = _folder_of(best, root)
        name = study_id(folder, root, study_uid + best.uid)
        if best.fit:
            studies.append(Study(name, folder, best.uid, best.description))
        elif best.refusal is not None:
            failures.append(failure_of(name, folder, best.refusal))
        else:
            failures.append(
                Failure(name, str(folder), best.code or "not-fit", best.reason, "see spineimg inspect")
            )
    return studies, failures


def _folder_of(series: Series, root: Path) -> Path:
    """Smallest folder (or zip) that holds all files of a series."""
    headers = series.stack.slices if series.stack is not None else ([series.first] if series.first else [])
    files: Sequence[Path] = sorted({h.source.where for h in headers})
    if not files:
        return root
    if len(files) == 1:
        return files[0] if files[0].suffix.lower() == ".zip" else files[0].parent
    return Path(os.path.commonpath(files))
