#!/usr/bin/env python3
"""Transitional anatomy: the naming model on columns whose count is known by construction (no images).

    scripts/benchmark_naming.py [--columns 200] [--out FILE.json]

The phantom stands up each column (usual, T13, eleven ribs, L6, four lumbar, sacralised L5; adults of all
sizes, bent and straight); its body centres, moved by 1.5 mm, and what a network would see of ribs go to the
naming model as the engine calls it. Every tenth vertebra is missed or found twice. A column that holds
unusual vertebrae can only be counted where a fixed level is in view at the other end: ``whole`` columns
reach from the neck to the sacrum; ``lower`` ones (T8 to the sacrum) cannot tell a T13 from an L1 with ribs,
nor eleven ribs from a T1 that is out of view; they must be flagged or follow the ribs.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from statsmodels.stats.proportion import proportion_confint

from spineimg.core.levels import Level
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.phantom.column import column
from spineimg.phantom.spec import AnatomySpec, PatientSpec, PhantomSpec, ScanSpec
from spineimg.segmentation.name import Naming, name_column
from spineimg.segmentation.naming_model import Found, Surroundings, load_naming_model

MODEL = Path(__file__).parents[1] / "models" / "naming"
KINDS = {
    "usual": AnatomySpec(),
    "T13": AnatomySpec(thoracic=13),
    "eleven ribs": AnatomySpec(thoracic=11),
    "L6": AnatomySpec(lumbar=6),
    "four lumbar": AnatomySpec(lumbar=4),
    "T12 without ribs": AnatomySpec(rib_pairs=11),
    "sacralised L5": AnatomySpec(sacralised="both"),
}
VIEWS = {"whole": Level.C2, "lower": Level.T8}
CENTRE_SD_MM = 1.5
HIDDEN_L5 = 0.5
"""A finder takes an L5 that is one bone with the sacrum for sacrum this often."""


def drawn(
    anatomy: AnatomySpec, top: Level, seed: int
) -> tuple[list[Found], Surroundings, list[Level | None]]:
    rng = np.random.default_rng([seed, 11])
    size = float(np.exp(np.clip(rng.normal(0.0, 0.07), -0.14, 0.14)))
    patient = PatientSpec(
        seed, size, kyphosis=float(rng.uniform(0.7, 1.4)), lordosis=float(rng.uniform(0.6, 1.3)),
        scoliosis_deg=float(rng.uniform(0.0, 12.0)), anatomy=anatomy,
    )  # fmt: skip
    stands = column(PhantomSpec(patient, ScanSpec(seed)))
    levels = [level for level in stands if level.is_vertebra and level >= top]
    thoracic = [level for level in stands if level.value[0] == "T"]
    ribs = set(thoracic[: anatomy.rib_pairs or len(thoracic)])
    if anatomy.sacralised == "both" and rng.random() < HIDDEN_L5:
        levels = levels[:-1]
    found: list[Found] = []
    truth: list[Level | None] = []
    for level in levels:
        fate = rng.random()
        if fate < 0.05 and level not in (levels[0], levels[-1]):
            continue
        seen = 0 if level.value[0] == "C" else 1 if level in ribs else 2
        groups = 0.03 + 0.9 * rng.dirichlet(np.where(np.arange(3) == seen, 20.0, 0.5))
        for copy in range(2 if fate > 0.95 else 1):
            centre = (
                stands[level].centre + rng.normal(0.0, CENTRE_SD_MM, 3) - copy * np.array([0.0, 0.0, 8.0])
            )
            shares = (float(groups[0]), float(groups[1]), float(groups[2]))
            rib = float(rng.uniform(0.4, 2.0)) if level in ribs else 0.0
            found.append(Found(centre, shares, 0.95 if copy == 0 else 0.5, rib_ml=rib))
            truth.append(level if copy == 0 else None)
    # The phantom's origin is the middle of the sacral endplate.
    gap = 0.0 if len(levels) == sum(1 for n in stands if n.is_vertebra and n >= top) else -8.0
    return found, Surroundings(max(8.0, float(np.linalg.norm(found[-1].centre_lps_mm)) + gap)), truth


def judged(naming: Naming, truth: list[Level | None]) -> tuple[bool, bool]:
    named = [(a, b) for a, b in zip(naming.levels, truth, strict=True) if a is not None]
    right = all(a is b for a, b in named if b is not None)
    # The copy of a body found twice may carry its name in its place.
    right &= all(a in truth and (a, a) not in named for a, b in named if b is None)
    return right, naming.flagged


def share(count: int, n: int) -> str:
    low, high = proportion_confint(count, n, method="wilson")
    return f"{100 * count / n:5.1f} % ({100 * low:.1f}-{100 * high:.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--columns", type=int, default=200, help="columns of each kind")
    parser.add_argument("--seed", type=int, default=70_000)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    model, settings = load_naming_model(MODEL).for_probabilities(), SegmentationSettings()
    results = {}
    print("view   kind               n    right or flagged      silently wrong        flagged")
    for view, top in VIEWS.items():
        for place, (kind, anatomy) in enumerate(KINDS.items()):
            outcomes = []
            for number in range(given.columns):
                found, around, truth = drawn(anatomy, top, given.seed + 1000 * place + number)
                outcomes.append(judged(name_column(found, around, model, settings), truth))
            n = len(outcomes)
            good = sum(right or flagged for right, flagged in outcomes)
            flagged = sum(flag for _, flag in outcomes)
            line = f"{share(good, n):21} {share(n - good, n):21} {share(flagged, n)}"
            print(f"{view:6} {kind:17} {n:4}  {line}", flush=True)
            right = sum(r for r, _ in outcomes)
            results[f"{view}, {kind}"] = {"n": n, "right": right, "flagged": flagged, "silent": n - good}
    if given.out:
        given.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
