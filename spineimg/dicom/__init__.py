"""Read DICOM: folder, file or zip to `Scan` (headers only) and `Volume`.

The heavy imports (pydicom, codecs) happen on the first call, not on import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from spineimg.core.settings.reading import ReadingSettings
    from spineimg.core.volume import Volume
    from spineimg.dicom.scanning import Scan

__all__ = ["load", "load_all", "scan"]


def scan(path: Path, settings: ReadingSettings) -> Scan:
    """Read all headers under a path; see `spineimg.dicom.scanning.scan_path`."""
    from spineimg.dicom.scanning import scan_path

    return scan_path(path, settings)


def load(path: Path, settings: ReadingSettings, series_uid: str | None = None) -> Volume:
    """Read the best series under a path, or the named one; see `spineimg.dicom.loading.load_one`."""
    from spineimg.dicom.loading import load_one

    return load_one(path, settings, series_uid)


def load_all(path: Path, settings: ReadingSettings) -> tuple[Volume, ...]:
    """Read every volume that can be had under a path; see `spineimg.dicom.loading.load_every`."""
    from spineimg.dicom.loading import load_every

    return load_every(path, settings)
