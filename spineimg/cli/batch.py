"""spineimg batch: a folder of studies, one honest table in the morning."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spineimg.cli import options as opt


def batch(
    path: Annotated[Path, typer.Argument(help="Folder of studies, any depth.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Output folder; run again and it resumes.")
    ],
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, metavar="N", help="Processes; default from free cores and memory."),
    ] = None,
    retry: Annotated[
        int, typer.Option("--retry", min=0, metavar="N", help="Try a failed study again N times.")
    ] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be analysed, and stop.")] = False,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", metavar="ADDRESS", help="Dask scheduler, tcp://host:port.")
    ] = None,
    engine: Annotated[str | None, typer.Option("--engine", metavar="NAME", help="Network to use.")] = None,
    pain_file: opt.PainFileOption = None,
    settings: opt.SettingsOption = None,
    json: opt.JsonOption = False,
) -> None:
    """Analyse every study of a folder; one failure never stops the rest."""
    from spineimg.cli.printing_batch import batch_display, print_batch, print_plan
    from spineimg.pipeline.batch import BatchRequest, plan_batch, run_batch

    request = BatchRequest(
        path=path,
        out=out,
        workers=workers,
        retry=retry,
        scheduler=scheduler,
        engine=engine,
        pain_file=pain_file,
    )
    plan = plan_batch(request, opt.settings_of(settings))
    if dry_run:
        print_plan(plan, json_wanted=json)
        return
    with batch_display(len(plan.studies)) as tick:
        result = run_batch(plan, tick)
    print_batch(result, out, json_wanted=json)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(batch)
