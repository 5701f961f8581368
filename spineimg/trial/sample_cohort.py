"""Write a simulated cohort as case folders without images, with its clinical and events tables."""

from __future__ import annotations

import csv
import datetime
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from spineimg import __version__
from spineimg.core.case import CaseRecord, SeriesRecord
from spineimg.core.estimate import Estimate
from spineimg.core.labelmap import EngineId
from spineimg.core.levels import Level
from spineimg.core.measurements import (
    Density,
    Heights,
    LesionMeasurement,
    Measurements,
    StructureShares,
    VertebraMeasurement,
)
from spineimg.core.scores import (
    Component,
    Components,
    Evidence,
    LevelScore,
    Pain,
    PatientScore,
    SinsScores,
    Total,
)
from spineimg.core.volume import Modality
from spineimg.scoring.table import bands_of, total_of
from spineimg.storage.records import dump_json
from spineimg.trial.clinical import CLINICAL_COLUMNS
from spineimg.trial.events import EVENT_COLUMNS
from spineimg.trial.simulation import (
    NEVER,
    Hazards,
    SimulatedLevel,
    SimulatedPatient,
    observed,
    simulate_patient,
)

IN_VIEW = tuple(
    level
    for level in Level
    if level.value in {*(f"T{n}" for n in range(1, 13)), *(f"L{n}" for n in range(1, 6))}
)
HEIGHT_SD_MM = 0.15
"""Of one measured height: repeat measurement at 1 mm spacing."""
_FALL_PERCENT = 38.0
_COLLAPSED_PERCENT = 30.0


def write_cohort(patients: Sequence[SimulatedPatient], out: Path, seed: int) -> None:
    """Write ``cases/``, ``clinical.csv``, ``events.csv`` and ``truth.json``.

    Parameters
    ----------
    patients : sequence of SimulatedPatient
        Whom.
    out : Path
        Folder; it must not exist.
    seed : int
        Of the measurement noise.
    """
    random = np.random.default_rng(seed)
    out.mkdir(parents=True)
    for patient in patients:
        for day in patient.visit_days:
            folder = out / "cases" / f"{patient.key}_{day:04d}"
            folder.mkdir(parents=True)
            case, measurements, scores = records_of(patient, day, random)
            (folder / "case.json").write_text(dump_json(case), encoding="utf-8")
            (folder / "measurements.json").write_text(dump_json(measurements), encoding="utf-8")
            (folder / "sins.json").write_text(dump_json(scores), encoding="utf-8")
    _write_csv(out / "clinical.csv", list(CLINICAL_COLUMNS), (_clinical(p) for p in patients))
    _write_csv(out / "events.csv", list(EVENT_COLUMNS), (row for p in patients for row in _events(p)))
    truth = [
        {"patient_key": p.key, "level": str(level.level), "total": level.total, **_truth(p, level)}
        for p in patients
        for level in p.levels
    ]
    (out / "truth.json").write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")


def simulate_patients(n: int, seed: int, hazards: Hazards | None = None) -> list[SimulatedPatient]:
    """Draw patients by one seed."""
    random = np.random.default_rng(seed)
    return [simulate_patient(k, hazards or Hazards(), random) for k in range(1, n + 1)]


def _truth(patient: SimulatedPatient, level: SimulatedLevel) -> dict[str, object]:
    seen = observed(patient, level)
    day = level.fracture_day if level.fracture_day < 1e6 else None
    return {
        "fracture_day": None if day is None else round(day, 1),
        "status": seen.status,
        "left_days": seen.left_days,
        "right_days": seen.right_days,
    }


def _clinical(patient: SimulatedPatient) -> dict[str, str]:
    def date(day: float) -> str:
        return "" if day == NEVER else (patient.baseline + datetime.timedelta(days=int(day))).isoformat()

    row = {
        "patient_key": patient.key,
        "sex": patient.sex,
        "birth_date": patient.birth.isoformat(),
        "breast_cancer_histology": "yes",
        "metastasis_proof": "radiology",
        "other_malignancy": "no",
        "withdrawn": "no",
        "death_date": date(patient.death_day),
        "last_contact_date": date(patient.last_contact_day),
    }
    return {**row, **patient.clinical}


def _events(patient: SimulatedPatient) -> Iterable[dict[str, str]]:
    for level in patient.levels:
        for kind, day in (("radiotherapy", level.radiotherapy_day), ("cement", level.procedure_day)):
            if day < patient.death_day and day < NEVER:
                date = (patient.baseline + datetime.timedelta(days=int(day))).isoformat()
                yield {
                    "patient_key": patient.key,
                    "level": str(level.level),
                    "date": date,
                    "kind": kind,
                    "value": "",
                }


