"""What real tables carry beside the plain rows: doubts, readers' verdicts, and mistakes."""

from __future__ import annotations

import csv
import datetime
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from spineimg.trial.simulation import SimulatedPatient, observed

_READ_SHARE = 0.6
_WRONG_SHARE = 0.06


def with_real_life(patients: Sequence[SimulatedPatient], out: Path, seed: int) -> None:
    """Change some cells of ``clinical.csv`` and add rows to ``events.csv``.

    Some patients cannot be judged or are not eligible; a reader judges most fractures and some scans
    without one, sometimes otherwise than the program; three rows are wrong, so that the report has
    something to report.
    """
    random = np.random.default_rng(seed + 1)
    _change_clinical(patients, out / "clinical.csv", random)
    rows = [row for p in patients for row in _verdicts(p, random)]
    nobody = {
        "patient_key": "nobody",
        "level": "L1",
        "date": "2020-02-30",
        "kind": "radiotherapy",
        "value": "",
    }
    rows.append(nobody)
    with (out / "events.csv").open("a", encoding="utf-8", newline="") as file:
        csv.DictWriter(file, list(nobody), lineterminator="\n").writerows(rows)


def _change_clinical(patients: Sequence[SimulatedPatient], path: Path, random: np.random.Generator) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = list(rows[0])
    for row, patient in zip(rows, patients, strict=True):
        draw = float(random.random())
        if draw < 0.06:
            row["birth_year"], row["birth_date"] = str(patient.birth.year), ""
        elif draw < 0.08:
            row["birth_date"], row["birth_year"] = "", str(patient.baseline.year - 18)
        elif draw < 0.11:
            row["other_malignancy"] = "yes"
        elif draw < 0.13:
            row["other_malignancy"] = ""
        elif draw < 0.15:
            row["withdrawn"] = "yes"
        elif draw < 0.16:
            row["metastasis_proof"] = "none"
    rows[-1]["sex"] = "female"  # a mistake: the word is F
    rows.append(
        {**dict.fromkeys(columns, ""), "patient_key": "nobody", "sex": "F"}
    )  # no scan of this patient
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _verdicts(patient: SimulatedPatient, random: np.random.Generator) -> list[dict[str, str]]:
    """A reader's verdicts on fractures, and on a tenth of the levels that had none."""
    rows = []
    for level in patient.levels:
        seen = observed(patient, level)
        if not 7 <= level.total <= 12 or len(patient.visit_days) < 2:
            continue
        if seen.status == "event" and random.random() < _READ_SHARE:
            agreed = random.random() >= _WRONG_SHARE
            value = "no_fracture" if not agreed else "progression" if level.collapsed else "fracture"
            rows.append(_row(patient, level.level.value, seen.right_days or 0, value))
        elif seen.status == "censored" and seen.left_days > 0 and random.random() < 0.1:
            rows.append(_row(patient, level.level.value, seen.left_days, "no_fracture"))
    return rows


def _row(patient: SimulatedPatient, level: str, day: int, value: str) -> dict[str, str]:
    date = (patient.baseline + datetime.timedelta(days=day)).isoformat()
    return {"patient_key": patient.key, "level": level, "date": date, "kind": "adjudication", "value": value}
