"""New pain, a reader's verdicts or corrected masks to a new revision of a case, without the network."""

from __future__ import annotations

import dataclasses
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from spineimg.core.case import Case
from spineimg.core.errors import UsageError
from spineimg.core.grid import Grid
from spineimg.core.labelmap import LabelMap
from spineimg.core.levels import Level
from spineimg.core.measurements import Measurements
from spineimg.core.scores import Pain
from spineimg.core.settings import DEFAULTS, Settings
from spineimg.core.volume import Volume
from spineimg.pipeline.analyse import measure_crop, pain_entries
from spineimg.pipeline.clock import Clock, Say, peak_memory_mb, silent
from spineimg.pipeline.cropping import crop_to_grid, paste_labels
from spineimg.pipeline.publish import Content, report_files
from spineimg.pipeline.segment import reader_labels, with_lesions
from spineimg.scoring import Verdicts, merged, parse_verdicts, score, settle_pain
from spineimg.storage.casefolder import Revision, add_revision, read_case, read_image, read_labels


@dataclass(frozen=True, slots=True)
class Correction:
    """What is new about a case, from whom and why."""

    pain: tuple[str, ...] = ()
    pain_file: Path | None = None
    labels: Path | None = None
    lesions: Path | None = None
    verdicts: tuple[str, ...] = ()
    reader: str | None = None
    why: str | None = None


def rescore(folder: Path, correction: Correction, settings: Settings = DEFAULTS, say: Say = silent) -> Case:
    """Score a case again; what was replaced stays in ``revisions/``.

    Raises
    ------
    UsageError
        ``nothing-to-rescore`` when nothing is new; the refusals of pain.
    InputRefused
        ``mask-grid-differs`` and what `read_case` refuses.
    """
    clock = Clock(say)
    entries = pain_entries(correction.pain, correction.pain_file)
    said = parse_verdicts(correction.verdicts, correction.reader, correction.why)
    new_masks = correction.labels is not None or correction.lesions is not None
    if not entries and not said and not new_masks:
        raise UsageError(
            "nothing-to-rescore",
            "neither pain nor masks nor a verdict are given",
            "give --pain, --pain-file, --labels, --lesions or --verdict",
            folder,
        )
    with clock.stage("load", f"reading {folder}"):
        case, image, labels = read_case(folder), read_image(folder), as_kept(read_labels(folder))
    with clock.stage("measure", "measuring"):
        masks = crop_to_grid(labels, image.grid)
        measurements = case.measurements
        if new_masks:
            labels = corrected(labels, correction)
            masks, measurements = _measured_again(image, labels, settings)
    with clock.stage("score", "scoring"):
        pain = known_pain(case, measurements) | settle_pain(entries, case.record.study_date, settings.scoring)
        verdicts = merged(known_verdicts(case, measurements), said)
        scores = score(measurements, pain, settings.scoring, verdicts=verdicts)
    content = Content(image, masks, measurements, scores, whole=labels.grid)
    return _revise(folder, case, content, correction, (settings, clock))


def as_kept(labels: LabelMap) -> LabelMap:
    """Labels as a case keeps them: lesions without types were a reader's."""
    return dataclasses.replace(
        labels, lesions_confirmed=labels.lesions is not None and labels.lesion_types is None
    )


def corrected(labels: LabelMap, correction: Correction) -> LabelMap:
    """The masks with what the reader changed; a reader's vertebrae are divided anew."""
    if correction.labels is not None:
        edited = reader_labels(correction.labels, "verse", labels.grid)
        labels = dataclasses.replace(
            edited,
            lesions=labels.lesions,
            lesion_types=labels.lesion_types,
            lesions_confirmed=labels.lesions_confirmed,
            engine=labels.engine,
        )
    return labels if correction.lesions is None else with_lesions(labels, correction.lesions)


def _measured_again(image: Volume, labels: LabelMap, settings: Settings) -> tuple[LabelMap, Measurements]:
    grid: Grid = image.grid
    _, masks, measurements = measure_crop(image, crop_to_grid(labels, grid), settings)
    return masks, measurements


def known_pain(case: Case, measurements: Measurements) -> dict[Level, Pain]:
    """Pain that the case already holds, for the levels that are still there."""
    levels = {vertebra.level for vertebra in measurements.vertebrae}
    return {s.level: s.pain for s in case.scores.levels if s.pain is not None and s.level in levels}


def known_verdicts(case: Case, measurements: Measurements) -> Verdicts:
    """A reader's verdicts that the case already holds, for the levels that still have a lesion."""
    levels = {lesion.level for lesion in measurements.lesions}
    return {s.level: s.verdicts for s in case.scores.levels if s.verdicts and s.level in levels}


def _revise(
    folder: Path, case: Case, content: Content, correction: Correction, run: tuple[Settings, Clock]
) -> Case:
    settings, clock = run
    record = dataclasses.replace(
        case.record,
        revision=case.record.revision + 1,
        settings_digest=settings.digest(),
        timings_s=dict(clock.seconds),
        peak_memory_mb=peak_memory_mb(),
    )
    note = Revision(
        by=correction.reader or "not given",
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        why=correction.why or "not given",
    )
    with tempfile.TemporaryDirectory() as scratch:
        with clock.stage("report", "drawing the report"):
            files = report_files(content, record, settings, Path(scratch))
        new = Case(record, content.measurements, content.scores)
        return add_revision(folder, note, new, paste_labels(content.masks, content.whole), files)
