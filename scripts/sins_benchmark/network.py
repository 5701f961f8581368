"""A case through the shipped network: found lesions, names, and what its scores say against the truth."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from sins_benchmark.cases import Case
from sins_benchmark.judge import SETTINGS, compare, verdicts
from spineimg.core.levels import Level
from spineimg.core.measurements import Measurements
from spineimg.core.scores import Pain
from spineimg.pipeline.analyse import measure_column
from spineimg.pipeline.segment import engine_for
from spineimg.scoring import score

NEAR_MM = 12.0
"""A predicted vertebra is the true one when its centre lies this near."""


def judge_network(case: Case) -> dict[str, Any]:
    """Segment, measure and score; match vertebrae by place, so that a wrong name shows as one."""
    began = time.process_time()
    labels = engine_for(None, case.volume.modality)(case.volume, SETTINGS.segmentation)
    _, _, found = measure_column(case.volume, labels, SETTINGS)
    used = time.process_time() - began
    truth = case.truth["measurements"]
    names = match(truth, found)
    pain = {names[n]: Pain(kind) for n, kind in case.pain.items() if n in names}  # type: ignore[arg-type]
    sins = {}
    for name, exact in case.truth["sins"].items():
        here = names.get(name)
        if here is None:
            sins[name] = {**exact, "possible": None, "bare": None, "found_as": None}
            continue
        one = verdicts({str(here): exact}, found, pain)[str(here)]
        vertebra = found.vertebra(here)
        doubt = [str(m) for m in vertebra.name_possible] if vertebra else []
        sins[name] = {**one, "found_as": str(here), "name_possible": doubt}
    ill = {names[n] for n in case.truth["sins"] if n in names}
    false = [
        str(s.level)
        for s in score(found, pain, SETTINGS.scoring).levels
        if s.state == "scored" and s.level not in ill
    ]
    right = {name: level for name, level in names.items() if str(level) == name}
    return {
        "cpu_network_s": round(used, 1),
        "vertebrae": len(found.vertebrae),
        "true_vertebrae": len(truth["vertebrae"]),
        "matched": len(names),
        "named_right": len(right),
        "false_scored": false,
        **compare(_renamed(truth, names), found),
        "sins": sins,
    }


def match(truth: Mapping[str, Any], found: Measurements) -> dict[str, Level]:
    """Level name in truth to the level that the network gave the vertebra at its place."""
    names = {}
    for record in truth["vertebrae"]:
        centre = np.array(record["centre_lps_mm"])
        best = min(
            found.vertebrae,
            key=lambda v: float(np.linalg.norm(np.array(v.centre_lps_mm) - centre)),
            default=None,
        )
        if best is not None and np.linalg.norm(np.array(best.centre_lps_mm) - centre) < NEAR_MM:
            names[record["level"]] = best.level
    return names


def _renamed(truth: Mapping[str, Any], names: Mapping[str, Level]) -> dict[str, Any]:
    """Truth under the network's names, so that like is compared with like; only matched vertebrae."""

    def named(record: Mapping[str, Any], key: str) -> dict[str, Any]:
        return {**record, key: str(names[record[key]])}

    segments = [s for s in truth["segments"] if s["upper"] in names and s["lower"] in names]
    return {
        "vertebrae": [named(v, "level") for v in truth["vertebrae"] if v["level"] in names],
        "lesions": [],
        "segments": [named(named(s, "upper"), "lower") for s in segments],
    }
