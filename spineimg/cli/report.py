"""spineimg report: write the report of a case or a track again, as HTML or PDF."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    folder: Annotated[Path, typer.Argument(metavar="CASE|TRACK", help="Case or track folder.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="FILE.html or FILE.pdf; else report.html inside."),
    ] = None,
) -> None:
    """Write the report again."""
    from spineimg.pipeline.reporting import write_report

    typer.echo(write_report(folder, out))


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(report)
