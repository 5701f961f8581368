"""One scan to one case: read, segment, measure, score, report."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from spineimg.core.case import Case
from spineimg.core.labelmap import LabelMap
from spineimg.core.measurements import Measurements
from spineimg.core.settings import DEFAULTS, Settings
from spineimg.core.volume import Volume
from spineimg.measurement import divide, find_lesions, measure
from spineimg.pipeline.clock import Clock, Say, silent
from spineimg.pipeline.cropping import column_box, crop_labels, crop_volume
from spineimg.pipeline.provenance import Provenance, checked_date
from spineimg.pipeline.publish import Content, publish
from spineimg.pipeline.reading import read, require_new
from spineimg.pipeline.request import Request
from spineimg.pipeline.segment import segment
from spineimg.scoring import PainEntry, parse_pain, read_pain_file, score, settle_pain
from spineimg.storage.records import as_written


def analyse(request: Request, out: Path, settings: Settings = DEFAULTS, say: Say = silent) -> Case:
    """Analyse one scan into a case folder that exists whole or not at all.

    Parameters
    ----------
    request : Request
        The scan and what is said about it.
    out : Path
        Case folder to make.
    settings : Settings
        Every threshold.
    say : callable
        Told each stage as it starts.

    Raises
    ------
    SpineimgError
        With its code; nothing is written then.
    """
    require_new(out)
    clock = Clock(say)
    entries = pain_entries(request.pain, request.pain_file)
    date = checked_date(request.study_date)
    with clock.stage("load", f"reading {request.path}"):
        volume = dated(read(request.path, request.series_uid, request.modality, settings), date)
    with clock.stage("segment", "finding and naming the vertebrae"):
        labels = segment(volume, request, settings)
    with clock.stage("measure", "measuring"):
        part, masks, measurements = measure_column(volume, labels, settings)
    with clock.stage("score", "scoring"):
        pain = settle_pain(entries, volume.origin.study_date, settings.scoring)
        scores = score(measurements, pain, settings.scoring)
    content = Content(part, masks, measurements, scores, whole=labels.grid)
    return publish(out, content, Provenance(volume, labels, request.patient_key, settings), clock)


def pain_entries(words: tuple[str, ...], file: Path | None) -> tuple[PainEntry, ...]:
    """Pain from the command line and a file, together."""
    return (*parse_pain(words), *(read_pain_file(file) if file is not None else ()))


def dated(volume: Volume, date: str | None) -> Volume:
    """The volume with the date that the user gave, where one was given."""
    if date is None:
        return volume
    return dataclasses.replace(volume, origin=dataclasses.replace(volume.origin, study_date=date))


def measure_column(
    volume: Volume, labels: LabelMap, settings: Settings
) -> tuple[Volume, LabelMap, Measurements]:
    """Crop to the column, divide the vertebrae, find lesions where nobody did, and measure.

    Returns
    -------
    volume, labels, measurements
        The crop that was measured, its complete masks, and the result.
    """
    box = column_box(labels, settings.report.crop_margin_mm)
    return measure_crop(crop_volume(volume, *box), crop_labels(labels, *box), settings)


def measure_crop(
    volume: Volume, labels: LabelMap, settings: Settings
) -> tuple[Volume, LabelMap, Measurements]:
    """The same for an image that is cropped already."""
    masks = divide(labels, settings.measurement)
    if masks.lesions is None:
        masks = find_lesions(volume, masks, settings.measurement)
    # As it will be read back: a later rescore then scores the very same numbers.
    return volume, masks, as_written(measure(volume, masks, settings.measurement))
