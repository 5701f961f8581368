"""Cohorts with known hazards: what the benchmark measures bias and coverage on, and the sample cohort to try.

Each level's time to fracture follows a proportional hazard exactly in the margin; the levels of one patient
depend on each other through a Gaussian copula. So the hazard ratios are known, and so is that levels are no
independent observations. Rates are near those published (Sahgal 2013: 12 % of levels at one year).
"""

from __future__ import annotations

import datetime
import itertools
import math
from dataclasses import dataclass, field

import numpy as np
from scipy import special

from spineimg.core.levels import Level
from spineimg.core.scores import ComponentName, PainKind
from spineimg.scoring.table import LOCATIONS, POINTS

NEVER = math.inf
_PAIN: dict[PainKind, int] = {"mechanical": 3, "occasional": 1, "none": 0}
_LEVELS = tuple(
    level
    for level in Level
    if level.value in {*(f"T{n}" for n in range(2, 13)), *(f"L{n}" for n in range(1, 6))}
)


@dataclass(frozen=True, slots=True)
class Hazards:
    """The truth: log hazard ratios, the curve, and how levels of one patient depend on each other."""

    total_sins: float = 0.25
    age: float = 0.02
    body_involvement: float = 0.015
    radiotherapy: float = 0.5
    year_hazard: float = 0.09
    """Cumulative hazard at one year: total 9, age 52, 40 % of the body involved, no radiotherapy."""
    shape: float = 0.8
    """Weibull shape; below 1: most fractures come early."""
    correlation: float = 0.5
    """Of the copula between levels of one patient."""
    death_a_year: float = 0.22
    procedure_a_year: float = 0.04
    missed_visit: float = 0.05
    lost_at_visit: float = 0.03


@dataclass(frozen=True, slots=True)
class SimulatedLevel:
    """One level with a lesion; days from baseline, ``NEVER`` for never."""

    level: Level
    points: dict[ComponentName, int]
    pain: PainKind
    body_percent: float
    radiotherapy_day: float
    procedure_day: float
    fracture_day: float

    @property
    def total(self) -> int:
        """SINS total."""
        return sum(self.points.values())

    @property
    def collapsed(self) -> bool:
        """Fractured at baseline: what comes is progression."""
        return self.points["collapse"] >= 2


@dataclass(frozen=True, slots=True)
class SimulatedPatient:
    """One patient; ``visit_days`` are those of the scans, the first 0."""

    key: str
    sex: str
    birth: datetime.date
    baseline: datetime.date
    visit_days: tuple[int, ...]
    death_day: float
    last_contact_day: int
    levels: tuple[SimulatedLevel, ...]
    clinical: dict[str, str] = field(default_factory=dict)

    @property
    def age_years(self) -> float:
        """Age at baseline."""
        return (self.baseline - self.birth).days / 365.25


def simulate_patient(number: int, hazards: Hazards, random: np.random.Generator) -> SimulatedPatient:
    """Draw one patient.

    Parameters
    ----------
    number : int
        Makes the key.
    hazards : Hazards
        The truth.
    random : numpy Generator
        Source of chance.
    """
    age = float(np.clip(random.normal(50.0, 8.0), 27.0, 64.5))
    baseline = datetime.date(2017, 12, 1) + datetime.timedelta(days=int(random.integers(0, 1100)))
    birth = baseline - datetime.timedelta(days=round(age * 365.25))
    death = math.ceil(random.exponential(365.25 / hazards.death_a_year))
    until = min((datetime.date(2022, 12, 31) - baseline).days, 760)
    visits = [0]
    for planned in range(90, 721, 90):
        if random.random() < hazards.lost_at_visit:
            break
        day = planned + int(np.clip(round(random.normal(0, 8)), -28, 28))
        if day > min(until, death):
            break
        if random.random() >= hazards.missed_visit:
            visits.append(day)
    alive = death > until or not visits
    contact = min(until, max(visits[-1] + 20, 1))
    return SimulatedPatient(
        key=f"sim{number:05d}",
        sex="F",
        birth=birth,
        baseline=baseline,
        visit_days=tuple(visits),
        death_day=NEVER if alive else death,
        last_contact_day=contact if alive else min(contact, int(death)),
        levels=_levels(age, hazards, random),
    )


