"""One analysed scan: index and provenance; the fields are those of ``case.json``."""

from __future__ import annotations

from dataclasses import dataclass, field

from spineimg.core.labelmap import Caveat, EngineId, NamingRecord
from spineimg.core.measurements import Measurements
from spineimg.core.scores import SinsScores
from spineimg.core.volume import Modality


@dataclass(frozen=True, slots=True)
class SeriesRecord:
    """The analysed series."""

    uid: str
    description: str
    rows: int
    columns: int
    slices: int
    spacing_mm: tuple[float, float, float]
    orientation: tuple[float, ...]
    """Row and column direction cosines, LPS (6 numbers)."""
    files: int
    digest: str


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """Index and provenance of a case folder."""

    spineimg_version: str
    created: str
    revision: int
    patient_key: str | None
    study_date: str | None
    modality: Modality
    series: SeriesRecord
    engine: EngineId
    settings_digest: str
    files: dict[str, str]
    caveats: tuple[Caveat, ...]
    timings_s: dict[str, float] = field(default_factory=dict)
    peak_memory_mb: float | None = None
    naming: NamingRecord | None = None
    """Extra to the contract (docs/decisions/0001): how sure the engine was of all names together."""


@dataclass(frozen=True, slots=True)
class Case:
    """One scan, whole: provenance, measurements and scores."""

    record: CaseRecord
    measurements: Measurements
    scores: SinsScores
