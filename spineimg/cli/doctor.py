"""spineimg doctor: is everything here that the program needs."""

from __future__ import annotations

import typer

from spineimg.cli import options as opt


def doctor(json: opt.JsonOption = False) -> None:
    """Check packages, codecs, networks, memory and folders; exit code 5 when something is missing."""
    from spineimg.cli.printing import print_checks
    from spineimg.pipeline.doctor import check_all

    checks = check_all()
    print_checks(checks, json_wanted=json)
    if not all(check.good for check in checks):
        raise typer.Exit(5)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(doctor)
