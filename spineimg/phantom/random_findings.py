"""What else a random patient has: unusual counts, scoliosis, spurs, look-alikes, cement, screws, childhood.

Drawn from its own stream, so that the patient underneath stays what the seed always gave.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from spineimg.core.levels import Level, Region
from spineimg.phantom.counts import USUAL, levels_of
from spineimg.phantom.sizes import vertebra_size
from spineimg.phantom.spec import (
    AnatomySpec,
    CementSpec,
    CurveSpec,
    LookAlikeKind,
    LookAlikeSpec,
    PatientSpec,
    PhantomSpec,
    Phase,
    SpurSpec,
)

_UNUSUAL = (
    AnatomySpec(thoracic=13),
    AnatomySpec(lumbar=6),
    AnatomySpec(lumbar=4),
    AnatomySpec(rib_pairs=11),
    AnatomySpec(thoracic=13, lumbar=4),
    AnatomySpec(sacralised="left"),
    AnatomySpec(sacralised="right"),
    AnatomySpec(sacralised="both"),
)
# Shares of patients. Transitional anatomy in some 12-15 % (Konin 2010, AJNR 31:1778: 4-30 % at the
# lumbosacral junction alone); the others by hand: often enough to be learned and measured.
_TRANSITIONAL, _CURVED, _CHILD = 0.15, 0.12, 0.05
_WORN, _BRIDGED, _LOOK_ALIKES, _CEMENT, _SCREWS = 0.35, 0.08, 0.35, 0.06, 0.06
_PHASES: tuple[Phase, ...] = ("venous", "arterial", "delayed")
_ADULT_YEARS = 17.0


def child(patient: PatientSpec, age_years: float) -> PatientSpec:
    """The patient as a child: smaller (by hand: full size at 17 years), thin cortex, little fat."""
    size = 0.5 + 0.5 * min(age_years / _ADULT_YEARS, 1.0)
    return replace(
        patient,
        size=patient.size * size,
        density_hu=max(patient.density_hu, 190.0),
        cortex_hu=patient.cortex_hu * 0.8,
        fat_mm=min(patient.fat_mm, 10.0),
    )


def with_findings(spec: PhantomSpec) -> PhantomSpec:
    """The specification with further findings, drawn from the patient's seed."""
    rng = np.random.default_rng([spec.patient.seed, 108])
    anatomy = USUAL
    if rng.random() < _TRANSITIONAL:
        anatomy = _UNUSUAL[int(rng.integers(len(_UNUSUAL)))]
    patient = replace(
        spec.patient,
        anatomy=anatomy,
        curve=_curve(rng, anatomy) if rng.random() < _CURVED else None,
        phase=_PHASES[int(rng.choice(3, p=[0.6, 0.2, 0.2]))],
    )
    if rng.random() < _CHILD:
        patient = child(patient, float(rng.uniform(4, 15)))
    present = set(levels_of(anatomy))
    seen = [level for level in levels_of(anatomy) if spec.top <= level <= spec.bottom and level.is_vertebra]
    bodied = [level for level in seen if level.region in (Region.THORACIC, Region.LUMBAR)]
    return replace(
        spec,
        patient=patient,
        lesions=tuple(lesion for lesion in spec.lesions if lesion.level in present),
        fractures=tuple(fracture for fracture in spec.fractures if fracture.level in present),
        slips=tuple(slip for slip in spec.slips if slip.level in present),
        look_alikes=_look_alikes(rng, bodied) if rng.random() < _LOOK_ALIKES else (),
        spurs=(
            *(_worn(rng, bodied) if rng.random() < _WORN else ()),
            *(_bridges(rng, seen) if rng.random() < _BRIDGED else ()),
        ),
        cement=_cement(rng, bodied) if rng.random() < _CEMENT else (),
        screws=_screws(rng, bodied) if rng.random() < _SCREWS else (),
    )


def _curve(rng: np.random.Generator, anatomy: AnatomySpec) -> CurveSpec:
    levels = levels_of(anatomy)
    span = int(rng.integers(4, 8))
    first = int(rng.integers(levels.index(Level.T3), len(levels) - 2 - span))
    cobb = float(rng.choice([-1.0, 1.0]) * rng.uniform(10, 50))
    return CurveSpec(levels[first], levels[first + span], cobb)


def _look_alikes(rng: np.random.Generator, levels: list[Level]) -> tuple[LookAlikeSpec, ...]:
    found = []
    for level in levels:
        if rng.random() < 0.3:
            s = vertebra_size(level if level not in (Level.T13, Level.L6) else Level.L5)
            kinds: tuple[LookAlikeKind, ...] = (
                "haemangioma",
                "enostosis",
                "schmorl-node",
                "endplate-sclerosis",
                "basivertebral-vein",
            )
            kind = kinds[int(rng.integers(len(kinds)))]
            up = float(rng.choice([-1.0, 1.0])) * s.height / 2
            x, y = rng.uniform(-0.25, 0.25) * s.width, rng.uniform(-0.25, 0.15) * s.depth
            centre, radii = {
                "haemangioma": ((x, y, 0.0), rng.uniform(0.25, 0.45, 3) * s.height),
                "enostosis": ((x, y, rng.uniform(-0.25, 0.25) * s.height), rng.uniform(1.5, 5.0, 3)),
                "schmorl-node": ((x, y, up), rng.uniform(3.0, 7.0, 3) * (1.0, 1.0, 0.9)),
                "endplate-sclerosis": ((x, y, up), rng.uniform(5.0, 14.0, 3) * (1.0, 0.8, 0.5)),
                "basivertebral-vein": ((0.0, s.depth * 0.3, 0.0), rng.uniform(2.5, 6.0, 3) * (1.0, 1.4, 0.9)),
            }[kind]
            found.append(LookAlikeSpec(level, kind, _three(np.array(centre)), _three(np.asarray(radii))))
    return tuple(found)


def _worn(rng: np.random.Generator, levels: list[Level]) -> tuple[SpurSpec, ...]:
    """Osteophytes on both sides of some discs."""
    found: list[SpurSpec] = []
    for upper, lower in itertools.pairwise(levels):
        if rng.random() < 0.4:
            angle, length = float(rng.uniform(-70, 70)), float(rng.uniform(2, 8))
            found += [
                SpurSpec(upper, "lower", angle, length),
                SpurSpec(lower, "upper", angle, float(length * rng.uniform(0.6, 1.2))),
            ]
    return tuple(found)


def _bridges(rng: np.random.Generator, levels: list[Level]) -> tuple[SpurSpec, ...]:
    """DISH: flowing bridges in front of thoracic discs, mostly on the right, away from the aorta."""
    able = [level for level in levels[:-1] if level.region is Region.THORACIC and level >= Level.T4]
    angle = float(rng.uniform(-60, -10))
    return tuple(SpurSpec(level, "bridge", angle, float(rng.uniform(3, 7))) for level in able)


def _cement(rng: np.random.Generator, levels: list[Level]) -> tuple[CementSpec, ...]:
    if not levels:
        return ()
    level = levels[int(rng.integers(len(levels)))]
    height = vertebra_size(level if level not in (Level.T13, Level.L6) else Level.L5).height
    centre = rng.uniform(-0.2, 0.2, 3) * height
    return (CementSpec(level, _three(centre), _three(height * rng.uniform(0.25, 0.42, 3))),)


def _screws(rng: np.random.Generator, levels: list[Level]) -> tuple[Level, ...]:
    count = min(int(rng.integers(2, 5)), len(levels))
    first = int(rng.integers(0, len(levels) - count + 1))
    return tuple(levels[first : first + count])


def _three(values: np.ndarray) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])
