"""From outcomes to the arrays that the statistics take: population, unit, times, causes, covariates."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from spineimg.trial.age import age_at
from spineimg.trial.endpoints import Followed
from spineimg.trial.protocol import Covariate, Protocol
from spineimg.trial.records import EndpointName, Outcome, Unit
from spineimg.trial.statistics.partial_likelihood import CoxRows, Floats, Ints

EVENT = 1


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One endpoint in one population, a row a unit.

    ``left``, ``right``: days, ``right`` infinite without event. ``last``: day that ends the row in
    Kaplan-Meier and Cox (the event's right end, else the last complete scan). ``end``: day that ends it in
    cumulative incidence (a competing event at its own date). ``cause``: 0 censored, 1 the event, then
    ``causes`` in order. ``x``: covariates at baseline, NaN where unknown; ``radiotherapy``: its day, NaN
    for never.
    """

    endpoint: EndpointName
    population: str
    unit: Unit
    cluster: Ints
    left: Floats
    right: Floats
    last: Floats
    end: Floats
    cause: Ints
    causes: tuple[str, ...]
    x: Floats
    radiotherapy: Floats
    marker: Floats

    @property
    def n(self) -> int:
        """Rows."""
        return len(self.cluster)

    @property
    def events(self) -> int:
        """Rows with the event."""
        return int((self.cause == EVENT).sum())

    @property
    def competing(self) -> int:
        """Rows with a competing event."""
        return int((self.cause > EVENT).sum())


def sample_of(
    followed: Sequence[Followed], protocol: Protocol, endpoint: EndpointName, population: str, unit: Unit
) -> Sample:
    """Collect the rows of one analysis.

    Parameters
    ----------
    followed : sequence of Followed
        Index levels of the population, the levels of a patient together.
    protocol : Protocol
        Names the covariates.
    endpoint, population, unit
        What is analysed. With unit ``patient`` a row is a patient's first event (see `first_of_patient`).
    """
    keys = sorted({f.subject.key for f in followed})
    groups = (
        [[f for f in followed if f.subject.key == k] for k in keys]
        if unit == "patient"
        else [[f] for f in followed]
    )
    outcomes = [first_of_patient([f.outcome(endpoint) for f in g]) for g in groups]
    leading = [max(g, key=lambda f: (f.baseline.total.low + f.baseline.total.high, f.level)) for g in groups]
    causes = ("event", *sorted({o.cause or "" for o in outcomes if o.status == "competing"}))
    number = {k: n for n, k in enumerate(keys)}
    left = _floats(o.left_days for o in outcomes)
    right = _floats(_right(o) for o in outcomes)
    event = np.array([o.status == "event" for o in outcomes], dtype=bool)
    end = _floats(o.left_days if o.right_days is None else o.right_days for o in outcomes)
    cause = [
        0 if o.status == "censored" else 1 if o.status == "event" else causes.index(o.cause or "") + 1
        for o in outcomes
    ]
    fixed = [c for c in protocol.covariates if c.source != "radiotherapy"]
    x = np.array([[covariate(f, c) for c in fixed] for f in leading], dtype=np.float64).reshape(
        len(groups), len(fixed)
    )
    return Sample(
        endpoint=endpoint,
        population=population,
        unit=unit,
        cluster=np.array([number[g[0].subject.key] for g in groups], dtype=np.int64),
        left=left,
        right=right,
        last=np.where(event, right, left),
        end=end,
        cause=np.array(cause, dtype=np.int64),
        causes=causes,
        x=x,
        radiotherapy=_floats(_radiotherapy(g) for g in groups),
        marker=_floats((f.baseline.total.low + f.baseline.total.high) / 2 for f in leading),
    )


def first_of_patient(outcomes: Sequence[Outcome]) -> Outcome:
    """The patient's first event over the index levels.

    The earliest right end when a level has the event; else death; else, when a procedure ended every level,
    the last of these; else censored at the last scan that shows a level that is still followed.
    """
    if len(outcomes) == 1:
        return outcomes[0]
    events = [o for o in outcomes if o.status == "event"]
    if events:
        return min(events, key=lambda o: (o.right_days or 0, o.left_days))
    dead = [o for o in outcomes if o.cause == "death"]
    latest = max(o.left_days for o in outcomes)
    if dead:
        return dataclasses.replace(dead[0], left_days=latest)
    censored = [o for o in outcomes if o.status == "censored"]
    if not censored:
        return dataclasses.replace(max(outcomes, key=lambda o: o.right_days or 0), left_days=latest)
    return max(censored, key=lambda o: o.left_days)


