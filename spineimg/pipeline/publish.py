"""Pictures, report and records of a result into its case folder."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from spineimg.core.case import Case, CaseRecord
from spineimg.core.grid import Grid
from spineimg.core.labelmap import LabelMap
from spineimg.core.measurements import Measurements
from spineimg.core.scores import SinsScores
from spineimg.core.settings import Settings
from spineimg.core.volume import Volume
from spineimg.pipeline.clock import Clock, peak_memory_mb
from spineimg.pipeline.cropping import paste_labels
from spineimg.pipeline.provenance import Provenance
from spineimg.report import case_html, draw_pictures
from spineimg.storage.casefolder import write_case

REPORT = "report.html"


@dataclass(frozen=True, slots=True)
class Content:
    """What a case shows: the image about the column, its masks, what was measured and scored."""

    image: Volume
    masks: LabelMap
    measurements: Measurements
    scores: SinsScores
    whole: Grid
    """Grid of the analysed series; ``labels.nii.gz`` lies on it."""


def publish(out: Path, content: Content, provenance: Provenance, clock: Clock) -> Case:
    """Write a new case folder, whole or not at all."""
    with tempfile.TemporaryDirectory() as scratch:
        with clock.stage("report", "drawing the report"):
            record = provenance.record(clock.seconds, peak_memory_mb())
            files = report_files(content, record, provenance.settings, Path(scratch))
        record = replace(record, timings_s=dict(clock.seconds), peak_memory_mb=peak_memory_mb())
        case = Case(record, content.measurements, content.scores)
        return write_case(out, case, paste_labels(content.masks, content.whole), content.image, files)


def report_files(
    content: Content, record: CaseRecord, settings: Settings, scratch: Path
) -> Mapping[str, Path]:
    """Draw pictures and report into a scratch folder; names in the case and where they lie now."""
    case = Case(record, content.measurements, content.scores)
    names = draw_pictures(content.image, content.masks, content.measurements, content.scores, scratch)
    (scratch / REPORT).write_text(case_html(case, scratch), encoding="utf-8")
    return {name: scratch / name for name in (*names, REPORT)}