def _write_csv(path: Path, columns: list[str], rows: Iterable[Mapping[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def records_of(
    patient: SimulatedPatient, day: int, random: np.random.Generator
) -> tuple[CaseRecord, Measurements, SinsScores]:
    """One scan of a simulated patient as the records of its case folder.

    Parameters
    ----------
    patient : SimulatedPatient
        Whom.
    day : int
        Days since baseline.
    random : numpy Generator
        Source of the measurement noise.
    """
    date = (patient.baseline + datetime.timedelta(days=day)).isoformat()
    series = SeriesRecord(
        uid="2.25." + "".join(c for c in patient.key if c.isdigit()) + f"{day:05d}",
        description="simulated, no images",
        rows=512,
        columns=512,
        slices=600,
        spacing_mm=(0.8, 0.8, 1.0),
        orientation=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
        files=600,
        digest="0" * 64,
    )
    case = CaseRecord(
        spineimg_version=__version__,
        created=f"{date}T12:00:00+00:00",
        revision=0,
        patient_key=patient.key,
        study_date=date,
        modality=Modality.CT,
        series=series,
        engine=EngineId("simulated", "1", None),
        settings_digest="0" * 64,
        files={},
        caveats=(),
        timings_s={"load": 0.0, "segment": 0.0, "measure": 0.0, "score": 0.0, "report": 0.0},
        peak_memory_mb=None,
    )
    lesions = {level.level: (n, level) for n, level in enumerate(patient.levels, 1)}
    vertebrae = tuple(_vertebra(level, lesions.get(level), day, random) for level in IN_VIEW)
    measurements = Measurements(vertebrae, tuple(_lesion(n, level) for n, level in lesions.values()), ())
    return case, measurements, _scores(patient, date)


def _vertebra(
    level: Level, lesion: tuple[int, SimulatedLevel] | None, day: int, random: np.random.Generator
) -> VertebraMeasurement:
    place = IN_VIEW.index(level)
    expected = 17.0 + 10.0 * place / (len(IN_VIEW) - 1)
    lost = 0.0
    if lesion is not None:
        lost = _COLLAPSED_PERCENT if lesion[1].collapsed else 0.0
        if lesion[1].fracture_day <= day:
            lost = lost + (100 - lost) * _FALL_PERCENT / 100
    anterior = _measured(expected * (1 - lost / 100), random)
    middle = _measured(expected * (1 - 0.6 * lost / 100), random)
    posterior = _measured(expected, random)
    loss = max(0.0, 100 * (1 - anterior.value / expected))
    spread = 100 * 1.96 * HEIGHT_SD_MM / expected
    grade = 0 if loss < 20 else 1 if loss < 25 else 2 if loss <= 40 else 3
    volume = expected * 1.1
    return VertebraMeasurement(
        level=level,
        label=level.verse_id,
        complete=True,
        name_possible=(level,),
        name_confidence=0.99,
        centre_lps_mm=(0.0, 0.0, -30.0 * place),
        axes_lps=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
        heights_mm=Heights(anterior, middle, posterior),
        expected_heights_mm=Heights(*(Estimate(expected, expected - 0.5, expected + 0.5) for _ in range(3))),
        height_loss_percent=Estimate(loss, loss - spread, loss + spread),
        loss_site="anterior",
        genant_grade=(grade,),
        deformity="none" if grade == 0 else "wedge",
        body_volume_ml=Estimate(volume * (1 - lost / 200), volume * 0.5, volume * 1.1),
        expected_body_volume_ml=Estimate(volume, volume * 0.95, volume * 1.05),
        endplate_step_mm=None,
        lytic_percent=None,
        density=Density(Estimate(170.0, 160.0, 180.0), Estimate(165.0, 155.0, 175.0)),
        lesion_ids=() if lesion is None else (lesion[0],),
    )


def _measured(height_mm: float, random: np.random.Generator) -> Estimate:
    value = height_mm + float(np.clip(random.normal(), -1.8, 1.8)) * HEIGHT_SD_MM
    return Estimate.from_sd(value, HEIGHT_SD_MM)


def _lesion(number: int, level: SimulatedLevel) -> LesionMeasurement:
    kind = {2: "lytic", 1: "mixed", 0: "blastic"}[level.points["bone_lesion"]]
    share = Estimate(level.body_percent, max(0.0, level.body_percent - 3), min(100.0, level.body_percent + 3))
    return LesionMeasurement(
        id=number,
        level=level.level,
        status="likely",
        look_alike=None,
        quality=(kind,),  # type: ignore[arg-type]
        volume_ml=Estimate(level.body_percent / 5, level.body_percent / 6, level.body_percent / 4),
        lytic_percent=None,
        body_percent=share,
        structures_percent=StructureShares(),
        cortex_broken=(),
        touches=(),
        centre_lps_mm=(0.0, 0.0, 0.0),
    )


def _scores(patient: SimulatedPatient, date: str) -> SinsScores:
    levels = []
    for simulated in patient.levels:
        components = Components(
            **{
                name: Component((points,), (Evidence("simulated"),))
                for name, points in simulated.points.items()
            }
        )
        total = total_of(components)
        levels.append(
            LevelScore(
                level=simulated.level,
                state="scored",
                reason=None,
                pain=Pain(simulated.pain, date, "simulated"),
                components=components,
                total=total,
                band=bands_of(total),
                decide=(),
            )
        )
    worst = max(levels, key=lambda s: s.total.high)
    whole = Total(max(s.total.low for s in levels), worst.total.high)
    return SinsScores(tuple(levels), PatientScore(whole, bands_of(whole), worst.level))
