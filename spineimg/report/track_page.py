"""The follow-up of one patient as one self-contained HTML page."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from spineimg.core.estimate import Estimate
from spineimg.core.levels import Level
from spineimg.core.measurements import VertebraMeasurement
from spineimg.core.settings.report import ReportSettings
from spineimg.core.settings.tracking import TrackingSettings
from spineimg.core.track import Interval, LevelTrack, Track
from spineimg.report.canvas import png_bytes
from spineimg.report.column_svg import ColumnRow, column_svg
from spineimg.report.palette import band_words, total_words
from spineimg.report.sentences import open_event, track_sentence
from spineimg.report.templating import png_uri, render
from spineimg.report.then_now import height_plot, then_and_now
from spineimg.tracking import Timepoint, anchor, own_level

EVENT, PROGRESS, LESION = "#B2182B", "#E69F00", "#56B4E9"
"""Colours of a new fracture, a progression, and a lesion that changed."""
CHANGED_RESPONSES = ("new", "larger", "smaller", "sclerosing")


def track_html(track: Track, points: Sequence[Timepoint], settings: ReportSettings | None = None) -> str:
    """Build the follow-up page of a patient.

    Parameters
    ----------
    track : Track
        What changed.
    points : sequence of Timepoint
        The cases of the track, any order, with images where pictures are wanted.
    settings : ReportSettings, optional
        Window and sizes.

    Returns
    -------
    str
        HTML that needs no other file, no network and no script.
    """
    by_path = {point.path: point for point in points}
    ordered = [by_path[case.path] for case in track.cases]
    settings = settings or ReportSettings()
    shown = [one.level for one in track.levels if one.level.is_vertebra]
    return render(
        "track.html.j2",
        {
            "track": track,
            "sentence": track_sentence(track),
            "column": column_svg([_column_row(one) for one in track.levels], _latest_shapes(track, ordered)),
            "pairs": [
                pair
                for one in track.levels
                for interval in one.intervals
                if changed(interval)
                for pair in [_pair(track, ordered, (one.level, interval), settings)]
                if pair is not None
            ],
            "plot": png_uri(png_bytes(height_plot(track, ordered, shown))) if shown else None,
            "rows": [_row(track, one.level, interval) for one in track.levels for interval in one.intervals],
            "cases": [_case(number, point) for number, point in enumerate(ordered)],
        },
    )


def changed(interval: Interval) -> bool:
    """Whether something happened, or may have, that a reader must see."""
    return (
        "yes" in (interval.new_fracture, interval.progression)
        or open_event(interval)
        or interval.lesion_response in CHANGED_RESPONSES
        or bool(interval.crossed)
    )


def verdict_words(interval: Interval) -> str:
    """What happened to the bone, in a few words."""
    if interval.new_fracture == "yes":
        return "new fracture"
    if interval.progression == "yes":
        return "fracture progressed"
    if "undetermined" in (interval.new_fracture, interval.progression):
        return "undetermined" if interval.height_loss_change_points is not None else "not compared"
    return "no new fracture"


def _column_row(one: LevelTrack) -> ColumnRow:
    intervals = one.intervals
    fractured = [i for i in intervals if i.new_fracture == "yes"]
    progressed = [i for i in intervals if i.progression == "yes"]
    responses = [i.lesion_response for i in intervals if i.lesion_response in CHANGED_RESPONSES]
    lesion = f"lesion {', '.join(responses)}" if responses else ""
    colours: tuple[str, ...] = ()
    note = ""
    if fractured or progressed:
        colours = (EVENT,) if fractured else (PROGRESS,)
        fall = (fractured or progressed)[0].height_loss_change_points
        points = "" if fall is None else f", height -{fall.value:.0f} points"
        note = ("new fracture" if fractured else "progression") + points
    elif any(open_event(i) for i in intervals):
        return ColumnRow(
            one.level, str(one.level), "undetermined", (), unknown=True, link=f"change-{one.level}"
        )
    elif not any(i.new_fracture == "no" for i in intervals):
        return ColumnRow(one.level, str(one.level), "not compared", (), unknown=True)
    elif responses:
        colours = (LESION,)
    words = "; ".join(part for part in (note, lesion) if part)
    link = f"change-{one.level}" if any(changed(i) for i in intervals) else None
    return ColumnRow(
        one.level, str(one.level), words, colours, strong=bool(fractured or progressed), link=link
    )


def _latest_shapes(track: Track, points: Sequence[Timepoint]) -> list[VertebraMeasurement]:
    """Last measurement of each level under the track's name, for the drawing."""
    found: dict[Level, VertebraMeasurement] = {}
    for case, point in enumerate(points):
        for one in track.levels:
            own = own_level(track, case, one.level)
            vertebra = None if own is None else point.case.measurements.vertebra(own)
            if vertebra is not None and vertebra.complete:
                found[one.level] = dataclasses.replace(vertebra, level=one.level)
    return list(found.values())


