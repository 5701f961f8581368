"""The cases of the benchmark by number: which generator, region, spacing, orientation; always the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from painted import Plan, draw_plan, paint
from painted.anatomy import COLUMNS
from painted.plan import ORIENTATIONS, SPACINGS
from painted.rules import score

from spineimg.core.labelmap import LabelMap
from spineimg.core.levels import LEVELS, Level
from spineimg.core.volume import Volume
from spineimg.phantom import PhantomSpec, make_phantom, random_spec
from spineimg.phantom.counts import levels_of
from spineimg.phantom.spec import AnatomySpec

FIRST_PHANTOM, FIRST_PAINTED = 900_000, 700_000
"""Seeds of this benchmark; nothing is tuned on seeds from 700,000 on."""
PAINTED_OF_FIVE = (1, 3)
LENGTH = 8
STARTS = {"cervical": (2, 4), "upper thoracic": (5, 9), "thoracolumbar": (10, 13), "lumbar": (14, 16)}
"""First level (index in `LEVELS`) of each stretch: C3-C5, C6-T3, T4-T7, T8-T10."""
PAINS = ("mechanical", "occasional", "none")
OBLIQUE_DEG = (14.0, 9.0, 7.0)


@dataclass(frozen=True, eq=False)
class Case:
    """One scan with true masks and truth.

    ``truth``: ``{"measurements": {...}, "sins": {level: ...}}`` as `painted` gives it.
    """

    number: int
    generator: str
    volume: Volume
    labels: LabelMap
    truth: Mapping[str, Any]
    pain: Mapping[str, str]
    facts: Mapping[str, Any]
    """Strata."""


def is_painted(number: int) -> bool:
    """Two of five cases are painted."""
    return number % 5 in PAINTED_OF_FIVE


def plan_of(number: int) -> Plan:
    """Plan of a painted case: its spacing, orientation and template go round."""
    seed = FIRST_PAINTED + number
    plan = draw_plan(seed, LENGTH, COLUMNS[(number // 5 * 2 + number % 5 // 2) % len(COLUMNS)])
    rng = np.random.default_rng([seed, 1])
    between = SPACINGS[number % len(SPACINGS)]
    plane = float(rng.uniform(0.8, 1.1))
    scan = replace(
        plan.scan,
        spacing_mm=(plane, between),
        orientation=ORIENTATIONS[(number // 10) % len(ORIENTATIONS)],
    )
    return replace(plan, scan=scan)


def spec_of(number: int) -> PhantomSpec:
    """Specification of a phantom case."""
    seed = FIRST_PHANTOM + number
    rng = np.random.default_rng([seed, 2])
    spec = random_spec(seed)
    low, high = STARTS[tuple(STARTS)[number % len(STARTS)]]
    start = int(rng.integers(low, high + 1))
    levels = list(LEVELS[start : start + LENGTH])
    anatomy = AnatomySpec()
    if number % 12 == 7:
        anatomy = (AnatomySpec(thoracic=13), AnatomySpec(lumbar=6), AnatomySpec(thoracic=11))[
            number // 12 % 3
        ]
        levels = (
            list(LEVELS[14:22])
            if anatomy.thoracic != 11
            else [m for m in LEVELS[13:22] if m is not Level.T12]
        )
    # Diseases are drawn anew for these levels, by the same generator under another seed.
    drawn = _diseases(seed, levels)
    orientation = ORIENTATIONS[(number // 10) % len(ORIENTATIONS)]
    between, plane = SPACINGS[number % len(SPACINGS)], float(rng.uniform(0.9, 1.2))
    scan = replace(
        spec.scan,
        spacing_mm=(plane, plane, between),
        width_mm=115.0,
        depth_mm=150.0,
        margin_mm=5.0,
        orientation="axial" if orientation == "oblique" else orientation,
        turn_deg=OBLIQUE_DEG if orientation == "oblique" else spec.scan.turn_deg,
    )
    ill = sorted({lesion.level for lesion in drawn[0]})
    there = levels_of(anatomy)
    pain = tuple((level, PAINS[int(rng.integers(3))]) for level in ill)
    return replace(
        spec,
        patient=replace(spec.patient, anatomy=anatomy),
        scan=scan,
        top=levels[0],
        bottom=levels[-1],
        lesions=drawn[0],
        fractures=drawn[1],
        slips=drawn[2],
        spurs=tuple(x for x in spec.spurs if x.level in there),
        look_alikes=tuple(x for x in spec.look_alikes if x.level in there),
        pain=pain,  # type: ignore[arg-type]
    )


def _diseases(seed: int, levels: list[Level]) -> tuple[Any, Any, Any]:
    """Lesions, fractures and slips on these levels: the first later seed that brings one to three lesions."""
    inner = set(levels[1:-1])
    for k in range(60):
        spec = random_spec(seed * 100 + k)
        lesions = tuple(x for x in spec.lesions if x.level in inner)[:3]
        if lesions:
            fractures = tuple(x for x in spec.fractures if x.level in inner)
            return lesions, fractures, tuple(x for x in spec.slips if x.level in inner)
    raise RuntimeError(f"no seed near {seed} brings a lesion to {levels}")


def make_case(number: int) -> Case:
    """Paint or draw one case."""
    return (
        painted_case(number, plan_of(number)) if is_painted(number) else phantom_case(number, spec_of(number))
    )


def painted_case(number: int, plan: Plan) -> Case:
    """A case of the second generator."""
    done = paint(plan)
    pain = {str(level): kind for level, kind in plan.pain}
    scan = plan.scan
    facts = _facts(plan.levels, (scan.spacing_mm[0], scan.spacing_mm[1], scan.orientation), scan)
    facts |= {"contrast": plan.contrast_hu > 0, "template": plan.template, "anatomy": "usual"}
    return Case(number, "painted", done.volume, done.labels, done.truth, pain, facts | _bend(done.truth))


def phantom_case(number: int, spec: PhantomSpec) -> Case:
    """A case of the phantom; `painted.rules` reads its exact records, apart from the scoring room."""
    done = make_phantom(spec)
    exact = done.truth["measurements"]
    pain = {str(level): str(kind) for level, kind in spec.pain}
    seen = {v["level"] for v in exact["vertebrae"]}
    lesions = [x for x in exact["lesions"] if x["level"] in seen and x["level"] in pain]
    records = {**exact, "lesions": lesions}
    truth = {"measurements": records, "sins": score(records, pain)}
    scan = spec.scan
    orientation = "oblique" if scan.turn_deg == OBLIQUE_DEG else scan.orientation
    levels = done.labels.levels()
    facts = _facts(levels, (scan.spacing_mm[0], scan.spacing_mm[2], orientation), scan)
    usual = spec.patient.anatomy == AnatomySpec()
    facts |= {"contrast": spec.patient.contrast_hu > 0, "anatomy": "usual" if usual else "transitional"}
    return Case(number, "phantom", done.volume, done.labels, truth, pain, facts | _bend(truth))


def _facts(levels: tuple[Level, ...], grid: tuple[float, float, str], scan: Any) -> dict[str, Any]:
    return {
        "plane_mm": round(grid[0], 2),
        "between_mm": grid[1],
        "orientation": grid[2],
        "levels": [str(level) for level in levels],
        "region": levels[len(levels) // 2].region.value,
        "noise_hu": round(scan.noise_hu, 1),
        "kernel_mm": round(scan.kernel_fwhm_mm, 2),
        "sharp": scan.sharpness > 0,
    }


def _bend(truth: Mapping[str, Any]) -> dict[str, Any]:
    """Largest coronal angle of the column, degrees: the scoliosis stratum."""
    angles = [s["scoliosis_deg"]["value"] for s in truth["measurements"]["segments"] if s["scoliosis_deg"]]
    total = np.concatenate([[0.0], np.cumsum(angles)])
    return {"scoliosis_deg": round(float(total.max() - total.min()), 1)}
