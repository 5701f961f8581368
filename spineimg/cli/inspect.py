"""spineimg inspect: what is in a folder, which series would be taken, and why not the others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spineimg.cli import options as opt


def inspect(
    path: Annotated[Path, typer.Argument(help="DICOM folder, file, zip or NIfTI.")],
    json: opt.JsonOption = False,
) -> None:
    """List the series of a folder with their rank and the reason; reads headers only."""
    from spineimg.cli.printing_series import print_scan
    from spineimg.core.settings import Settings
    from spineimg.pipeline.reading import look

    print_scan(look(path, Settings()), json_wanted=json)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(inspect)
