"""The same patient scanned again: other slices, another kernel, turned by 15 degrees, more noise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sins_benchmark.cases import painted_case, phantom_case, plan_of, spec_of
from sins_benchmark.judge import SETTINGS, true_masks
from spineimg.core.levels import Level
from spineimg.core.scores import COMPONENTS, Pain
from spineimg.measurement import measure
from spineimg.scoring import score

FIRST = 5_000
"""Numbers of these patients start here: no case of the benchmark is one of them."""
TURN_DEG = 15.0


def repeat_case(number: int) -> dict[str, Any]:
    """One patient: height loss and components of the base scan and of each repeat."""
    painted = number % 2 == 1
    scans = {}
    facts: dict[str, Any] = {}
    for name in ("base", "slices", "kernel", "turned", "noise"):
        case = _painted(number, name) if painted else _phantom(number, name)
        facts = facts or dict(case.facts)
        found = measure(case.volume, true_masks(case), SETTINGS.measurement)
        pain = {Level(n): Pain(k) for n, k in case.pain.items() if found.vertebra(Level(n))}  # type: ignore[arg-type]
        scores = score(found, pain, SETTINGS.scoring)
        scans[name] = {
            "loss": {
                str(v.level): [round(x, 2) for x in (e.value, e.low, e.high)]
                for v in found.vertebrae
                if (e := v.height_loss_percent) is not None and v.complete
            },
            "components": {
                str(s.level): {c: list(getattr(s.components, c).possible) for c in COMPONENTS}
                for s in scores.levels
            },
        }
    return {
        "number": number,
        "generator": "painted" if painted else "phantom",
        "facts": facts,
        "scans": scans,
    }


def _spacing(number: int) -> tuple[float, float]:
    """Slices of the base scan and of the repeat."""
    return ((1.0, 1.5), (1.5, 1.0), (2.5, 2.0), (1.25, 2.5))[number // 2 % 4]


def _painted(number: int, name: str) -> Any:
    plan = plan_of(FIRST + number // 2 * 5 + 1)
    first, other = _spacing(number)
    scan = replace(
        plan.scan,
        spacing_mm=(0.9, first),
        orientation="axial",
        kernel_fwhm_mm=1.0,
        noise_hu=12.0,
        sharpness=0.0,
    )
    scan = {
        "base": scan,
        "slices": replace(scan, spacing_mm=(1.0, other), seed=scan.seed + 1, shift_mm=(3.3, 1.7, 2.1)),
        "kernel": replace(scan, kernel_fwhm_mm=1.6, seed=scan.seed + 2),
        "turned": replace(scan, turn_deg=(TURN_DEG, 3.0, 0.0), seed=scan.seed + 3),
        "noise": replace(scan, noise_hu=35.0, seed=scan.seed + 4),
    }[name]
    return painted_case(FIRST + number, replace(plan, scan=scan))


def _phantom(number: int, name: str) -> Any:
    spec = spec_of(FIRST + number // 2 * 5)
    first, other = _spacing(number)
    scan = replace(
        spec.scan, spacing_mm=(1.0, 1.0, first), orientation="axial", kernel_fwhm_mm=1.0, noise_hu=12.0,
        sharpness=0.0, turn_deg=(0.0, 0.0, 0.0), shift_mm=(0.0, 0.0, 0.0),
    )  # fmt: skip
    scan = {
        "base": scan,
        "slices": replace(scan, spacing_mm=(1.1, 1.1, other), seed=scan.seed + 1, shift_mm=(3.3, 1.7, 2.1)),
        "kernel": replace(scan, kernel_fwhm_mm=1.6, seed=scan.seed + 2),
        "turned": replace(scan, turn_deg=(TURN_DEG, 3.0, 0.0), seed=scan.seed + 3, depth_mm=175.0),
        "noise": replace(scan, noise_hu=35.0, seed=scan.seed + 4),
    }[name]
    return phantom_case(FIRST + number, replace(spec, scan=scan))
