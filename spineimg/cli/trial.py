"""spineimg trial: a cohort of case folders to the analysis of a trial."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spineimg.cli import options as opt


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
    from spineimg.cli.printing import print_trial, stage_display
    from spineimg.trial import run_trial

    with stage_display() as say:
        say("analysing the cohort")
        result = run_trial(cohort, clinical, events, protocol, out, opt.settings_of(settings))
    print_trial(result, out, json_wanted=json)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(trial)
