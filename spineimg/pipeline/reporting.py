"""The report of a case or a track, written again."""

from __future__ import annotations

import os
from pathlib import Path

from spineimg.core.errors import InputRefused, UsageError
from spineimg.pipeline.follow import REPORT, TRACK, read_timepoint
from spineimg.pipeline.reading import require_path
from spineimg.report import case_html, case_pdf, track_html, track_pdf
from spineimg.storage.casefolder import CASE, read_case
from spineimg.storage.records import load_track

ENDINGS = (".html", ".pdf")


def write_report(folder: Path, out: Path | None) -> Path:
    """Write the report of a case or track folder as HTML or PDF; the path that was written.

    Raises
    ------
    UsageError
        ``report-kind`` for another ending; ``out-exists``.
    InputRefused
        ``not-a-case`` for a folder that is neither.
    """
    require_path(folder)
    target = out or folder / REPORT
    if target.suffix.lower() not in ENDINGS:
        raise UsageError(
            "report-kind", f"{target} is neither .html nor .pdf", "name it FILE.html or FILE.pdf", target
        )
    if out is not None and out.exists():
        raise UsageError("out-exists", f"{out} exists already", "choose another name or remove it", out)
    if (folder / CASE).is_file():
        content = _case(folder, target)
    elif (folder / TRACK).is_file():
        content = _track(folder, target)
    else:
        raise InputRefused(
            "not-a-case",
            f"{folder} is neither a case nor a track",
            "give a folder that analyse or track wrote",
            folder,
        )
    part = target.with_name(f".{target.name}.part")
    part.write_bytes(content)
    os.replace(part, target)
    return target


def _case(folder: Path, target: Path) -> bytes:
    case = read_case(folder)
    return case_pdf(case, folder) if target.suffix.lower() == ".pdf" else case_html(case, folder).encode()


def _track(folder: Path, target: Path) -> bytes:
    result = load_track(folder / TRACK)
    points = tuple(read_timepoint(Path(case.path)) for case in result.cases)
    pdf = target.suffix.lower() == ".pdf"
    return track_pdf(result, points) if pdf else track_html(result, points).encode()
