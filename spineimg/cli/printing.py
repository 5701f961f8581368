"""Tables for people, JSON for programs; both say the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from spineimg.core.case import Case
    from spineimg.core.labelmap import Caveat
    from spineimg.core.scores import LevelScore, Total
    from spineimg.core.track import Interval, Track
    from spineimg.core.volume import Repair, Volume
    from spineimg.dicom.scanning import Scan
    from spineimg.dicom.series import Series
    from spineimg.pipeline.batch import Plan
    from spineimg.pipeline.doctor import Check
    from spineimg.pipeline.tables import BatchResult
    from spineimg.segmentation.bundles import Bundle
    from spineimg.trial import Trial

BAND_WORDS = {"stable": "stable", "potentially_unstable": "potentially unstable", "unstable": "unstable"}


def print_json(value: Any) -> None:
    """Print one JSON document."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _console() -> Console:
    console = Console(soft_wrap=False)
    return console if console.is_terminal else Console(width=160)


@contextmanager
def stage_display() -> Iterator[Callable[[str], None]]:
    """Show the running stage with a spinner on a terminal, a line each elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda stage: typer.echo(f"{stage} ...", err=True)
        return
    with console.status("starting") as status:
        yield lambda stage: status.update(stage)


@contextmanager
def batch_display(count: int) -> Iterator[Callable[[str], None]]:
    """Progress bar over the studies of a batch."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("studies", total=count)
        yield lambda message: progress.update(task, advance=1, description=message)


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


def _caveat_lines(caveats: Sequence[Caveat | Repair]) -> None:
    for caveat in caveats:
        levels = ", ".join(str(level) for level in getattr(caveat, "levels", ()))
        typer.echo(f"caveat[{caveat.code}]{' ' + levels if levels else ''}: {caveat.message}")


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
        _console().print(score_table(scores.levels, "SINS by level (points that the data allow)"))
        typer.echo(f"patient: {range_text(scores.patient.total)} ({bands_text(scores.patient.band)})")
    else:
        typer.echo("no lesion found: no level to score")
    _caveat_lines(record.caveats)
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
    _console().print(track_table(track))
    for one in track.levels:
        for event in one.events:
            when = event.by if event.after == event.by else f"after {event.after}, seen {event.by}"
            typer.echo(f"{one.level}: {event.kind.replace('_', ' ')}, {when}")
    _caveat_lines(track.caveats)
    typer.echo(f"report: {folder / 'report.html'}")


def print_volume(volume: Volume, out: Path | None, *, json_wanted: bool) -> None:
    """What was loaded and every repair."""
    origin = volume.origin
    spacing = [round(float(x), 4) for x in volume.grid.spacing_mm]
    if json_wanted:
        repairs = [{"code": r.code, "message": r.message} for r in origin.repairs]
        print_json(
            {
                "out": None if out is None else str(out),
                "modality": volume.modality.value,
                "series": origin.series_uid,
                "shape": list(volume.array.shape),
                "spacing_mm": spacing,
                "caveats": repairs,
            }
        )
        return
    target = f" > {out}" if out else ""
    typer.echo(f"{volume.modality.value} {list(volume.array.shape)} voxels of {spacing} mm{target}")
    _caveat_lines(origin.repairs)


def print_checks(checks: Sequence[Check], *, json_wanted: bool) -> None:
    """One line a check."""
    if json_wanted:
        print_json([{"name": c.name, "good": c.good, "found": c.found, "remedy": c.remedy} for c in checks])
        return
    for check in checks:
        remedy = "" if check.good else f"; {check.remedy}"
        typer.echo(f"{'good' if check.good else 'BAD '}  {check.name}: {check.found}{remedy}")


