"""Entry point: the verbs, and the one place where errors are printed."""

from __future__ import annotations

import errno
import sys
from importlib import import_module
from typing import Annotated

import typer

VERBS = (
    "inspect",
    "convert",
    "analyse",
    "rescore",
    "explain",
    "track",
    "report",
    "batch",
    "models",
    "doctor",
    "trial",
)

app = typer.Typer(
    name="spineimg",
    help="Spinal metastases on CT: vertebrae named, SINS scored with its evidence, fractures followed. "
    "For research; not a medical device.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _verb in VERBS:
    import_module(f"spineimg.cli.{_verb}").register(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        from spineimg import __version__

        typer.echo(f"spineimg {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop."),
    ] = False,
) -> None:
    pass


def run() -> None:
    """Run the command line; every refusal is one line on stderr and its exit code."""
    from spineimg.core.errors import EnvironmentFault, SpineimgError

    try:
        app()
    except SpineimgError as error:
        _stop(error)
    except KeyboardInterrupt:
        typer.echo("stopped; nothing half-written was kept", err=True)
        sys.exit(130)
    except PermissionError as error:
        _stop(
            EnvironmentFault("permission-denied", f"no permission: {error.filename}", "choose another folder")
        )
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _stop(EnvironmentFault("disk-full", "no space left on the disk", "free some space and run again"))


def _stop(error: Exception) -> None:
    typer.echo(str(error), err=True)
    sys.exit(getattr(error, "exit_code", 1))
