"""What a user asks of an analysis."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from spineimg.core.volume import Modality


@dataclass(frozen=True, slots=True)
class Request:
    """What to analyse, and what the user says about it."""

    path: Path
    series_uid: str | None = None
    modality: Modality | None = None
    labels: Path | None = None
    labels_kind: str = "verse"
    second: Path | None = None
    """Second labels of the same scan; where they name a vertebra otherwise, both names stay possible."""
    second_kind: str = "verse"
    lesions: Path | None = None
    engine: str | None = None
    pain: tuple[str, ...] = ()
    pain_file: Path | None = None
    patient_key: str | None = None
    study_date: str | None = None
