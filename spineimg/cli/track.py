"""spineimg track: two or more scans of one patient compared, level by level."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spineimg.cli import options as opt


def track(
    cases: Annotated[list[Path], typer.Argument(help="Case folders of one patient, any order.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="TRACK", help="Track folder to make; it must not exist.")
    ],
    override_patient: Annotated[
        str | None,
        typer.Option(
            "--override-patient", metavar="REASON", help="Compare although the patient keys differ; says why."
        ),
    ] = None,
    treatment: Annotated[
        list[str] | None,
        typer.Option(
            "--treatment",
            metavar="LEVEL=KIND@DATE",
            help="surgery, cement, stabilisation, radiotherapy or bone_drug, such as L1=cement@2025-06-01.",
        ),
    ] = None,
    settings: opt.SettingsOption = None,
    json: opt.JsonOption = False,
) -> None:
    """Say which level fractured, grew or changed, and the smallest change that could be seen."""
    from spineimg.cli.printing import stage_display
    from spineimg.cli.printing_scores import print_track
    from spineimg.pipeline.follow import follow
    from spineimg.tracking import parse_treatments

    chosen, treatments = opt.settings_of(settings), parse_treatments(treatment or ())
    with stage_display() as say:
        result = follow(tuple(cases), out, chosen, say, override=override_patient, treatments=treatments)
    print_track(result, out, json_wanted=json)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(track)
