"""The clinical table: one row a patient; empty is unknown, a bad cell is unknown and reported."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from spineimg.trial.cells import (
    CellReader,
    as_age,
    as_date,
    as_number,
    as_text,
    as_year,
    one_of,
)
from spineimg.trial.protocol import Protocol
from spineimg.trial.records import Problem
from spineimg.trial.tables import Row, read_table

CLINICAL_COLUMNS: dict[str, tuple[Callable[[str], Any], str, str]] = {
    "patient_key": (as_text, "text", "pseudonym of the patient, as in case.json"),
    "sex": (one_of("F", "M"), "F|M", "sex"),
    "birth_date": (as_date, "date", "day of birth"),
    "birth_year": (as_year, "year", "year of birth; alone it leaves the limits of age unknown"),
    "age_at_baseline": (as_age, "years", "age at the baseline scan"),
    "breast_cancer_histology": (one_of("yes", "no"), "yes|no", "breast cancer proven histologically"),
    "metastasis_proof": (
        one_of("histology", "radiology", "none"),
        "histology|radiology|none",
        "how the spinal metastasis is proven",
    ),
    "other_malignancy": (one_of("yes", "no"), "yes|no", "another malignancy"),
    "withdrawn": (one_of("yes", "no"), "yes|no", "withdrawn from the study"),
    "withdrawn_date": (as_date, "date", "day of withdrawal"),
    "death_date": (as_date, "date", "day of death"),
    "last_contact_date": (as_date, "date", "day of last contact"),
}
"""Column: how a cell is read, what it holds, what it means."""

_FURTHER: dict[Literal["number", "yes_no", "text"], Callable[[str], Any]] = {
    "number": as_number,
    "yes_no": one_of("yes", "no"),
    "text": as_text,
}


@dataclass(frozen=True, slots=True)
class ClinicalRow:
    """What the table says about one patient; a column that is missing, empty or bad is not in ``values``."""

    patient_key: str
    line: int
    values: dict[str, Any]

    def date(self, column: str) -> datetime.date | None:
        """A date, None where unknown."""
        value = self.values.get(column)
        return value if isinstance(value, datetime.date) else None


@dataclass(frozen=True, slots=True)
class Clinical:
    """The whole table by patient."""

    file: str
    rows: dict[str, ClinicalRow]
    problems: tuple[Problem, ...]


def read_clinical(path: Path, protocol: Protocol) -> Clinical:
    """Read the clinical table.

    Returns
    -------
    Clinical
        One row a patient, and every problem with line and column.

    Raises
    ------
    InputRefused
        ``table-unreadable``, ``unknown-column``, ``missing-column`` (``patient_key``, or one that only this
        protocol asks for), ``repeated-column``.
    """
    further = {c: kind for c, kind in protocol.further_columns().items() if c not in CLINICAL_COLUMNS}
    table = read_table(path, (*CLINICAL_COLUMNS, *further), ("patient_key", *further))
    reader = CellReader(path, list(table.problems))
    readers = {
        c: CLINICAL_COLUMNS[c][0] if c in CLINICAL_COLUMNS else _FURTHER[further[c]] for c in table.columns
    }
    rows: dict[str, ClinicalRow] = {}
    contradicted: set[str] = set()
    for row in table.rows:
        key = row.cells.get("patient_key")
        if key is None:
            reader.report(
                row.line, "patient_key", "no-patient-key", "the row names no patient; it is not used"
            )
            continue
        found = {c: reader.cell(row, c, read) for c, read in readers.items()}
        clinical = ClinicalRow(key, row.line, {c: v for c, v in found.items() if v is not None})
        first = rows.get(key)
        if first is None:
            rows[key] = _consistent(reader, row, clinical)
        elif first.values == clinical.values:
            reader.report(
                row.line, "patient_key", "repeated-patient", f"{key} stands also in line {first.line}, alike"
            )
        else:
            contradicted.add(key)
            reader.report(
                row.line,
                "patient_key",
                "repeated-patient",
                f"{key} stands also in line {first.line}, otherwise; neither is used, all of it is unknown",
            )
    for key in contradicted:
        rows[key] = ClinicalRow(key, rows[key].line, {"patient_key": key})
    return Clinical(path.name, rows, tuple(reader.problems))


def _consistent(reader: CellReader, row: Row, clinical: ClinicalRow) -> ClinicalRow:
    """The row without the cells that contradict each other (reported)."""
    values = dict(clinical.values)
    birth, year = values.get("birth_date"), values.get("birth_year")
    if birth is not None and year is not None and birth.year != year:
        reader.report(
            row.line,
            "birth_year",
            "cells-contradict",
            "birth_year is not the year of birth_date; age unknown",
        )
        del values["birth_date"], values["birth_year"]
    death = values.get("death_date")
    born = birth.year if birth is not None else year
    if death is not None and born is not None and death.year < born:
        reader.report(
            row.line, "death_date", "cells-contradict", "death before birth; the date of death is unknown"
        )
        del values["death_date"]
    contact = values.get("last_contact_date")
    if death is not None and contact is not None and contact > death:
        reader.report(
            row.line,
            "last_contact_date",
            "contact-after-death",
            f"last contact {contact} after death {death}",
        )
        del values["last_contact_date"]
    if values.get("withdrawn") == "no" and "withdrawn_date" in values:
        reader.report(
            row.line, "withdrawn", "cells-contradict", "a date of withdrawal, but withdrawn is no; unknown"
        )
        del values["withdrawn"]
    return ClinicalRow(clinical.patient_key, clinical.line, values)
