"""What every verb prints: JSON, caveats, the stage that runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

if TYPE_CHECKING:
    from spineimg.core.labelmap import Caveat
    from spineimg.core.volume import Repair


def print_json(value: Any) -> None:
    """Print one JSON document."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def console() -> Console:
    """The terminal, or wide lines for a file."""
    terminal = Console(soft_wrap=False)
    return terminal if terminal.is_terminal else Console(width=160)


@contextmanager
def stage_display() -> Iterator[Callable[[str], None]]:
    """Show the running stage with a spinner on a terminal, a line each elsewhere."""
    errors = Console(stderr=True)
    if not errors.is_terminal:
        yield lambda stage: typer.echo(f"{stage} ...", err=True)
        return
    with errors.status("starting") as status:
        yield lambda stage: status.update(stage)


def print_caveats(caveats: Sequence[Caveat | Repair]) -> None:
    """One line a caveat."""
    for caveat in caveats:
        levels = ", ".join(str(level) for level in getattr(caveat, "levels", ()))
        typer.echo(f"caveat[{caveat.code}]{' ' + levels if levels else ''}: {caveat.message}")
