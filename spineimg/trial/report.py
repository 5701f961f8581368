"""The trial as one HTML page: flow, curves, models, agreement, and everything that could not be used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from spineimg import __version__
from spineimg.core.settings import Settings
from spineimg.trial.analyses import LEFT_OUT
from spineimg.trial.frames import Frame, as_cell
from spineimg.trial.plots import forest_plot, incidence_plot, survival_plot
from spineimg.trial.records import Analysis, EndpointName
from spineimg.trial.samples import Sample

if TYPE_CHECKING:
    from spineimg.trial.run import Trial

MAIN: EndpointName = "new_or_progression"
_SHOWN_PROBLEMS = 200
_YEAR_DAYS = (365, 730)


def trial_html(trial: Trial, settings: Settings) -> str:
    """Make the page; one file, no script, nothing from elsewhere."""
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [jinja2.PackageLoader("spineimg.trial"), jinja2.PackageLoader("spineimg.report")]
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _number
    values = {
        "protocol": trial.record.protocol,
        "flow": _flow(trial),
        "criteria": _criteria(trial),
        "headline": _headline(trial),
        "main": _main_figures(trial),
        "outcomes": _outcome_counts(trial),
        "rates": _rates(trial),
        "cox": _models(trial),
        "hazards": _table(trial, "proportional_hazards.csv").where(
            endpoint=MAIN, population="eligible", unit="level"
        ),
        "auc": _table(trial, "auc.csv").rows,
        "agreement": trial.frames[2].rows,
        "analyses": trial.record.analyses,
        "patients": trial.record.patients,
        "problems": trial.record.problems[:_SHOWN_PROBLEMS],
        "problem_counts": sorted(Counter(p.code for p in trial.record.problems).items()),
        "more_problems": max(0, len(trial.record.problems) - _SHOWN_PROBLEMS),
        "undetermined": _undetermined(trial),
        "left_out": LEFT_OUT,
        "version": __version__,
        "digest": settings.digest(),
    }
    return environment.get_template("trial.html.j2").render(values)


def _table(trial: Trial, name: str) -> Frame:
    return next(f for f in trial.results.frames if f.name == name)


def _sample(trial: Trial, endpoint: EndpointName, population: str, unit: str) -> Sample:
    return next(
        s for s in trial.results.samples if (s.endpoint, s.population, s.unit) == (endpoint, population, unit)
    )


def _flow(trial: Trial) -> dict[str, Any]:
    """Counts of the flow diagram, and why patients left it."""
    by = {
        state: [p for p in trial.record.patients if p.eligible == state] for state in ("yes", "no", "unknown")
    }
    text = {c["name"]: c["text"] for c in trial.record.protocol["criteria"]}
    reasons = {
        state: Counter(
            text[v.criterion]
            for p in by[state]
            for v in p.eligibility
            if v.verdict == ("not_met" if state == "no" else "unknown")
        )
        for state in ("no", "unknown")
    }
    eligible = [p for p in trial.patients if p.eligibility.eligible == "yes"]
    outcome = Counter(o.status for o in trial.record.outcomes if o.endpoint == MAIN)
    used = sum(len(p.visits) for p in trial.record.patients)
    return {
        "cases": trial.cases_found,
        "used": used,
        "tracked": trial.tracks_found,
        "patients": len(trial.record.patients),
        "visits": sorted(Counter(len(p.visits) for p in trial.record.patients).items()),
        "no": len(by["no"]),
        "unknown": len(by["unknown"]),
        "reasons_no": reasons["no"].most_common(),
        "reasons_unknown": reasons["unknown"].most_common(),
        "eligible": len(by["yes"]),
        "levels": len(trial.record.index_levels),
        "per_protocol": sum(p.schedule.kept for p in eligible),
        "broken": sum(not p.schedule.kept for p in eligible),
        "event": outcome["event"],
        "competing": outcome["competing"],
        "censored": outcome["censored"],
    }


def _criteria(trial: Trial) -> list[dict[str, Any]]:
    counts = {
        c["name"]: Counter({"met": 0, "not_met": 0, "unknown": 0}) for c in trial.record.protocol["criteria"]
    }
    for patient in trial.record.patients:
        for verdict in patient.eligibility:
            counts[verdict.criterion][verdict.verdict] += 1
    return [
        {"text": c["text"], "name": c["name"], **counts[c["name"]]} for c in trial.record.protocol["criteria"]
    ]


def _headline(trial: Trial) -> str:
    """The answer in one sentence."""
    sample = _sample(trial, MAIN, "eligible", "level")
    if not sample.n:
        return "No patient is known to be eligible: nothing to analyse."
    patients = len({o.patient_key for o in trial.record.outcomes})
    words = f"{sample.events} of {sample.n} index levels in {patients} patients fractured or progressed"
    one_year = _at(_incidence(trial, "eligible", "level"), _YEAR_DAYS[0])
    if one_year is None:
        return words + "."
    return words + f"; cumulative incidence at one year {_percent(one_year)}."


def _incidence(trial: Trial, population: str, unit: str) -> list[Mapping[str, Any]]:
    table = _table(trial, "cumulative_incidence.csv")
    return table.where(endpoint=MAIN, population=population, unit=unit, cause="event")


def _at(rows: Sequence[Mapping[str, Any]], day: int) -> Mapping[str, Any] | None:
    """Last row up to a day; None when follow-up ends before it."""
    before = [r for r in rows if r["time_days"] <= day]
    return before[-1] if before and rows[-1]["time_days"] >= day else None


def _percent(row: Mapping[str, Any]) -> str:
    text = f"{100 * row['estimate']:.1f} %"
    if row["low"] is None:
        return text
    return f"{text} ({100 * row['low']:.1f}-{100 * row['high']:.1f})"


def _rates(trial: Trial) -> list[dict[str, Any]]:
    """Cumulative incidence of the main endpoint at one and two years, by population and unit."""
    rows = []
    for population in ("eligible", "per_protocol"):
        for unit in ("level", "patient"):
            sample = _sample(trial, MAIN, population, unit)
            found = [_at(_incidence(trial, population, unit), day) for day in _YEAR_DAYS]
            rows.append(
                {
                    "population": population,
                    "unit": unit,
                    "n": sample.n,
                    "events": sample.events,
                    "competing": sample.competing,
                    "rates": ["not reached" if r is None else _percent(r) for r in found],
                }
            )
    return rows


def _main_figures(trial: Trial) -> dict[str, Markup]:
    sample = _sample(trial, MAIN, "eligible", "level")
    if not sample.n:
        return {}
    chosen = {"endpoint": MAIN, "population": "eligible", "unit": "level"}
    survival = _table(trial, "kaplan_meier.csv").where(**chosen)
    npmle = _table(trial, "interval_censored.csv").where(**chosen)
    incidence = _table(trial, "cumulative_incidence.csv").where(**chosen)
    models = [
        (label, _table(trial, name).where(**chosen))
        for label, name in (
            ("robust", "cox.csv"),
            ("small-sample corrected", "cox_small_sample.csv"),
            ("penalised", "cox_penalised.csv"),
        )
    ]
    figures = {
        "survival": Markup(survival_plot(sample, survival, npmle)),
        "incidence": Markup(incidence_plot(sample, incidence)),
    }
    if any(rows for _, rows in models):
        figures["forest"] = Markup(forest_plot(models))
    return figures


def _outcome_counts(trial: Trial) -> list[dict[str, Any]]:
    counted = Counter((o.endpoint, o.status, o.cause or "") for o in trial.record.outcomes)
    return [
        {"endpoint": e, "status": s, "cause": c.replace("_", " "), "n": n}
        for (e, s, c), n in sorted(counted.items())
    ]


def _models(trial: Trial) -> list[dict[str, Any]]:
    """The Cox tables of the main analysis, each with its method and what must be said about it."""
    found = []
    for name in ("cox", "cox_small_sample", "cox_penalised", "cox_midpoint"):
        record = _record(trial, name)
        rows = _table(trial, f"{name}.csv").where(endpoint=MAIN, population="eligible", unit="level")
        found.append({"name": name.replace("_", " "), "record": record, "rows": rows})
    return found


def _record(trial: Trial, name: str) -> Analysis:
    return next(
        a
        for a in trial.record.analyses
        if a.name == name
        and a.population == "eligible"
        and a.unit == "level"
        and a.method.startswith(f"{MAIN}:")
    )


def _undetermined(trial: Trial) -> dict[str, int]:
    changes = [c for p in trial.patients for f in p.followed.values() for c in f.changes]
    return {
        "steps": len(changes),
        "open": sum(c.kind == "undetermined" for c in changes),
        "read": sum(c.reader is not None for c in changes),
    }


def _number(value: Any, digits: int = 3) -> str:
    """A number as a reader wants it; empty where there is none."""
    if value is None:
        return ""
    if isinstance(value, str | int):
        return str(value)
    number = float(value)
    if as_cell(number) == "":
        return ""
    # With its zeros: a limit of 1.00 must not read as exactly 1.
    return f"{number:#.{digits}g}".rstrip(".") if abs(number) < 10**digits else f"{number:.0f}"