def covariate(followed: Followed, wanted: Covariate) -> float:
    """Value of a covariate at baseline, NaN where unknown; of a range of points, its middle (**ours**)."""
    subject, baseline = followed.subject, followed.baseline
    if wanted.source == "total":
        return (baseline.total.low + baseline.total.high) / 2
    if wanted.source == "component" and wanted.component is not None:
        points = dict(baseline.score.components.items())[wanted.component].possible
        return (points[0] + points[-1]) / 2
    if wanted.source == "age":
        age = age_at(subject.clinical, subject.patient.baseline.date)
        return np.nan if age is None else age.middle_years
    if wanted.source == "body_involvement":
        return body_involvement_percent(followed)
    value = None if subject.clinical is None else subject.clinical.values.get(wanted.column or "")
    return np.nan if value is None else {"yes": 1.0, "no": 0.0}.get(value, value)


def body_involvement_percent(followed: Followed) -> float:
    """Share of the body that the likely lesions replace at baseline, at most 100; NaN where unknown."""
    lesions = [
        lesion
        for lesion in followed.subject.patient.baseline.case.measurements.lesions
        if lesion.level is followed.level and lesion.status == "likely"
    ]
    shares = [lesion.body_percent.value for lesion in lesions if lesion.body_percent is not None]
    return min(100.0, sum(shares)) if lesions and len(shares) == len(lesions) else np.nan


def cox_rows(sample: Sample, protocol: Protocol, time: Floats) -> tuple[CoxRows, tuple[str, ...], int]:
    """Rows at risk in (start, stop], split where radiotherapy begins.

    Parameters
    ----------
    sample : Sample
        What is analysed.
    protocol : Protocol
        Order and names of the covariates.
    time : ndarray, (n,)
        Day that ends each row: ``sample.last``, or another date of the events.

    Returns
    -------
    rows : CoxRows
        Covariates in the protocol's order.
    names : tuple of str
        Their names.
    left_out : int
        Units without a value of some covariate: they are not in the model.
    """
    complete = np.isfinite(sample.x).all(axis=1)
    has_rt = any(c.source == "radiotherapy" for c in protocol.covariates)
    pieces: list[tuple[int, float, float, bool, float]] = []
    for i in np.flatnonzero(complete).tolist():
        day, end, hit = float(sample.radiotherapy[i]), float(time[i]), bool(sample.cause[i] == EVENT)
        if has_rt and 0 < day < end:
            pieces += [(i, 0.0, day, False, 0.0), (i, day, end, hit, 1.0)]
        else:
            pieces.append((i, 0.0, end, hit, float(day <= 0)))
    source = np.array([p[0] for p in pieces], dtype=np.int64)
    irradiated = _floats(p[4] for p in pieces)
    fixed = iter(range(sample.x.shape[1]))
    columns = [
        irradiated if c.source == "radiotherapy" else sample.x[source, next(fixed)]
        for c in protocol.covariates
    ]
    rows = CoxRows(
        _floats(p[1] for p in pieces),
        _floats(p[2] for p in pieces),
        np.array([p[3] for p in pieces], dtype=bool),
        np.column_stack(columns) if columns else np.zeros((len(pieces), 0)),
        sample.cluster[source],
    )
    return rows, tuple(c.name for c in protocol.covariates), int((~complete).sum())


def _right(outcome: Outcome) -> float:
    return (
        float(outcome.right_days) if outcome.status == "event" and outcome.right_days is not None else np.inf
    )


def _radiotherapy(group: Iterable[Followed]) -> float:
    days = [f.radiotherapy_day for f in group if f.radiotherapy_day is not None]
    return float(min(days)) if days else np.nan


def _floats(values: Iterable[float]) -> Floats:
    return np.array(list(values), dtype=np.float64)
