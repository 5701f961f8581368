"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from spineimg.core.settings import Settings
    from spineimg.core.volume import Modality

SeriesOption = Annotated[
    str | None, typer.Option("--series", metavar="UID", help="Take this series, not our pick.")
]
ModalityOption = Annotated[
    str | None,
    typer.Option("--modality", metavar="CT|MR", help="For NIfTI, which does not say what it holds."),
]
PainOption = Annotated[
    list[str] | None,
    typer.Option(
        "--pain",
        metavar="LEVEL=KIND",
        help="mechanical, occasional, none or unknown; give it again for each level.",
    ),
]
PainFileOption = Annotated[
    Path | None, typer.Option("--pain-file", metavar="CSV|JSON", help="Pain per level and date.")
]
LabelsOption = Annotated[
    Path | None,
    typer.Option(
        "--labels", metavar="FILE", help="Masks of the vertebrae (NIfTI) in place of the network's."
    ),
]
KindOption = Annotated[
    str,
    typer.Option(
        "--labels-kind",
        metavar="KIND",
        help="Whose ids: verse, totalsegmentator, spineps, totalspineseg or dicom-seg.",
    ),
]
SecondOption = Annotated[
    Path | None,
    typer.Option("--second", metavar="FILE", help="Second labels; where names differ, both stay possible."),
]
SecondKindOption = Annotated[
    str, typer.Option("--second-kind", metavar="KIND", help="Whose ids the second labels have.")
]
LesionsOption = Annotated[
    Path | None, typer.Option("--lesions", metavar="FILE", help="Lesion masks (NIfTI, one id a lesion).")
]
KeyOption = Annotated[
    str | None, typer.Option("--patient-key", metavar="KEY", help="Pseudonym of the patient.")
]
DateOption = Annotated[str | None, typer.Option("--date", metavar="YYYY-MM-DD", help="Date of the scan.")]
SettingsOption = Annotated[
    Path | None,
    typer.Option("--settings", metavar="TOML", help="Profile that changes thresholds; the report says so."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON in place of a table.")]


def modality_of(name: str | None) -> Modality | None:
    """Modality by its name, any case."""
    # numpy and the settings are imported on use: the help must come at once.
    from spineimg.core.errors import UsageError
    from spineimg.core.volume import Modality

    if name is None:
        return None
    try:
        return Modality(name.upper())
    except ValueError:
        raise UsageError(
            "modality-unknown", f"no modality '{name}'", "give --modality CT or --modality MR"
        ) from None


def settings_of(profile: Path | None) -> Settings:
    """Default settings, or those of a profile file."""
    from spineimg.core.errors import UsageError
    from spineimg.core.settings import Settings, load_settings

    if profile is None:
        return Settings()
    if not profile.is_file():
        raise UsageError("no-such-path", f"no settings file {profile}", "give the path of a TOML file")
    return load_settings(profile)
