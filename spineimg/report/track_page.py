"""The follow-up of one patient as one self-contained HTML page."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from spineimg.core.estimate import Estimate
from spineimg.core.levels import Level
from spineimg.core.measurements import VertebraMeasurement
from spineimg.core.settings.report import ReportSettings
from spineimg.core.settings.tracking import TrackingSettings
from spineimg.core.track import Interval, LevelTrack, Track
from spineimg.report.canvas import png_bytes
from spineimg.report.column_svg import ColumnRow, column_svg
from spineimg.report.over_time import event_rows, height_plot, sins_ribbon
from spineimg.report.palette import band_words, total_words
from spineimg.report.sentences import open_event, track_sentence
from spineimg.report.templating import png_uri, render
from spineimg.report.then_now import then_and_now
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
    plot, ribbon = height_plot(track), sins_ribbon(track)
    return render(
        "track.html.j2",
        {
            "track": track,
            "sentence": track_sentence(track),
            "column": column_svg([_column_row(one) for one in track.levels], _latest_shapes(track, ordered)),
            "pairs": [
                {
                    "level": pair.level,
                    "words": verdict_words(pair.interval),
                    "colour": pair.colour,
                    "then": png_uri(png_bytes(pair.then)),
                    "now": png_uri(png_bytes(pair.now)),
                    "interval": pair.interval,
                    "from": track.cases[pair.interval.from_].study_date,
                    "to": track.cases[pair.interval.to].study_date,
                    "renamed": pair.renamed,
                }
                for pair in changed_pairs(track, ordered, settings)
            ],
            "plot": None if plot is None else png_uri(png_bytes(plot)),
            "ribbon": None if ribbon is None else png_uri(png_bytes(ribbon)),
            "events": event_rows(track.levels),
            "rows": [_row(track, one.level, interval) for one in track.levels for interval in one.intervals],
            "cases": [_case(number, point) for number, point in enumerate(ordered)],
        },
    )


def changed(interval: Interval) -> bool:
    """Whether something happened, or may have, that a reader must see."""
    return (
        "yes" in (interval.new_fracture, interval.progression, interval.event)
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
    if interval.event == "yes":
        return "fracture, new or progressed"
    if "undetermined" in (interval.new_fracture, interval.progression):
        return "undetermined" if interval.height_loss_change_points is not None else "not compared"
    return "no new fracture"


def _column_row(one: LevelTrack) -> ColumnRow:
    intervals = one.intervals
    fractured = [i for i in intervals if i.new_fracture == "yes"]
    progressed = [i for i in intervals if i.progression == "yes"]
    other = [i for i in intervals if i.event == "yes" and i not in (*fractured, *progressed)]
    responses = [i.lesion_response for i in intervals if i.lesion_response in CHANGED_RESPONSES]
    lesion = f"lesion {', '.join(responses)}" if responses else ""
    colours: tuple[str, ...] = ()
    note = ""
    events = fractured or progressed or other
    if events:
        colours = (EVENT,) if fractured else (PROGRESS,)
        fall = events[0].height_loss_change_points
        points = "" if fall is None else f", height -{fall.value:.0f} points"
        note = f"{verdict_words(events[0])}{points}"
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
    return ColumnRow(one.level, str(one.level), words, colours, strong=bool(events), link=link)


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


@dataclass(frozen=True, slots=True, eq=False)
class ChangedPair:
    """One level over an interval in which something happened, drawn then and now."""

    level: Level
    interval: Interval
    then: Figure
    now: Figure
    renamed: list[str]
    """What the two scans call it, where that is not the level's name."""

    @property
    def colour(self) -> str:
        """Colour of the worst that happened."""
        if self.interval.new_fracture == "yes":
            return EVENT
        return PROGRESS if "yes" in (self.interval.progression, self.interval.event) else "#8c8c8c"


def changed_pairs(
    track: Track, points: Sequence[Timepoint], settings: ReportSettings
) -> Iterator[ChangedPair]:
    """Draw every level and interval that a reader must see; points by date."""
    for one in track.levels:
        for interval in one.intervals:
            if not changed(interval):
                continue
            places = interval.from_, interval.to
            first, second = (own_level(track, place, one.level) for place in places)
            if first is None or second is None:
                continue
            scans = points[places[0]], points[places[1]]
            found = anchor(scans, (first, second), TrackingSettings())
            if found is not None:
                then, now = then_and_now(scans, found, one.level, settings)
                renamed = [] if first is second is one.level else [str(first), str(second)]
                yield ChangedPair(one.level, interval, then, now, renamed)


def _row(track: Track, level: Level, interval: Interval) -> dict[str, object]:
    change = interval.height_change_points
    return {
        "level": level,
        "from": track.cases[interval.from_].study_date,
        "to": track.cases[interval.to].study_date,
        "days": interval.days,
        "words": verdict_words(interval),
        "event": "yes" in (interval.new_fracture, interval.progression, interval.event),
        "heights": [_signed(one) for one in (change.anterior, change.middle, change.posterior)],
        "area": _signed(interval.area_change_points),
        "height_verdict": interval.height_verdict,
        "detectable": ""
        if interval.smallest_detectable_points is None
        else f"{interval.smallest_detectable_points:.1f}",
        "genant": f"{_joined(interval.genant_from)} to {_joined(interval.genant_to)}",
        "lesion": interval.lesion_response,
        "volume": _signed(interval.lesion_volume_change_ml),
        "sins": _then_to_now(interval),
        "crossed": ", ".join(str(one) for one in interval.crossed),
        "components": _components(interval),
        "reason": " ".join(
            [interval.reason or "", *(f"Not compared: {one}." for one in interval.not_compared)]
        ),
    }


def _then_to_now(interval: Interval) -> str:
    if interval.sins_from is None and interval.sins_to is None:
        return ""
    bands = f"{band_words(interval.band_from)} to {band_words(interval.band_to)}"
    return f"{total_words(interval.sins_from)}, then {total_words(interval.sins_to)} ({bands})"


def _components(interval: Interval) -> str:
    """Alignment and posterolateral points then and now, where they differ."""
    rows = (
        ("alignment", interval.alignment_from, interval.alignment_to),
        ("posterolateral", interval.posterolateral_from, interval.posterolateral_to),
    )
    return "; ".join(
        f"{name} {_joined(then)} to {_joined(now)}"
        for name, then, now in rows
        if then != now and then and now
    )


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
