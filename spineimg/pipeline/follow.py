"""Case folders of one patient to a track folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from spineimg.core.settings import DEFAULTS, Settings
from spineimg.core.track import Track, Treatment
from spineimg.pipeline.clock import Say, silent
from spineimg.pipeline.reading import require_new
from spineimg.report import track_html
from spineimg.storage.casefolder import read_case, read_image, read_labels
from spineimg.storage.records import dump_json
from spineimg.storage.staging import new_folder
from spineimg.tracking import Timepoint, track, track_csv

TRACK, TABLE, REPORT = "track.json", "track.csv", "report.html"


def follow(
    cases: tuple[Path, ...],
    out: Path,
    settings: Settings = DEFAULTS,
    say: Say = silent,
    *,
    override: str | None = None,
    treatments: Sequence[Treatment] = (),
) -> Track:
    """Compare the cases of one patient and write ``track.json``, ``track.csv`` and the report.

    Raises
    ------
    SpineimgError
        The refusals of `spineimg.tracking.track` and of reading a case; nothing is written then.
    """
    require_new(out)
    say("reading the cases")
    points = tuple(read_timepoint(folder) for folder in cases)
    say("comparing level by level")
    result = track(points, settings.tracking, override, treatments=treatments, scoring=settings.scoring)
    say("drawing the report")
    with new_folder(out) as draft:
        (draft / TRACK).write_text(dump_json(result), encoding="utf-8")
        (draft / TABLE).write_text(track_csv(result), encoding="utf-8")
        (draft / REPORT).write_text(track_html(result, points), encoding="utf-8")
    return result


def read_timepoint(folder: Path) -> Timepoint:
    """One case with its masks and its image."""
    return Timepoint(str(folder), read_case(folder), read_labels(folder), read_image(folder))
