"""A case through the shipped network: found vertebrae, names, and what its scores say against the truth.

Two faults are told apart. By place: a vertebra of ours is compared with the true one whose centre lies
there, whatever both are called; what is wrong then is a mask or a measurement. By name: it is compared with
the true one of its name; what is wrong only then is a name, and it is either flagged or silent.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from sins_benchmark.cases import Case
from sins_benchmark.judge import SETTINGS, compare, verdicts
from spineimg.core.levels import Level
from spineimg.core.measurements import Measurements
from spineimg.core.scores import Pain
from spineimg.pipeline.analyse import measure_column
from spineimg.pipeline.segment import engine_for
from spineimg.scoring import score

NEAR_MM = 10.0
"""A vertebra of ours stands at a true one's place when their centres lie so near; each at one place only."""
Names = Mapping[str, Level]


def judge_network(case: Case) -> dict[str, Any]:
    """Segment, measure and score; compare by place and by name."""
    began = time.process_time()
    labels = engine_for(None, case.volume.modality)(case.volume, SETTINGS.segmentation)
    _, _, found = measure_column(case.volume, labels, SETTINGS)
    used = time.process_time() - began
    return {"cpu_network_s": round(used, 1), **compare_network(case, found)}


def compare_network(case: Case, found: Measurements) -> dict[str, Any]:
    """One line: rows and verdicts by place, the same by name under ``by_name``, and the naming."""
    truth = case.truth["measurements"]
    names = match(truth, found)
    own = {v.level for v in found.vertebrae}
    same = {n: Level(n) for n in (v["level"] for v in truth["vertebrae"]) if Level(n) in own}
    by_place = _compared(case, found, names)
    ill = {names[n] for n in case.truth["sins"] if n in names}
    scores = score(found, _pain(case, names), SETTINGS.scoring)
    false = [str(s.level) for s in scores.levels if s.state == "scored" and s.level not in ill]
    return {
        "vertebrae": len(found.vertebrae),
        "true_vertebrae": len(truth["vertebrae"]),
        "naming": naming(names, found),
        "false_scored": false,
        **by_place,
        "by_name": _compared(case, found, same),
    }


def match(truth: Mapping[str, Any], found: Measurements) -> dict[str, Level]:
    """Level name in truth to the level of ours at its place, one to one, nearest together."""
    records, ours = truth["vertebrae"], [v for v in found.vertebrae if v.level.is_vertebra]
    if not records or not ours:
        return {}
    centres = (np.array([r["centre_lps_mm"] for r in records]), np.array([v.centre_lps_mm for v in ours]))
    apart = np.linalg.norm(centres[0][:, None] - centres[1][None], axis=2)
    # Far pairs cost alike, so that none of them pushes a near one away.
    pairs = zip(*linear_sum_assignment(np.minimum(apart, 2.0 * NEAR_MM)), strict=True)
    return {records[i]["level"]: ours[j].level for i, j in pairs if apart[i, j] < NEAR_MM}


def naming(names: Names, found: Measurements) -> dict[str, str]:
    """Per vertebra at a true one's place: named "right", "flagged" (its name is open) or "silent"ly wrong.

    A right name that is open counts as flagged too: the reader has to look.
    """
    said = {}
    for name, level in names.items():
        vertebra = found.vertebra(level)
        open_name = vertebra is not None and len(vertebra.name_possible) > 1
        said[name] = "flagged" if open_name else "right" if str(level) == name else "silent"
    return said


def _pain(case: Case, names: Names) -> dict[Level, Pain]:
    return {names[n]: Pain(kind) for n, kind in case.pain.items() if n in names}  # type: ignore[arg-type]


def _compared(case: Case, found: Measurements, names: Names) -> dict[str, Any]:
    """Rows and verdicts with each true level set beside ``names`` of it; what has none is not found."""
    pain = _pain(case, names)
    sins: dict[str, Any] = {}
    for name, exact in case.truth["sins"].items():
        here = names.get(name)
        vertebra = None if here is None else found.vertebra(here)
        if vertebra is None:
            sins[name] = {**exact, "possible": None, "bare": None, "found_as": None}
            continue
        doubt = [str(m) for m in vertebra.name_possible]
        one = verdicts({str(here): exact}, found, pain)[str(here)]
        sins[name] = {**one, "found_as": str(here), "name_possible": doubt}
    return {**compare(_renamed(case.truth["measurements"], names), found), "sins": sins}


def _renamed(truth: Mapping[str, Any], names: Names) -> dict[str, Any]:
    """Truth under our names; only what has one (lesions carry ids of their own and are not compared)."""

    def named(record: Mapping[str, Any], key: str) -> dict[str, Any]:
        return {**record, key: str(names[record[key]])}

    segments = [s for s in truth["segments"] if s["upper"] in names and s["lower"] in names]
    return {
        "vertebrae": [named(v, "level") for v in truth["vertebrae"] if v["level"] in names],
        "lesions": [],
        "segments": [named(named(s, "upper"), "lower") for s in segments],
    }
