"""The levels of the baseline scan: state and total, with the pain that the events table adds."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from spineimg.core.levels import Level
from spineimg.core.scores import Component, LevelScore, Pain, PainKind, State, Total
from spineimg.core.settings.scoring import ScoringSettings
from spineimg.scoring.pain import PAIN_OPTIONS
from spineimg.scoring.table import POINTS, total_of
from spineimg.trial.events import EventRow
from spineimg.trial.joining import Subject
from spineimg.trial.protocol import IndexLevelRule, ProcedureCriterion, Protocol
from spineimg.trial.records import CriterionVerdict, Problem


@dataclass(frozen=True, slots=True)
class BaselineLevel:
    """One level with a lesion on the baseline scan.

    ``in_range`` says whether its total lies in the protocol's range: ``unknown`` for a candidate or a total
    that straddles it. ``treated`` names the procedure that the level had before, None when there was none.
    """

    level: Level
    state: State
    score: LevelScore
    in_range: CriterionVerdict
    treated: str | None

    @property
    def total(self) -> Total:
        """Lowest and highest total."""
        return self.score.total


def baseline_levels(
    subject: Subject, protocol: Protocol, settings: ScoringSettings, events_file: str
) -> tuple[tuple[BaselineLevel, ...], tuple[Problem, ...]]:
    """Judge each level of the baseline scan against the index-level rule.

    Parameters
    ----------
    subject : Subject
        The patient.
    protocol : Protocol
        Range of the total, and which earlier procedures matter.
    settings : ScoringSettings
        How near in time a pain entry must be.
    events_file : str
        Named in problems.
    """
    levels, problems = [], []
    kinds = {k for c in protocol.criteria if isinstance(c, ProcedureCriterion) for k in c.kinds}
    for given in subject.patient.baseline.case.scores.levels:
        score, problem = _with_pain(given, subject, settings, events_file)
        problems.extend(problem)
        treated = _treated(subject, score.level, kinds)
        levels.append(
            BaselineLevel(score.level, score.state, score, _in_range(score, protocol.index_level), treated)
        )
    return tuple(levels), tuple(problems)


def _in_range(score: LevelScore, rule: IndexLevelRule) -> CriterionVerdict:
    low, high = score.total.low, score.total.high
    if low > rule.total_high or high < rule.total_low:
        return "not_met"
    if score.state == "scored" and low >= rule.total_low and high <= rule.total_high:
        return "met"
    return "unknown"


def _treated(subject: Subject, level: Level, kinds: Collection[str]) -> str | None:
    """Procedure before baseline, from the events table or, without a date, from the scan."""
    for row in subject.events:
        if row.kind in kinds and row.touches(level) and subject.day(row.date) < 0:
            return f"{row.kind} on {row.date}"
    vertebra = subject.patient.baseline.case.measurements.vertebra(level)
    if kinds and vertebra is not None and vertebra.not_scorable in ("cement", "implant"):
        return f"{vertebra.not_scorable} seen on the baseline scan"
    return None


def _with_pain(
    score: LevelScore, subject: Subject, settings: ScoringSettings, file: str
) -> tuple[LevelScore, list[Problem]]:
    """Put pain from the events table where the case has none; two that contradict leave both possible."""
    rows = [
        r
        for r in subject.events
        if r.kind == "pain"
        and r.value != "unknown"
        and r.touches(score.level)
        and _days(subject, r) <= settings.pain_days
    ]
    if not rows:
        return score, []
    row = min(rows, key=lambda r: (r.level is None, _days(subject, r), r.line))
    kind = _pain_kind(row)
    entered = Pain(kind, row.date.isoformat(), file)
    known = score.pain is not None and score.pain.value != "unknown"
    points = {POINTS[o] for o in PAIN_OPTIONS[kind]}
    if not known:
        return _replaced(score, entered, points), []
    before = set(score.components.pain.possible)
    if before == points:
        return score, []
    problem = Problem(
        file,
        row.line,
        "value",
        "pain-contradiction",
        f"pain of {score.level} is {kind} here, but {score.pain.value if score.pain else ''} in "
        f"{subject.patient.baseline.folder}; both stay possible",
    )
    return _replaced(score, Pain("unknown", entered.date, file), before | points), [problem]


def _replaced(score: LevelScore, pain: Pain, points: Iterable[int]) -> LevelScore:
    component = Component(tuple(sorted(points)), score.components.pain.evidence)
    components = dataclasses.replace(score.components, pain=component)
    return dataclasses.replace(score, pain=pain, components=components, total=total_of(components))


def _days(subject: Subject, row: EventRow) -> int:
    return abs(subject.day(row.date))


def _pain_kind(row: EventRow) -> PainKind:
    kinds: dict[str, PainKind] = {"mechanical": "mechanical", "occasional": "occasional", "none": "none"}
    return kinds.get(row.value or "", "unknown")
