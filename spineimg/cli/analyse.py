"""spineimg analyse: one scan to a case folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spineimg.cli import options as opt


def analyse(
    path: Annotated[Path, typer.Argument(help="DICOM folder, file, zip or NIfTI.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="CASE", help="Case folder to make; it must not exist.")
    ],
    series: opt.SeriesOption = None,
    labels: opt.LabelsOption = None,
    labels_kind: opt.KindOption = "verse",
    second: opt.SecondOption = None,
    second_kind: opt.SecondKindOption = "verse",
    lesions: opt.LesionsOption = None,
    engine: Annotated[str | None, typer.Option("--engine", metavar="NAME", help="Network to use.")] = None,
    modality: opt.ModalityOption = None,
    pain: opt.PainOption = None,
    pain_file: opt.PainFileOption = None,
    patient_key: opt.KeyOption = None,
    date: opt.DateOption = None,
    settings: opt.SettingsOption = None,
    json: opt.JsonOption = False,
) -> None:
    """Find and name the vertebrae, find the lesions, measure and score them."""
    from spineimg.cli.printing import stage_display
    from spineimg.cli.printing_scores import print_case
    from spineimg.pipeline.analyse import analyse
    from spineimg.pipeline.request import Request

    request = Request(
        path=path,
        series_uid=series,
        modality=opt.modality_of(modality),
        labels=labels,
        labels_kind=labels_kind,
        second=second,
        second_kind=second_kind,
        lesions=lesions,
        engine=engine,
        pain=tuple(pain or ()),
        pain_file=pain_file,
        patient_key=patient_key,
        study_date=date,
    )
    with stage_display() as say:
        case = analyse(request, out, opt.settings_of(settings), say)
    print_case(case, out, json_wanted=json)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(analyse)