def print_scan(found: Scan | Volume, *, json_wanted: bool) -> None:
    """The series, best first, with what each is and why it stands there; or one NIfTI image."""
    from spineimg.core.volume import Volume

    if isinstance(found, Volume):
        print_volume(found, None, json_wanted=json_wanted)
        return
    rows = [_series_row(series) for series in found.series]
    if json_wanted:
        skipped = [{"file": s.source.name, "code": s.code, "reason": s.reason} for s in found.skipped]
        caveats = [{"code": c.code, "message": c.message} for c in found.caveats]
        print_json({"series": rows, "skipped": skipped, "caveats": caveats, "files": found.files})
        return
    table = Table(title=f"{len(rows)} series in {found.files} files", title_justify="left")
    for name in ("", "modality", "description", "shape", "spacing mm", "verdict", "UID"):
        table.add_column(name, overflow="fold")
    for row in rows:
        mark = "pick" if row["rank"] == 1 and row["fit"] else str(row["rank"])
        shape = "x".join(str(n) for n in row["shape"])
        spacing = "-" if row["spacing_mm"] is None else " ".join(f"{x:.2f}" for x in row["spacing_mm"])
        verdict = row["reason"] if row["fit"] else f"[{row['code']}] {row['reason']}"
        table.add_row(mark, row["modality"], row["description"], shape, spacing, escape(verdict), row["uid"])
    _console().print(table)
    for row in rows:
        for caveat in row["caveats"]:
            typer.echo(f"caveat[{caveat['code']}] series {row['rank']}: {caveat['message']}")
    _caveat_lines(found.caveats)


def _series_row(series: Series) -> dict[str, Any]:
    return {
        "uid": series.uid,
        "rank": series.rank,
        "fit": series.fit,
        "code": series.code,
        "reason": series.reason,
        "modality": series.modality,
        "description": series.description,
        "study_date": series.study_date,
        "images": series.images,
        "shape": list(series.shape),
        "spacing_mm": None if series.spacing_mm is None else [round(x, 4) for x in series.spacing_mm],
        "kernel": series.kernel,
        "body_part": series.body_part,
        "caveats": [{"code": r.code, "message": r.message} for r in series.repairs],
    }


def print_plan(plan: Plan, *, json_wanted: bool) -> None:
    """What a batch would do."""
    if json_wanted:
        todo = [{"id": s.id, "path": str(s.path), "series": s.series_uid} for s in plan.studies]
        refused = [{"id": f.id, "path": f.path, "code": f.code, "message": f.message} for f in plan.refused]
        print_json({"to_do": todo, "done": [s.id for s in plan.done], "refused": refused})
        return
    for study in plan.studies:
        typer.echo(f"to do    {study.id}  {study.path}  {study.description}")
    for study in plan.done:
        typer.echo(f"done     {study.id}  {study.path}")
    for failure in plan.refused:
        typer.echo(f"refused  {failure.id}  {failure.path}  [{failure.code}] {failure.message}")
    typer.echo(f"{len(plan.studies)} to do, {len(plan.done)} done, {len(plan.refused)} refused")


def print_batch(result: BatchResult, out: Path, *, json_wanted: bool) -> None:
    """Counts, and each failure in one line."""
    if json_wanted:
        failures = [
            {"id": f.id, "path": f.path, "code": f.code, "message": f.message} for f in result.failures
        ]
        print_json(
            {"out": str(out), "analysed": result.analysed, "levels": result.levels, "failures": failures}
        )
        return
    for failure in result.failures:
        typer.echo(f"failed  {failure.id}  [{failure.code}] {failure.message}; {failure.remedy}")
    counts = f"{result.analysed} analysed, {len(result.failures)} failed, {result.levels} levels"
    typer.echo(f"{counts}: {out / 'levels.csv'}")


def print_models(bundles: Sequence[Bundle], *, json_wanted: bool) -> None:
    """The installed networks."""
    rows = [
        {"name": b.name, "version": b.version, "modality": b.modality, "folder": str(b.folder)}
        for b in bundles
    ]
    if json_wanted:
        print_json(rows)
        return
    for row in rows:
        typer.echo(f"{row['name']}  {row['version']}  {row['modality'] or '-'}  {row['folder']}")


def print_trial(trial: Trial, out: Path, *, json_wanted: bool) -> None:
    """Counts of a trial, its analyses, and each problem of its tables in one line."""
    from collections import Counter

    record = trial.record
    eligible = Counter(patient.eligible for patient in record.patients)
    if json_wanted:
        print_json(json.loads((out / "trial.json").read_text(encoding="utf-8")))
        return
    typer.echo(
        f"{len(record.patients)} patients: {eligible['yes']} eligible, {eligible['no']} not, "
        f"{eligible['unknown']} unknown; {len(record.index_levels)} index levels"
    )
    typer.echo(f"{len(record.analyses)} analyses, each with its table in {out}")
    for problem in record.problems:
        place = f"{problem.file}:{problem.line or ''}"
        typer.echo(f"problem[{problem.code}] {place} {problem.column or ''}: {problem.message}")
    typer.echo(f"report: {out / 'report.html'}")
