"""Where a case comes from: series, engine, settings, patient key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np

from spineimg import __version__
from spineimg.core.case import CaseRecord, SeriesRecord
from spineimg.core.errors import UsageError
from spineimg.core.grid import Grid
from spineimg.core.labelmap import Caveat, EngineId, LabelMap
from spineimg.core.settings import Settings
from spineimg.core.volume import Volume
from spineimg.storage.keys import patient_key


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a case record is made of."""

    volume: Volume
    labels: LabelMap
    patient_key: str | None
    settings: Settings

    def record(self, timings_s: dict[str, float], peak_memory_mb: float | None) -> CaseRecord:
        """The case record, its files still to be listed."""
        origin = self.volume.origin
        key = self.patient_key or patient_key(origin.patient_id_issuer, origin.patient_id)
        return CaseRecord(
            spineimg_version=__version__,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            revision=0,
            patient_key=key,
            study_date=origin.study_date,
            modality=self.volume.modality,
            series=series_record(self.volume),
            engine=self.labels.engine or EngineId("unknown", "unknown"),
            settings_digest=self.settings.digest(),
            files={},
            caveats=(*_repairs(self.volume), *self.labels.findings),
            timings_s=timings_s,
            peak_memory_mb=peak_memory_mb,
            naming=self.labels.naming,
        )


def _repairs(volume: Volume) -> tuple[Caveat, ...]:
    return tuple(Caveat(repair.code, repair.message) for repair in volume.origin.repairs)


def series_record(volume: Volume) -> SeriesRecord:
    """The analysed series as the case keeps it."""
    origin, grid = volume.origin, volume.grid
    spacing = [round(float(x), 5) for x in grid.spacing_mm]
    return SeriesRecord(
        uid=origin.series_uid,
        description=origin.description,
        rows=origin.rows or grid.shape[1],
        columns=origin.columns or grid.shape[0],
        slices=origin.slices or grid.shape[2],
        spacing_mm=(spacing[0], spacing[1], spacing[2]),
        orientation=_orientation(grid),
        files=origin.files,
        digest=origin.digest,
    )


def _orientation(grid: Grid) -> tuple[float, ...]:
    directions = grid.affine[:3, :3] / np.linalg.norm(grid.affine[:3, :3], axis=0)
    return tuple(round(float(x), 6) for x in directions[:, :2].T.ravel())


def checked_date(text: str | None) -> str | None:
    """An ISO date, or None.

    Raises
    ------
    UsageError
        ``date-invalid``.
    """
    if text is None:
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise UsageError("date-invalid", f"'{text}' is no date", "write YYYY-MM-DD") from None
