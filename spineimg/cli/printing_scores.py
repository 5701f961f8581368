"""Scores of a case and changes of a track: tables for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.table import Table

from spineimg.cli.printing import console, print_caveats, print_json

if TYPE_CHECKING:
    from spineimg.core.case import Case
    from spineimg.core.scores import LevelScore, Total
    from spineimg.core.track import Interval, Track

BAND_WORDS = {"stable": "stable", "potentially_unstable": "potentially unstable", "unstable": "unstable"}


def range_text(total: Total | None) -> str:
    """``9`` or ``7-12``."""
    if total is None:
        return "-"
    return str(total.low) if total.low == total.high else f"{total.low}-{total.high}"


def points_text(points: Sequence[int]) -> str:
    """``2`` or ``0 or 2``."""
    return " or ".join(str(p) for p in points)


def bands_text(bands: Sequence[str]) -> str:
    """The band, or all that are possible."""
    return " or ".join(BAND_WORDS[b] for b in bands) or "-"


def score_table(levels: Sequence[LevelScore], title: str) -> Table:
    """One row a level: the points that each component may have, the total and what would decide it."""
    table = Table(title=title, title_justify="left", expand=False)
    for name in (
        "level",
        "state",
        "location",
        "pain",
        "bone",
        "alignment",
        "collapse",
        "posterolat.",
        "total",
        "band",
    ):
        table.add_column(name, no_wrap=name in {"level", "total"})
    table.add_column("what would decide it", overflow="fold")
    for score in levels:
        decide = score.decide[0].question if score.decide else (score.reason or "decided")
        table.add_row(
            str(score.level),
            score.state.replace("_", " "),
            *(points_text(component.possible) for _, component in score.components.items()),
            range_text(score.total),
            bands_text(score.band),
            decide,
        )
    return table


def print_case(case: Case, folder: Path, *, json_wanted: bool) -> None:
    """Scores of a case, or the same as JSON."""
    if json_wanted:
        from spineimg.storage.records import to_plain

        print_json({"case": str(folder), "record": to_plain(case.record), "sins": to_plain(case.scores)})
        return
    record, scores = case.record, case.scores
    found = case.measurements.vertebrae
    typer.echo(
        f"{record.modality.value} {record.study_date or 'date unknown'}, {record.series.slices} slices, "
        f"{len(found)} vertebrae: {', '.join(str(v.level) for v in found)}"
    )
    if scores.levels:
        console().print(score_table(scores.levels, "SINS by level (points that the data allow)"))
        typer.echo(f"patient: {range_text(scores.patient.total)} ({bands_text(scores.patient.band)})")
    else:
        typer.echo("no lesion found: no level to score")
    print_caveats(record.caveats)
    typer.echo(f"report: {folder / 'report.html'}")


def _change_row(level: str, interval: Interval) -> tuple[str, ...]:
    change = interval.height_loss_change_points
    volume = interval.lesion_volume_change_ml
    limit = interval.smallest_detectable_points
    return (
        level,
        "-" if change is None else f"{change.value:+.0f} ({change.low:+.0f} to {change.high:+.0f})",
        "-" if limit is None else f"{limit:.0f}",
        interval.new_fracture,
        interval.progression,
        f"{points_text(interval.genant_from) or '-'} > {points_text(interval.genant_to) or '-'}",
        interval.lesion_response,
        "-" if volume is None else f"{volume.value:+.1f}",
        f"{range_text(interval.sins_from)} > {range_text(interval.sins_to)}",
        (interval.reason or "") if "undetermined" in (interval.new_fracture, interval.progression) else "",
    )


def track_table(track: Track) -> Table:
    """One row a level and interval."""
    table = Table(title="Change by level", title_justify="left")
    for name in (
        "level",
        "height lost, points (95 %)",
        "smallest detectable",
        "new fracture",
        "progression",
        "Genant",
        "lesion",
        "ml",
        "SINS",
        "why open",
    ):
        table.add_column(name, overflow="fold")
    for level in track.levels:
        for interval in level.intervals:
            table.add_row(*_change_row(str(level.level), interval))
    return table


def print_track(track: Track, folder: Path, *, json_wanted: bool) -> None:
    """Changes between the scans, or the same as JSON."""
    if json_wanted:
        from spineimg.storage.records import to_plain

        print_json(to_plain(track))
        return
    typer.echo(" > ".join(f"{case.study_date} ({case.path})" for case in track.cases))
    console().print(track_table(track))
    for one in track.levels:
        for event in one.events:
            when = event.by if event.after == event.by else f"after {event.after}, seen {event.by}"
            typer.echo(f"{one.level}: {event.kind.replace('_', ' ')}, {when}")
    print_caveats(track.caveats)
    typer.echo(f"report: {folder / 'report.html'}")
