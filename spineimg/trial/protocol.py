"""A trial's own rules, read from a TOML file; nothing of one trial is in code."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from spineimg.core.errors import InputRefused
from spineimg.core.scores import COMPONENTS, ComponentName

DEFAULT_PROTOCOL = "nct03365973.toml"
Procedure = Literal["surgery", "cement", "stabilisation"]
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class TrialName:
    """What the trial is called."""

    id: str
    title: str
    planned_patients: int | None = None
    __pydantic_config__: ClassVar[ConfigDict] = _STRICT


@dataclass(frozen=True, slots=True)
class ColumnCriterion:
    """Met when a cell of the clinical table holds one of some values; an empty cell is unknown."""

    name: str
    text: str
    rule: Literal["column"]
    column: str
    met: tuple[str, ...]
    __pydantic_config__: ClassVar[ConfigDict] = _STRICT


@dataclass(frozen=True, slots=True)
class AgeCriterion:
    """Completed years at the baseline scan, both limits included."""

    name: str
    text: str
    rule: Literal["age"]
    low_years: int
    high_years: int
    __pydantic_config__: ClassVar[ConfigDict] = _STRICT


@dataclass(frozen=True, slots=True)
class IndexLevelCriterion:
    """Met when at least one level is an index level."""

    name: str
    text: str
    rule: Literal["index_level"]
    __pydantic_config__: ClassVar[ConfigDict] = _STRICT


@dataclass(frozen=True, slots=True)
class ProcedureCriterion:
    """Met when at least one level of interest had no such procedure up to the baseline scan."""

    name: str
    text: str
    rule: Literal["no_earlier_procedure"]
    kinds: tuple[Procedure, ...]
    __pydantic_config__: ClassVar[ConfigDict] = _STRICT


Criterion = Annotated[
    ColumnCriterion | AgeCriterion | IndexLevelCriterion | ProcedureCriterion, Field(discriminator="rule")
]


@dataclass(frozen=True, slots=True)
class NotAssessed:
    """A criterion of the register that no rule here can judge, and why."""

    text: str
    why: str
    __pydantic_config__: ClassVar[ConfigDict] = _STRICT


@dataclass(frozen=True, slots=True)
class IndexLevelRule:
    """Range of the baseline total, both ends included, in which a scored level is followed."""

    total_low: int
    total_high: int
    __pydantic_config__: ClassVar[ConfigDict] = _STRICT


@dataclass(frozen=True, slots=True)
class VisitPlan:
    """A visit every so many days after baseline, each with a window on both sides."""

    every_days: Annotated[int, Field(gt=0)]
    window_days: Annotated[int, Field(ge=0)]
    last_day: Annotated[int, Field(gt=0)]
    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    def planned_days(self) -> tuple[int, ...]:
        """Planned days after baseline, baseline not among them."""
        return tuple(range(self.every_days, self.last_day + 1, self.every_days))

    def window(self, day: int) -> str | None:
        """Name of the window that a day after baseline lies in: ``baseline``, ``day-90``..., or None."""
        if day == 0:
            return "baseline"
        near = [p for p in self.planned_days() if abs(day - p) <= self.window_days]
        return f"day-{min(near, key=lambda p: abs(day - p))}" if near else None


@dataclass(frozen=True, slots=True)
class EndpointRule:
    """Procedures at a level that end the comparison of its images."""

    competing_procedures: tuple[Procedure, ...]
    __pydantic_config__: ClassVar[ConfigDict] = _STRICT


@dataclass(frozen=True, slots=True)
class Covariate:
    """One covariate of the Cox model.

    ``source``: ``total`` (SINS at baseline), ``component`` (one of its components), ``age`` (years at
    baseline), ``body_involvement`` (percent of the body replaced by lesion), ``radiotherapy`` (at the
    level, 0 until its date, then 1) or ``column`` (a further column of the clinical table, a number or
    yes|no).
    """

    name: str
    source: Literal["total", "component", "age", "body_involvement", "radiotherapy", "column"]
    component: ComponentName | None = None
    column: str | None = None
    values: Literal["number", "yes_no"] = "number"
    __pydantic_config__: ClassVar[ConfigDict] = _STRICT


@dataclass(frozen=True, slots=True)
class Protocol:
    """Everything that one trial decides."""

    schema: Literal["spineimg/protocol/1"]
    trial: TrialName
    criteria: tuple[Criterion, ...]
    index_level: IndexLevelRule
    visits: VisitPlan
    endpoints: EndpointRule
    covariates: tuple[Covariate, ...]
    not_assessed: tuple[NotAssessed, ...] = ()
    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    def further_columns(self) -> dict[str, Literal["number", "yes_no", "text"]]:
        """Columns of the clinical table that only this protocol knows, and what they hold."""
        columns: dict[str, Literal["number", "yes_no", "text"]] = {
            c.column: "text" for c in self.criteria if isinstance(c, ColumnCriterion)
        }
        columns |= {c.column: c.values for c in self.covariates if c.column is not None}
        return columns

    def as_json(self) -> dict[str, Any]:
        """Plain values for ``trial.json``."""
        return asdict(self)


_ADAPTER = TypeAdapter(Protocol)


def load_protocol(path: Path | None) -> Protocol:
    """Read a protocol file; None gives the one shipped (NCT03365973).

    Raises
    ------
    InputRefused
        ``protocol-unreadable`` (no file, no TOML), ``protocol-invalid`` (each wrong, missing or unknown key
        is named), ``protocol-contradicts-itself`` (e.g. total SINS and a component of it as covariates).
    """
    where = path if path is not None else Path(DEFAULT_PROTOCOL)
    try:
        text = (
            path.read_text(encoding="utf-8")
            if path is not None
            else (resources.files("spineimg.trial") / "protocols" / DEFAULT_PROTOCOL).read_text(
                encoding="utf-8"
            )
        )
        values = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputRefused(
            "protocol-unreadable", f"{where}: {error}", "give a TOML file; docs/trial.md shows one", where
        ) from error
    try:
        protocol = _ADAPTER.validate_python(values)
    except ValidationError as error:
        raise InputRefused(
            "protocol-invalid",
            f"{where}: " + "; ".join(_sentence(e) for e in error.errors()),
            "docs/trial.md lists the keys; nothing is ignored",
            where,
        ) from error
    for wrong, message in _CONTRADICTIONS:
        if wrong(protocol):
            raise InputRefused(
                "protocol-contradicts-itself", f"{where}: {message}", "correct the protocol file", where
            )
    return protocol


def _sentence(error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"]) or "the file"
    what = (
        "unknown key" if error["type"] in ("unexpected_keyword_argument", "extra_forbidden") else error["msg"]
    )
    return f"{place}: {what}"


def _total_and_components(protocol: Protocol) -> bool:
    sources = {c.source for c in protocol.covariates}
    return {"total", "component"} <= sources


def _twice(protocol: Protocol) -> bool:
    names = ([c.name for c in protocol.covariates], [c.name for c in protocol.criteria])
    return any(len(set(n)) != len(n) for n in names)


def _misnamed(protocol: Protocol) -> bool:
    return any(
        (c.source == "component") != (c.component in COMPONENTS)
        or (c.source == "column") != (c.column is not None)
        or (c.source == "radiotherapy") != (c.name == "radiotherapy")
        for c in protocol.covariates
    )


def _no_index_rule(protocol: Protocol) -> bool:
    return not any(isinstance(c, IndexLevelCriterion) for c in protocol.criteria)


def _reversed(protocol: Protocol) -> bool:
    ages = [c for c in protocol.criteria if isinstance(c, AgeCriterion)]
    rule = protocol.index_level
    return rule.total_low > rule.total_high or any(a.low_years > a.high_years for a in ages)


_CONTRADICTIONS: tuple[tuple[Callable[[Protocol], bool], str], ...] = (
    (_total_and_components, "total SINS and its components may not stand in one model"),
    (_twice, "two covariates, or two criteria, have one name"),
    (
        _misnamed,
        "a covariate names a component exactly when its source is component, a column exactly when "
        "its source is "
        "column, and is called radiotherapy exactly when that is its source",
    ),
    (_no_index_rule, "no criterion has the rule index_level: no level would be followed"),
    (_reversed, "a lower limit lies above its upper limit"),
)