def _levels(age: float, hazards: Hazards, random: np.random.Generator) -> tuple[SimulatedLevel, ...]:
    n = 1 + min(3, int(random.poisson(0.9)))
    chosen = sorted(random.choice(len(_LEVELS), size=n, replace=False))
    shared = random.normal()
    irradiated_day = float(random.integers(-60, 240)) if random.random() < 0.5 else NEVER
    found = []
    for place in chosen:
        level = _LEVELS[int(place)]
        points, pain, body = _points(level, random)
        radiotherapy = irradiated_day if random.random() < 0.8 else NEVER
        procedure = math.ceil(random.exponential(365.25 / hazards.procedure_a_year))
        normal = (
            math.sqrt(hazards.correlation) * shared + math.sqrt(1 - hazards.correlation) * random.normal()
        )
        target = -math.log(special.ndtr(-normal))  # unit exponential, dependent within the patient
        total = sum(points.values())
        relative = math.exp(
            hazards.total_sins * (total - 9)
            + hazards.age * (age - 52)
            + hazards.body_involvement * (body - 40)
        )
        fracture = fracture_day(target / relative, radiotherapy, hazards)
        found.append(
            SimulatedLevel(
                level, points, pain, body, radiotherapy, procedure if procedure < 760 else NEVER, fracture
            )
        )
    return tuple(found)


def fracture_day(target: float, radiotherapy_day: float, hazards: Hazards) -> float:
    """Day at which the cumulative hazard (in units of the level's relative hazard) reaches a target."""

    def day(cumulative: float) -> float:
        return 365.25 * float((cumulative / hazards.year_hazard) ** (1 / hazards.shape))

    def cumulative(at: float) -> float:
        return hazards.year_hazard * float((at / 365.25) ** hazards.shape)

    before = cumulative(max(0.0, radiotherapy_day)) if radiotherapy_day < NEVER else NEVER
    if target <= before:
        return day(target)
    return day(before + (target - before) / math.exp(hazards.radiotherapy))


def _points(level: Level, random: np.random.Generator) -> tuple[dict[ComponentName, int], PainKind, float]:
    """Components whose sum mostly lies in 7 to 12, as in patients referred for a doubtful spine."""
    kinds: tuple[PainKind, ...] = ("mechanical", "occasional", "none")
    pain = kinds[int(random.choice(3, p=(0.5, 0.35, 0.15)))]
    body = float(np.clip(random.beta(1.6, 1.9) * 100, 3, 97))
    fractured = random.random() < 0.3
    collapse = 2 if fractured else 1 if body > 50 else 0
    points: dict[ComponentName, int] = {
        "location": POINTS[LOCATIONS[level]],
        "pain": _PAIN[pain],
        "bone_lesion": int(random.choice((2, 1, 0), p=(0.55, 0.3, 0.15))),
        "alignment": int(random.choice((0, 2), p=(0.85, 0.15))),
        "collapse": collapse,
        "posterolateral": int(random.choice((0, 1, 3), p=(0.35, 0.4, 0.25))),
    }
    return points, pain, round(body, 1)


@dataclass(frozen=True, slots=True)
class SimulatedOutcome:
    """What the trial sees of a level: as `records.Outcome`."""

    status: str
    left_days: int
    right_days: int | None
    cause: str | None


def observed(patient: SimulatedPatient, level: SimulatedLevel) -> SimulatedOutcome:
    """Outcome for ``new_or_progression`` by the definitions, independent of the trial's own code."""
    days = [d for d in patient.visit_days if d <= level.procedure_day]
    for earlier, later in itertools.pairwise(days):
        if earlier < level.fracture_day <= later:
            kind = "progression" if level.collapsed else "new"
            return SimulatedOutcome("event", earlier, later, kind)
    if min(level.procedure_day, patient.death_day) < NEVER:
        procedure_first = level.procedure_day <= patient.death_day
        day = int(level.procedure_day if procedure_first else patient.death_day)
        return SimulatedOutcome("competing", days[-1], day, "cement" if procedure_first else "death")
    return SimulatedOutcome("censored", days[-1], None, None)
