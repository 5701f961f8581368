"""spineimg explain: the reasoning behind the score of one level."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def explain(
    case: Annotated[Path, typer.Argument(help="Case folder.")],
    level: Annotated[str, typer.Argument(help="Level, such as L1.")],
) -> None:
    """Say why a level has its score, so that a reader can argue with it."""
    from spineimg.pipeline.explain import explain_level

    typer.echo(explain_level(case, level))


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(explain)
