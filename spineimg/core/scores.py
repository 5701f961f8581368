"""SINS of one scan; the fields are those of ``sins.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from spineimg.core.levels import Level
from spineimg.core.measurements import Point

Band = Literal["stable", "potentially_unstable", "unstable"]
State = Literal["scored", "candidate", "not_scored"]
PainKind = Literal["mechanical", "occasional", "none", "unknown"]
ComponentName = Literal["location", "pain", "bone_lesion", "alignment", "collapse", "posterolateral"]
COMPONENTS: tuple[ComponentName, ...] = (
    "location",
    "pain",
    "bone_lesion",
    "alignment",
    "collapse",
    "posterolateral",
)

ALLOWED_POINTS: Mapping[ComponentName, tuple[int, ...]] = MappingProxyType(
    {
        "location": (0, 1, 2, 3),
        "pain": (0, 1, 3),
        "bone_lesion": (0, 1, 2),
        "alignment": (0, 2, 4),
        "collapse": (0, 1, 2, 3),
        "posterolateral": (0, 1, 3),
    }
)
"""Points that the published table knows (Fisher 2010, Spine 35:E1221); all others are refused at birth."""
LARGEST_TOTAL = 18


@dataclass(frozen=True, slots=True)
class Pain:
    """Pain of one level; ``date`` ISO or None, ``source`` who gave it (``command line``, a file name)."""

    value: PainKind
    date: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """One sentence that a reader can check against a picture."""

    text: str
    value: float | None = None
    threshold: float | None = None
    unit: str | None = None
    source: str | None = None
    lps_mm: Point | None = None
    picture: str | None = None


@dataclass(frozen=True, slots=True)
class Component:
    """Points that the data allow, ascending, and why."""

    possible: tuple[int, ...]
    evidence: tuple[Evidence, ...]

    def __post_init__(self) -> None:
        if not self.possible or list(self.possible) != sorted(set(self.possible)):
            raise ValueError(f"possible points are not empty, ascending, each once: {self.possible!r}")

    @property
    def decided(self) -> bool:
        """Whether one value is left."""
        return len(self.possible) == 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """A reader's word on one component of one level: it stands, whatever was measured."""

    component: ComponentName
    points: int
    by: str
    why: str

    def __post_init__(self) -> None:
        if self.points not in ALLOWED_POINTS[self.component]:
            allowed = ALLOWED_POINTS[self.component]
            raise ValueError(f"SINS has no {self.points} points for {self.component}: {allowed}")


@dataclass(frozen=True, slots=True)
class Components:
    """The six components of SINS."""

    location: Component
    pain: Component
    bone_lesion: Component
    alignment: Component
    collapse: Component
    posterolateral: Component

    def __post_init__(self) -> None:
        for name, component in self.items():
            impossible = sorted(set(component.possible) - set(ALLOWED_POINTS[name]))
            if impossible:
                raise ValueError(f"SINS has no {impossible[0]} points for {name}: {ALLOWED_POINTS[name]}")

    def items(self) -> tuple[tuple[ComponentName, Component], ...]:
        """Name and component, in the order of the published table."""
        return tuple((name, getattr(self, name)) for name in COMPONENTS)


@dataclass(frozen=True, slots=True)
class Total:
    """Lowest and highest total that the data allow (0-18)."""

    low: int
    high: int

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high <= LARGEST_TOTAL:
            raise ValueError(f"a total lies in 0-{LARGEST_TOTAL}, low first: {self.low}, {self.high}")


@dataclass(frozen=True, slots=True)
class Question:
    """The one question whose answer would narrow the total most."""

    component: ComponentName
    question: str


@dataclass(frozen=True, slots=True)
class LevelScore:
    """SINS of one level; ``reason`` says why it is a candidate or not scored."""

    level: Level
    state: State
    reason: str | None
    pain: Pain | None
    components: Components
    total: Total
    band: tuple[Band, ...]
    decide: tuple[Question, ...]
    verdicts: tuple[Verdict, ...] = ()
    """Extra to the contract: what a reader decided; it stays when the case is scored again."""


@dataclass(frozen=True, slots=True)
class PatientScore:
    """The patient's total over the scored levels; ``level`` holds the largest maximum. None: none scored."""

    total: Total | None
    band: tuple[Band, ...]
    level: Level | None


@dataclass(frozen=True, slots=True)
class SinsScores:
    """Scores of every level with a lesion, head to foot."""

    levels: tuple[LevelScore, ...]
    patient: PatientScore

    def of(self, level: Level) -> LevelScore | None:
        """The score of a level, or None."""
        return next((s for s in self.levels if s.level is level), None)
