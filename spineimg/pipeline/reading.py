"""Any input path to a Volume."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from spineimg.core.errors import InputRefused, UsageError
from spineimg.core.settings import DEFAULTS, Settings
from spineimg.core.volume import Modality, Volume

if TYPE_CHECKING:
    from spineimg.dicom.scanning import Scan

NIFTI_ENDINGS = (".nii", ".nii.gz")


def is_nifti(path: Path) -> bool:
    """Whether a file is NIfTI by its name."""
    return path.name.lower().endswith(NIFTI_ENDINGS)


def require_path(path: Path) -> None:
    """Refuse a path that is not there (``no-such-path``)."""
    if not path.exists():
        raise UsageError("no-such-path", f"nothing at {path}", "check the spelling of the path", path)


def require_new(out: Path) -> None:
    """Refuse an output that exists (``out-exists``): nothing is ever overwritten."""
    if out.exists():
        raise UsageError("out-exists", f"{out} exists already", "choose another name or remove it", out)


def read(
    path: Path,
    series_uid: str | None = None,
    modality: Modality | None = None,
    settings: Settings = DEFAULTS,
) -> Volume:
    """Read one series from a DICOM folder, file or zip, or a NIfTI file.

    Raises
    ------
    InputRefused
        With the code of the fault, see docs/errors.md.
    """
    require_path(path)
    if path.is_file() and is_nifti(path):
        from spineimg.storage.nifti import read_volume

        return read_volume(path, modality)
    from spineimg.dicom import load

    volume = load(path, settings.reading, series_uid)
    if modality is not None and volume.modality is not modality:
        raise InputRefused(
            "modality-differs",
            f"the series is {volume.modality.value}, not {modality.value}",
            "leave --modality out or choose another series with --series",
            path,
        )
    return volume


def look(path: Path, settings: Settings) -> Scan | Volume:
    """What is at a path: the series of a DICOM folder (headers only), or a NIfTI image."""
    require_path(path)
    if path.is_file() and is_nifti(path):
        from spineimg.storage.nifti import read_volume

        return read_volume(path, Modality.CT)
    from spineimg.dicom import scan

    return scan(path, settings.reading)


def convert_to_nifti(
    path: Path, out: Path, series_uid: str | None, modality: Modality | None, settings: Settings
) -> Volume:
    """Read one series and write it as NIfTI; a file that exists is never replaced."""
    from spineimg.storage.nifti import write_volume

    if not is_nifti(out):
        raise UsageError("out-not-nifti", f"{out} does not end in .nii.gz or .nii", "name it OUT.nii.gz", out)
    require_new(out)
    volume = read(path, series_uid, modality, settings)
    write_volume(volume, out)
    return volume
