"""A small cohort on disk, built from the core's own records and changed as a test needs it."""

from __future__ import annotations

import csv
import dataclasses
import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from spineimg.core.case import CaseRecord
from spineimg.core.levels import Level
from spineimg.core.measurements import Measurements, VertebraMeasurement
from spineimg.core.scores import Component, LevelScore, Pain, SinsScores
from spineimg.core.settings import Settings
from spineimg.core.settings.trial import TrialSettings
from spineimg.scoring.table import bands_of, total_of
from spineimg.storage.records import dump_json
from spineimg.trial.sample_cohort import records_of
from spineimg.trial.simulation import NEVER, SimulatedLevel, SimulatedPatient

BASELINE = datetime.date(2019, 3, 1)
POINTS = {"location": 3, "pain": 3, "bone_lesion": 2, "alignment": 0, "collapse": 0, "posterolateral": 1}

Change = Callable[[CaseRecord, Measurements, SinsScores], tuple[CaseRecord, Measurements, SinsScores]]


def level(name: str = "L1", fracture_day: float = NEVER, **points: int) -> SimulatedLevel:
    """A level of SINS 9 unless points say otherwise; ``collapse=2`` is fractured at baseline."""
    return SimulatedLevel(Level(name), {**POINTS, **points}, "mechanical", 40.0, NEVER, NEVER, fracture_day)


def patient(
    key: str = "p1", days: tuple[int, ...] = (0, 90, 180), levels: tuple[SimulatedLevel, ...] | None = None
) -> SimulatedPatient:
    """A woman of 49 with scans on these days."""
    return SimulatedPatient(
        key, "F", datetime.date(1970, 1, 1), BASELINE, days, NEVER, max(days), levels or (level(),)
    )


@dataclass
class CohortFolder:
    """Case folders and the two tables of a test."""

    root: Path
    clinical: list[dict[str, str]] = field(default_factory=list)
    events: list[dict[str, str]] = field(default_factory=list)

    @property
    def cases(self) -> Path:
        return self.root / "cases"

    def add(self, one: SimulatedPatient, change: Mapping[int, Change] | None = None, **clinical: str) -> None:
        """Write a patient's cases, some days changed, and a clinical row (``skip_row`` leaves it out)."""
        random = np.random.default_rng(1)
        for day in one.visit_days:
            case, measurements, scores = records_of(one, day, random)
            if change and day in change:
                case, measurements, scores = change[day](case, measurements, scores)
            folder = self.cases / one.key / f"day{day}"
            folder.mkdir(parents=True)
            for name, value in (("case", case), ("measurements", measurements), ("sins", scores)):
                (folder / f"{name}.json").write_text(dump_json(value), encoding="utf-8")
        row = {
            "patient_key": one.key,
            "sex": "F",
            "birth_date": one.birth.isoformat(),
            "breast_cancer_histology": "yes",
            "metastasis_proof": "radiology",
            "other_malignancy": "no",
            "withdrawn": "no",
            **clinical,
        }
        if "skip_row" not in row:
            self.clinical.append(row)

    def event(self, day: int, kind: str, key: str = "p1", level: str = "L1", value: str = "") -> None:
        """Add a row of the events table."""
        date = (BASELINE + datetime.timedelta(days=day)).isoformat()
        self.events.append({"patient_key": key, "level": level, "date": date, "kind": kind, "value": value})

    def tables(self) -> tuple[Path, Path | None]:
        """Write both tables."""
        clinical = write_table(self.root / "clinical.csv", self.clinical)
        return clinical, write_table(self.root / "events.csv", self.events) if self.events else None


def write_table(path: Path, rows: list[dict[str, str]]) -> Path:
    columns = list(dict.fromkeys(c for row in rows for c in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def changed_vertebra(name: str, **values: object) -> Change:
    """Change fields of one vertebra of a scan."""

    def change(
        case: CaseRecord, measured: Measurements, scores: SinsScores
    ) -> tuple[CaseRecord, Measurements, SinsScores]:
        def one(v: VertebraMeasurement) -> VertebraMeasurement:
            return dataclasses.replace(v, **values) if v.level is Level(name) else v  # type: ignore[arg-type]

        return (
            case,
            dataclasses.replace(measured, vertebrae=tuple(one(v) for v in measured.vertebrae)),
            scores,
        )

    return change


def changed_score(name: str, state: str = "scored", **possible: tuple[int, ...]) -> Change:
    """Change state and possible points of one level's score; pain that is open becomes unknown."""

    def change(
        case: CaseRecord, measured: Measurements, scores: SinsScores
    ) -> tuple[CaseRecord, Measurements, SinsScores]:
        def one(s: LevelScore) -> LevelScore:
            if s.level is not Level(name):
                return s
            parts = {k: Component(v, getattr(s.components, k).evidence) for k, v in possible.items()}
            components = dataclasses.replace(s.components, **parts)
            total = total_of(components)
            pain = s.pain if "pain" not in possible else Pain("unknown")
            return dataclasses.replace(
                s, state=state, pain=pain, components=components, total=total, band=bands_of(total)
            )  # type: ignore[arg-type]

        return case, measured, dataclasses.replace(scores, levels=tuple(one(s) for s in scores.levels))

    return change


@pytest.fixture
def cohort(tmp_path: Path) -> CohortFolder:
    """An empty cohort."""
    return CohortFolder(tmp_path)


@pytest.fixture(scope="session")
def quick() -> Settings:
    """Settings with few resamples."""
    return Settings(trial=TrialSettings(bootstrap_repeats=20))
