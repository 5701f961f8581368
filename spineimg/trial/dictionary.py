"""What every column of every table means: the source of dictionary.csv and of the REDCap files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from spineimg.trial.clinical import CLINICAL_COLUMNS
from spineimg.trial.events import EVENT_COLUMNS
from spineimg.trial.frames import Frame, frame

Kind = Literal["text", "integer", "number", "date", "choice"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what it holds, in which unit, and what it means."""

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    choices: tuple[str, ...] = ()


def _choice(name: str, meaning: str, *choices: str) -> Column:
    return Column(name, "choice", meaning, choices=choices)


_STATUS = ("event", "competing", "censored")

LEVEL_COLUMNS: tuple[Column, ...] = (
    Column("patient_key", "text", "pseudonym of the patient (keyed hash; the key stays apart)"),
    Column("level", "text", "vertebral level"),
    _choice("eligible", "whether the patient meets every criterion", "yes", "no", "unknown"),
    _choice("index_level", "whether the level is followed", "yes", "no", "unknown"),
    _choice("state", "SINS state on the baseline scan", "scored", "candidate", "not_scored"),
    Column("total_low", "integer", "lowest possible SINS total at baseline", "points"),
    Column("total_high", "integer", "highest possible SINS total at baseline", "points"),
    Column("treated_before", "text", "procedure at the level before baseline"),
    Column("baseline_date", "date", "day of the baseline scan"),
    Column("visits", "integer", "usable scans of the patient"),
    _choice("per_protocol", "whether the patient missed no due window", "yes", "no"),
    Column("missed_windows", "text", "due windows without a scan"),
    Column("age_years", "number", "age at the baseline scan (middle of what is possible)", "years"),
    Column("age_source", "text", "column the age comes from"),
    Column("body_involvement_percent", "number", "share of the body replaced by likely lesions", "percent"),
    Column("radiotherapy_day", "integer", "first radiotherapy at the level, from baseline", "days"),
    *(
        column
        for endpoint in ("new", "new_or_progression")
        for column in (
            _choice(f"{endpoint}_status", f"outcome, endpoint {endpoint}", *_STATUS),
            Column(f"{endpoint}_left_days", "integer", "last scan known without the event", "days"),
            Column(
                f"{endpoint}_right_days",
                "integer",
                "scan with the event, or day of the competing event",
                "days",
            ),
            Column(f"{endpoint}_cause", "text", "kind of event or competing event"),
            _choice(f"{endpoint}_machine", "outcome had no reader adjudicated", *_STATUS),
        )
    ),
    Column("adjudicated_steps", "integer", "scans of the level that a reader judged"),
    Column("undetermined_steps", "integer", "steps whose verdict stays undetermined"),
    Column("case", "text", "case folder of the baseline scan, within the cohort"),
    Column("modality", "text", "CT or MR"),
    Column("series_uid", "text", "series that was analysed"),
    Column("engine_name", "text", "engine that made the labels"),
    Column("engine_version", "text", "its version"),
    Column("engine_weights_sha256", "text", "digest of its weights"),
    Column("spineimg_version", "text", "version of the program that made the case"),
    Column("settings_digest", "text", "digest of the settings of the case"),
    Column("revision", "integer", "revision of the case"),
)
"""Columns of levels.csv: one row a level with a lesion on the baseline scan, of every patient."""

STEP_COLUMNS: tuple[Column, ...] = (
    Column("patient_key", "text", "pseudonym of the patient"),
    Column("level", "text", "vertebral level"),
    Column("from_date", "date", "earlier scan"),
    Column("to_date", "date", "later scan"),
    Column("from_case", "text", "case folder of the earlier scan"),
    Column("to_case", "text", "case folder of the later scan"),
    _choice(
        "machine", "verdict of the program", "none", "new", "progression", "kind_undetermined", "undetermined"
    ),
    _choice("reader", "verdict of the adjudicating reader", "none", "new", "progression"),
    _choice(
        "counted", "verdict that counts", "none", "new", "progression", "kind_undetermined", "undetermined"
    ),
    Column("reason", "text", "why the program says so"),
)
"""Columns of steps.csv: one row an index level and step from scan to scan."""

_RESULT_MEANINGS: dict[str, Column] = {
    c.name: c
    for c in (
        _choice("endpoint", "which endpoint", "new", "new_or_progression"),
        _choice("population", "which population", "eligible", "per_protocol"),
        _choice("unit", "a row counted is a level, or a patient's first event", "level", "patient"),
        Column("time_days", "number", "time since the baseline scan", "days"),
        Column("at_risk", "integer", "units at risk just before"),
        Column("events", "integer", "events at this time"),
        Column("estimate", "number", "survival free of the event, or cumulative incidence (0-1)"),
        Column("low", "number", "lower 95 % limit; empty where there is none"),
        Column("high", "number", "upper 95 % limit; empty where there is none"),
        Column("cause", "text", "event, or the competing event"),
        Column("from_days", "number", "start of the innermost interval (not in it)", "days"),
        Column("to_days", "number", "end of the innermost interval (in it); empty: never", "days"),
        Column("mass", "number", "probability of the event in the interval"),
        Column("covariate", "text", "covariate as the protocol names it"),
        Column("coefficient", "number", "log hazard ratio for one unit of the covariate"),
        Column("robust_se", "number", "its standard error, clustered by patient"),
        Column("hazard_ratio", "number", "exp(coefficient)"),
        Column("p", "number", "two-sided p"),
        Column(
            "chisq",
            "number",
            "chi-square of the score test, 1 degree of freedom (all: as many as covariates)",
        ),
        Column("auc", "number", "probability that a unit with the event has the larger baseline total"),
        Column("cases", "integer", "units with the event by then"),
        Column("controls", "integer", "units without it by then"),
        Column("comparison", "text", "who is compared"),
        Column("quantity", "text", "what is compared"),
        Column("statistic", "text", "which coefficient"),
        Column("n", "integer", "pairs"),
        Column("value", "number", "the coefficient; for bland_altman the mean difference"),
        Column("note", "text", "what must be known to read the number"),
    )
}


def dictionary(results: tuple[Frame, ...]) -> Frame:
    """Every column of every table, those that come in and those that go out.

    Raises
    ------
    KeyError
        When a result table has a column without a meaning.
    """
    rows = [
        {"table": table, "column": name, "type": kind, "unit": "", "values": "", "meaning": meaning}
        for table, columns in (("clinical (input)", CLINICAL_COLUMNS), ("events (input)", EVENT_COLUMNS))
        for name, (_, kind, meaning) in columns.items()
    ]
    known = (("levels.csv", LEVEL_COLUMNS), ("steps.csv", STEP_COLUMNS))
    found = [(f.name, tuple(_RESULT_MEANINGS[c] for c in f.columns)) for f in results]
    for table, described in (*known, *found):
        rows.extend(
            {
                "table": table,
                "column": c.name,
                "type": c.kind,
                "unit": c.unit,
                "values": "|".join(c.choices),
                "meaning": c.meaning,
            }
            for c in described
        )
    return frame("dictionary.csv", ("table", "column", "type", "unit", "values", "meaning"), rows)
