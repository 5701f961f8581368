"""spineimg models: the networks that are installed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spineimg.cli import options as opt

if TYPE_CHECKING:
    from spineimg.segmentation.bundles import Bundle

models = typer.Typer(help="List, verify, install and export networks.", no_args_is_help=True)


@models.command("list")
def list_models(json: opt.JsonOption = False) -> None:
    """List the networks, with version and place."""
    from spineimg.segmentation.bundles import list_models as installed

    _print_models(installed(), json_wanted=json)


@models.command("verify")
def verify_models(
    name: Annotated[str | None, typer.Argument(help="Network; default all.")] = None,
) -> None:
    """Check the files of a network against their digests."""
    from spineimg.segmentation import bundles

    folders = [bundles.find_model(name)] if name else [bundle.folder for bundle in bundles.list_models()]
    for folder in folders:
        bundles.verify(folder)
        typer.echo(f"good  {folder}")


@models.command("install")
def install_model(
    source: Annotated[Path, typer.Argument(help="Folder of a bundle.")],
) -> None:
    """Copy a network into the user's folder, after checking it."""
    from spineimg.segmentation.bundles import install

    typer.echo(install(source))


@models.command("export")
def export_model(
    name: Annotated[str, typer.Argument(help="Network.")],
    out: Annotated[Path, typer.Argument(help="Folder to put it into.")],
) -> None:
    """Copy a network to a folder, to install it elsewhere."""
    from spineimg.segmentation import bundles

    typer.echo(bundles.export(bundles.find_model(name), out))


def _print_models(bundles: Sequence[Bundle], *, json_wanted: bool) -> None:
    """The installed networks."""
    rows = [
        {"name": b.name, "version": b.version, "modality": b.modality, "folder": str(b.folder)}
        for b in bundles
    ]
    if json_wanted:
        from spineimg.cli.printing import print_json

        print_json(rows)
        return
    for row in rows:
        typer.echo(f"{row['name']}  {row['version']}  {row['modality'] or '-'}  {row['folder']}")


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.add_typer(models, name="models")
