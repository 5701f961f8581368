"""Each criterion of the protocol for each patient: met, not met or unknown, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spineimg.trial.age import age_verdict
from spineimg.trial.baseline import BaselineLevel
from spineimg.trial.joining import Subject
from spineimg.trial.protocol import (
    AgeCriterion,
    ColumnCriterion,
    Criterion,
    IndexLevelCriterion,
    IndexLevelRule,
    ProcedureCriterion,
    Protocol,
)
from spineimg.trial.records import CriterionVerdict, Eligible, Verdict


@dataclass(frozen=True, slots=True)
class Eligibility:
    """A patient's verdicts, and the levels that are followed (only of an eligible patient)."""

    verdicts: tuple[Verdict, ...]
    eligible: Eligible
    index_levels: tuple[BaselineLevel, ...]


def judge(subject: Subject, levels: Sequence[BaselineLevel], protocol: Protocol) -> Eligibility:
    """Judge one patient.

    Parameters
    ----------
    subject : Subject
        The patient.
    levels : sequence of BaselineLevel
        Levels of the baseline scan.
    protocol : Protocol
        The criteria.

    Returns
    -------
    Eligibility
        ``yes`` only when every criterion is met, ``no`` when one is not, else ``unknown``.
    """
    verdicts = tuple(
        Verdict(c.name, *_one(c, subject, levels, protocol.index_level)) for c in protocol.criteria
    )
    found = {v.verdict for v in verdicts}
    eligible: Eligible = "no" if "not_met" in found else "unknown" if "unknown" in found else "yes"
    index = tuple(b for b in levels if _is_index(b)) if eligible == "yes" else ()
    return Eligibility(verdicts, eligible, index)


def _is_index(level: BaselineLevel) -> bool:
    return level.in_range == "met" and level.treated is None


def _one(
    criterion: Criterion, subject: Subject, levels: Sequence[BaselineLevel], rule: IndexLevelRule
) -> tuple[CriterionVerdict, str]:
    if isinstance(criterion, ColumnCriterion):
        return _column(criterion, subject)
    if isinstance(criterion, AgeCriterion):
        return age_verdict(
            subject.clinical, subject.patient.baseline.date, criterion.low_years, criterion.high_years
        )
    if isinstance(criterion, IndexLevelCriterion):
        return _index_level(levels, rule)
    return _no_procedure(criterion, levels)


def _column(criterion: ColumnCriterion, subject: Subject) -> tuple[CriterionVerdict, str]:
    if subject.clinical is None:
        return "unknown", "the patient has no row in the clinical table"
    value = subject.clinical.values.get(criterion.column)
    if value is None:
        return "unknown", f"{criterion.column} is not given"
    met: CriterionVerdict = "met" if str(value) in criterion.met else "not_met"
    return met, f"{criterion.column} is {value}"


def _index_level(levels: Sequence[BaselineLevel], rule: IndexLevelRule) -> tuple[CriterionVerdict, str]:
    """Met by one decided level; candidates and undecided totals leave it unknown."""
    span = f"{rule.total_low} to {rule.total_high}"
    decided = [b for b in levels if b.in_range == "met"]
    if decided:
        return "met", f"SINS in {span}: " + ", ".join(_with_total(b) for b in decided)
    open_ = [b for b in levels if b.in_range == "unknown"]
    if not open_ and all(b.state == "candidate" for b in levels):
        open_ = list(levels)
    if open_:
        words = ", ".join(f"{_with_total(b)} {b.state.replace('_', ' ')}" for b in open_)
        return "unknown", f"no level decided in {span}, but possible at {words}"
    if levels:
        return "not_met", f"no SINS in {span}: " + ", ".join(_with_total(b) for b in levels)
    return "not_met", "no level with a lesion on the baseline scan"


def _with_total(level: BaselineLevel) -> str:
    low, high = level.total.low, level.total.high
    return f"{level.level} {low}" if low == high else f"{level.level} {low}-{high}"


def _no_procedure(
    criterion: ProcedureCriterion, levels: Sequence[BaselineLevel]
) -> tuple[CriterionVerdict, str]:
    """Judged at the levels of interest: those in range, else those that may be."""
    interest = [b for b in levels if b.in_range == "met"] or [b for b in levels if b.in_range == "unknown"]
    free = [b for b in interest if b.treated is None]
    if free or not interest:
        where = ", ".join(str(b.level) for b in free) or "any level of interest"
        return "met", f"no {', '.join(criterion.kinds)} before baseline at {where}"
    return "not_met", "; ".join(f"{b.level}: {b.treated}" for b in interest)
