"""spineimg rescore: new pain, a reader's verdict, edited labels or lesions, without the network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spineimg.cli import options as opt


def rescore(
    case: Annotated[Path, typer.Argument(help="Case folder.")],
    pain: opt.PainOption = None,
    pain_file: opt.PainFileOption = None,
    labels: opt.LabelsOption = None,
    lesions: opt.LesionsOption = None,
    verdict: Annotated[
        list[str] | None,
        typer.Option(
            "--verdict",
            metavar="LEVEL.COMPONENT=WORD",
            help="A reader's word, such as L4.alignment=translation; needs --reader and --why.",
        ),
    ] = None,
    reader: Annotated[str | None, typer.Option("--reader", metavar="NAME", help="Who changes it.")] = None,
    why: Annotated[str | None, typer.Option("--why", metavar="TEXT", help="Why it is changed.")] = None,
    settings: opt.SettingsOption = None,
    json: opt.JsonOption = False,
) -> None:
    """Score a case again with new pain, verdicts or masks, as a new revision; the old one is kept."""
    from spineimg.cli.printing import stage_display
    from spineimg.cli.printing_scores import print_case
    from spineimg.pipeline.rescore import Correction, rescore

    correction = Correction(
        pain=tuple(pain or ()),
        pain_file=pain_file,
        labels=labels,
        lesions=lesions,
        verdicts=tuple(verdict or ()),
        reader=reader,
        why=why,
    )
    with stage_display() as say:
        result = rescore(case, correction, opt.settings_of(settings), say)
    print_case(result, case, json_wanted=json)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(rescore)
