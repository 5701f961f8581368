"""spineimg trial: a cohort of case folders to the analysis of a trial."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spineimg.cli import options as opt

if TYPE_CHECKING:
    from spineimg.trial import Trial


def trial(
    cohort: Annotated[Path, typer.Argument(help="Folder tree with case folders.")],
    clinical: Annotated[
        Path, typer.Option("--clinical", metavar="FILE", help="CSV or Parquet, one row a patient.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to make; it must not exist.")],
    events: Annotated[
        Path | None,
        typer.Option(
            "--events", metavar="FILE", help="Treatments, pain and adjudications per level and date."
        ),
    ] = None,
    protocol: Annotated[
        Path | None, typer.Option("--protocol", metavar="TOML", help="Trial protocol; default NCT03365973.")
    ] = None,
    settings: opt.SettingsOption = None,
    json: opt.JsonOption = False,
) -> None:
    """Eligibility, endpoints and statistics of a cohort, with every problem of the tables named."""
    from spineimg.cli.printing import stage_display
    from spineimg.trial import run_trial

    with stage_display() as say:
        say("analysing the cohort")
        result = run_trial(cohort, clinical, events, protocol, out, opt.settings_of(settings))
    _print_trial(result, out, json_wanted=json)


def _print_trial(trial: Trial, out: Path, *, json_wanted: bool) -> None:
    """Counts of a trial, its analyses, and each problem of its tables in one line."""
    record = trial.record
    eligible = Counter(patient.eligible for patient in record.patients)
    if json_wanted:
        typer.echo((out / "trial.json").read_text(encoding="utf-8"))
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


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(trial)
