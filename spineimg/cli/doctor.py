"""spineimg doctor: is everything here that the program needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from spineimg.cli import options as opt

if TYPE_CHECKING:
    from spineimg.pipeline.doctor import Check


def doctor(json: opt.JsonOption = False) -> None:
    """Check packages, codecs, networks, memory and folders; exit code 5 when something is missing."""
    from spineimg.pipeline.doctor import check_all

    checks = check_all()
    _print_checks(checks, json_wanted=json)
    if not all(check.good for check in checks):
        raise typer.Exit(5)


def _print_checks(checks: Sequence[Check], *, json_wanted: bool) -> None:
    """One line a check."""
    if json_wanted:
        from spineimg.cli.printing import print_json

        print_json([{"name": c.name, "good": c.good, "found": c.found, "remedy": c.remedy} for c in checks])
        return
    for check in checks:
        remedy = "" if check.good else f"; {check.remedy}"
        typer.echo(f"{'good' if check.good else 'BAD '}  {check.name}: {check.found}{remedy}")


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(doctor)
