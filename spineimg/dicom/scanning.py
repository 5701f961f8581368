"""Headers under a path to ranked series: nothing is decoded here."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from spineimg.core.errors import InputRefused
from spineimg.core.settings.reading import ReadingSettings
from spineimg.core.volume import Repair
from spineimg.dicom.files import find_sources
from spineimg.dicom.header import Skipped
from spineimg.dicom.parsing import read_header
from spineimg.dicom.series import Series, rank_series, series_of

FEW_FILES = 16
"""Below this, starting threads costs more than it hides."""

SILENT = frozenset({"dicomdir"})
"""Skipped without a word: a disc's directory belongs there."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What lies under a path."""

    path: Path
    series: tuple[Series, ...]
    """Image series, best first."""
    skipped: tuple[Skipped, ...]
    caveats: tuple[Repair, ...]
    files: int

    @property
    def patients(self) -> int:
        """How many different patients the image series belong to."""
        return len({series.patient.key for series in self.series if series.patient.key != ("", "")})


def scan_path(path: Path, settings: ReadingSettings) -> Scan:
    """Read every header under a folder, file or zip; group, prove and rank the series.

    Raises
    ------
    InputRefused
        ``no-such-path``, ``no-dicom-files`` (nothing is DICOM), ``not-an-image`` (DICOM, but no image in it).
    """
    sources = find_sources(path, settings.zip_limit_bytes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns about values; what matters here becomes a code
        if len(sources) < FEW_FILES:
            answers = [read_header(source) for source in sources]
        else:
            with ThreadPoolExecutor(settings.threads) as pool:
                answers = list(pool.map(read_header, sources, chunksize=1))
    headers = [header for answer in answers if not isinstance(answer, Skipped) for header in answer]
    skipped = tuple(answer for answer in answers if isinstance(answer, Skipped) and answer.code not in SILENT)
    if not headers:
        raise _nothing(path, skipped)
    series = rank_series(series_of(headers, settings), settings)
    return Scan(path, tuple(series), skipped, tuple(_skip_caveat(skipped)), len(sources))


def _nothing(path: Path, skipped: Iterable[Skipped]) -> InputRefused:
    objects = [s for s in skipped if s.code in ("not-an-image", "malformed-file", "unreadable-file")]
    if not objects:
        return InputRefused(
            "no-dicom-files",
            f"no DICOM file under {path}",
            "give the folder that holds the DICOM images",
            path,
        )
    first = objects[0]
    code = "not-an-image" if any(s.code == "not-an-image" for s in objects) else first.code
    return InputRefused(
        code,
        f"no DICOM image under {path} ({first.source.name}: {first.reason})",
        "give the folder that holds the CT or MR images",
        path,
    )


def _skip_caveat(skipped: tuple[Skipped, ...]) -> Iterable[Repair]:
    if skipped:
        names = ", ".join(f"{s.source.name} ({s.reason})" for s in skipped[:5])
        more = f" and {len(skipped) - 5} more" if len(skipped) > 5 else ""
        yield Repair("files-skipped", f"left out: {names}{more}")
