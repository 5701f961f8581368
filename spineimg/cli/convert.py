"""spineimg convert: write what was loaded as NIfTI."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spineimg.cli import options as opt


def convert(
    path: Annotated[Path, typer.Argument(help="DICOM folder, file, zip or NIfTI.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.nii.gz", help="File to write; it must not exist.")],
    series: opt.SeriesOption = None,
    modality: opt.ModalityOption = None,
    json: opt.JsonOption = False,
) -> None:
    """Write one series as NIfTI, and name every repair of the input."""
    from spineimg.cli.printing_series import print_volume
    from spineimg.core.settings import Settings
    from spineimg.pipeline.reading import convert_to_nifti

    volume = convert_to_nifti(path, out, series, opt.modality_of(modality), Settings())
    print_volume(volume, out, json_wanted=json)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(convert)