def _pair(
    track: Track, points: Sequence[Timepoint], event: tuple[Level, Interval], settings: ReportSettings
) -> dict[str, object] | None:
    level, interval = event
    names = own_level(track, interval.from_, level), own_level(track, interval.to, level)
    scans = points[interval.from_], points[interval.to]
    if names[0] is None or names[1] is None:
        return None
    found = anchor(scans, (names[0], names[1]), TrackingSettings())
    if found is None:
        return None
    then, now = then_and_now(scans, found, level, settings)
    return {
        "level": level,
        "words": verdict_words(interval),
        "colour": EVENT
        if interval.new_fracture == "yes"
        else PROGRESS
        if interval.progression == "yes"
        else "#8c8c8c",
        "then": png_uri(png_bytes(then)),
        "now": png_uri(png_bytes(now)),
        "interval": interval,
        "from": track.cases[interval.from_].study_date,
        "to": track.cases[interval.to].study_date,
        "renamed": [] if names == (level, level) else [str(name) for name in names],
    }


def _row(track: Track, level: Level, interval: Interval) -> dict[str, object]:
    change = interval.height_change_points
    return {
        "level": level,
        "from": track.cases[interval.from_].study_date,
        "to": track.cases[interval.to].study_date,
        "days": interval.days,
        "words": verdict_words(interval),
        "event": "yes" in (interval.new_fracture, interval.progression),
        "heights": [_signed(one) for one in (change.anterior, change.middle, change.posterior)],
        "detectable": ""
        if interval.smallest_detectable_points is None
        else f"{interval.smallest_detectable_points:.1f}",
        "genant": f"{_joined(interval.genant_from)} to {_joined(interval.genant_to)}",
        "lesion": interval.lesion_response,
        "volume": _signed(interval.lesion_volume_change_ml),
        "sins": _then_to_now(interval),
        "crossed": ", ".join(str(one) for one in interval.crossed),
        "reason": interval.reason or "",
    }


def _then_to_now(interval: Interval) -> str:
    if interval.sins_from is None and interval.sins_to is None:
        return ""
    bands = f"{band_words(interval.band_from)} to {band_words(interval.band_to)}"
    return f"{total_words(interval.sins_from)}, then {total_words(interval.sins_to)} ({bands})"


def _signed(estimate: Estimate | None) -> str:
    return "" if estimate is None else f"{estimate.value:+.1f} ({estimate.low:+.1f} to {estimate.high:+.1f})"


def _joined(values: Sequence[object]) -> str:
    return "/".join(str(value) for value in values) or "?"


def _case(number: int, point: Timepoint) -> dict[str, object]:
    record = point.case.record
    return {
        "number": number + 1,
        "path": point.path,
        "date": point.date.isoformat(),
        "modality": record.modality.value,
        "spacing": " x ".join(f"{one:.2f}" for one in record.series.spacing_mm),
        "series": record.series.description,
        "engine": f"{record.engine.name} {record.engine.version}",
        "revision": record.revision,
        "settings": record.settings_digest,
    }
