"""A REDCap data dictionary and the file that imports the levels into it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spineimg.trial.dictionary import LEVEL_COLUMNS, Column
from spineimg.trial.frames import Frame, frame

HEADER = (
    "Variable / Field Name",
    "Form Name",
    "Section Header",
    "Field Type",
    "Field Label",
    "Choices, Calculations, OR Slider Labels",
    "Field Note",
    "Text Validation Type OR Show Slider Number",
    "Text Validation Min",
    "Text Validation Max",
    "Identifier?",
    "Branching Logic (Show field only if...)",
    "Required Field?",
    "Custom Alignment",
    "Question Number (surveys only)",
    "Matrix Group Name",
    "Matrix Ranking?",
    "Field Annotation",
)
"""The header that REDCap expects of a data dictionary, column for column."""

RECORD, FORM_PATIENT, FORM_LEVEL = "record_id", "patient", "level_of_interest"
_PATIENT = (
    "eligible",
    "baseline_date",
    "visits",
    "per_protocol",
    "missed_windows",
    "age_years",
    "age_source",
)
_VALIDATION = {"integer": "integer", "number": "number", "date": "date_ymd"}


def redcap_dictionary() -> Frame:
    """Fields of both forms: the patient, and (a repeating instrument) each level."""
    rows: list[dict[str, Any]] = [
        {
            HEADER[0]: RECORD,
            HEADER[1]: FORM_PATIENT,
            HEADER[3]: "text",
            HEADER[4]: "Pseudonym of the patient",
        }
    ]
    patient = [c for c in LEVEL_COLUMNS if c.name in _PATIENT]
    rows += [_field(c, FORM_PATIENT) for c in patient]
    rows += [_field(c, FORM_LEVEL) for c in LEVEL_COLUMNS if c.name not in (*_PATIENT, "patient_key")]
    return frame("redcap_dictionary.csv", HEADER, rows)


def redcap_import(levels: Frame) -> Frame:
    """One row a patient, then one repeat instance a level, in the fields of the dictionary.

    The form of the levels must be made a repeating instrument in REDCap before the import.
    """
    fields = [field_name(c) for c in LEVEL_COLUMNS if c.name != "patient_key"]
    columns = (RECORD, "redcap_repeat_instrument", "redcap_repeat_instance", *fields)
    rows: list[dict[str, Any]] = []
    seen: dict[str, int] = {}
    for level in levels.rows:
        key = level["patient_key"]
        if key not in seen:
            rows.append({RECORD: key, **_values(level, of_patient=True)})
        seen[key] = seen.get(key, 0) + 1
        repeat = {"redcap_repeat_instrument": FORM_LEVEL, "redcap_repeat_instance": seen[key]}
        rows.append({RECORD: key, **repeat, **_values(level, of_patient=False)})
    return frame("redcap_import.csv", columns, rows)


def field_name(column: Column) -> str:
    """REDCap's name of a column: at most 26 letters, digits and underscores."""
    short = {
        "new_or_progression": "nop",
        "engine_weights_sha256": "engine_weights",
        "body_involvement": "body_inv",
    }
    name = column.name
    for long, brief in short.items():
        name = name.replace(long, brief)
    return name


def _values(level: Mapping[str, Any], *, of_patient: bool) -> dict[str, Any]:
    return {
        field_name(c): level.get(c.name)
        for c in LEVEL_COLUMNS
        if c.name != "patient_key" and (c.name in _PATIENT) == of_patient
    }


def _field(column: Column, form: str) -> dict[str, Any]:
    unit = f" ({column.unit})" if column.unit else ""
    return {
        HEADER[0]: field_name(column),
        HEADER[1]: form,
        HEADER[3]: "dropdown" if column.choices else "text",
        HEADER[4]: column.meaning[:1].upper() + column.meaning[1:] + unit,
        HEADER[5]: " | ".join(f"{c}, {c.replace('_', ' ')}" for c in column.choices) or None,
        HEADER[7]: _VALIDATION.get(column.kind),
    }
