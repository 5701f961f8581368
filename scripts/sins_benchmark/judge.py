"""One case measured and scored, set beside its truth: plain numbers for one line of the result file."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from typing import Any

from sins_benchmark.cases import Case
from spineimg.core.estimate import Estimate
from spineimg.core.labelmap import LabelMap
from spineimg.core.levels import Level
from spineimg.core.measurements import Measurements
from spineimg.core.scores import COMPONENTS, LevelScore, Pain, SinsScores
from spineimg.core.settings import Settings
from spineimg.measurement import measure
from spineimg.scoring import score

SETTINGS = Settings()
Row = list[Any]


def true_masks(case: Case) -> LabelMap:
    """What a reader who sees everything would give: vertebrae, parts and lesions, but no lesion types."""
    return dataclasses.replace(case.labels, lesion_types=None, lesions_confirmed=True)


def judge(case: Case, labels: LabelMap) -> dict[str, Any]:
    """Measure and score with these masks and list every value beside its truth.

    Rows are ``[name, true, value, low, high]``, with None where one side has none.
    """
    began = time.process_time()
    found = measure(case.volume, labels, SETTINGS.measurement)
    used = time.process_time() - began
    pain = {Level(name): Pain(kind) for name, kind in case.pain.items()}  # type: ignore[arg-type]
    seen = {v.level for v in found.vertebrae}
    pain = {level: value for level, value in pain.items() if level in seen}
    return {
        "cpu_measure_s": round(used, 2),
        "vertebrae": len(found.vertebrae),
        **compare(case.truth["measurements"], found),
        "sins": verdicts(case.truth["sins"], found, pain),
    }


def verdicts(truth: Mapping[str, Any], found: Measurements, pain: Mapping[Level, Pain]) -> dict[str, Any]:
    """Per truly ill level: what is true and open, what is possible, what the bare values would say."""
    scores = score(found, pain, SETTINGS.scoring)
    central = score(bare(found), pain, SETTINGS.scoring)
    result = {}
    for name, exact in truth.items():
        level = Level(name)
        result[name] = {**exact, **_sets(scores, level, "possible"), **_sets(central, level, "bare")}
    return result


def _sets(scores: SinsScores, level: Level, key: str) -> dict[str, Any]:
    one: LevelScore | None = scores.of(level)
    if one is None:
        return {key: None, f"{key}_band": None, f"{key}_state": None}
    sets = {name: list(getattr(one.components, name).possible) for name in COMPONENTS}
    return {key: sets, f"{key}_band": list(one.band), f"{key}_state": one.state}


def bare(value: Any) -> Any:
    """Measurements without their intervals: every estimate shrunk to its value."""
    if isinstance(value, Estimate):
        return Estimate(value.value, value.value, value.value)
    if isinstance(value, tuple):
        return tuple(bare(v) for v in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.replace(
            value, **{f.name: bare(getattr(value, f.name)) for f in dataclasses.fields(value)}
        )
    return value


def compare(truth: Mapping[str, Any], found: Measurements) -> dict[str, list[Row]]:
    """Heights, losses, angles, shifts, lesion volumes and shares beside their truth."""
    ill = {x["level"] for x in truth["lesions"]}
    rows: dict[str, list[Row]] = {
        name: []
        for name in (
            *("height", "height_ill", "loss", "kyphosis", "scoliosis", "shift_ap", "shift_lateral"),
            *("lesion", "lytic", "body", "share"),
        )
    }
    for record in truth["vertebrae"]:
        vertebra = found.vertebra(Level(record["level"]))
        if vertebra is None or not record.get("complete", True):
            continue
        name = record["level"]
        for site in ("anterior", "middle", "posterior"):
            true = (record["heights_mm"] or {}).get(site)
            key = "height_ill" if name in ill else "height"
            rows[key].append(_row(f"{name} {site}", true, getattr(vertebra.heights_mm, site)))
        rows["loss"].append(_row(name, record["height_loss_percent"], vertebra.height_loss_percent))
        rows["lytic"].append(_row(name, record["lytic_percent"], vertebra.lytic_percent))
    for segment in found.segments:
        pair = (str(segment.upper), str(segment.lower))
        true = next((s for s in truth["segments"] if (s["upper"], s["lower"]) == pair), None)
        if true is None:
            continue
        name = "-".join(pair)
        rows["kyphosis"].append(_row(name, true["kyphosis_deg"], segment.kyphosis_deg))
        rows["scoliosis"].append(_row(name, true["scoliosis_deg"], segment.scoliosis_deg))
        rows["shift_ap"].append(_row(name, true["translation_ap_mm"], segment.translation_ap_mm))
        rows["shift_lateral"].append(
            _row(name, true["translation_lateral_mm"], segment.translation_lateral_mm)
        )
    for true in truth["lesions"]:
        lesion = next(
            (x for x in found.lesions if x.id == true["id"] and str(x.level) == true["level"]), None
        )
        if lesion is None:
            rows["lesion"].append(_row(true["level"], true["volume_ml"], None))
            continue
        rows["lesion"].append(_row(true["level"], true["volume_ml"], lesion.volume_ml))
        rows["body"].append(_row(true["level"], true["body_percent"], lesion.body_percent))
        for name, share in true["structures_percent"].items():
            measured = getattr(lesion.structures_percent, name)
            if share is not None and (share["value"] > 0 or (measured is not None and measured.value > 0)):
                rows["share"].append(_row(f"{true['level']} {name}", share, measured))
    return {name: [row for row in table if row[1] is not None] for name, table in rows.items()}


def _row(name: str, true: Mapping[str, float] | None, estimate: Estimate | None) -> Row:
    exact = None if true is None else true["value"]
    if estimate is None:
        return [name, exact, None, None, None]
    return [name, exact, round(estimate.value, 3), round(estimate.low, 3), round(estimate.high, 3)]
