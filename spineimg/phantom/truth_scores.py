"""SINS of a phantom from its exact records.

Written apart from the scoring room, so that they check each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spineimg.core.levels import Level
from spineimg.core.scores import PainKind

_PAIN = {"mechanical": [3], "occasional": [1], "none": [0], "unknown": [0, 1, 3]}
# T13 lies between T12 and L1, L6 between L5 and S1: junctional as both neighbours are.
_JUNCTIONAL = {"C1", "C2", "C7", "T1", "T2", "T11", "T12", "T13", "L1", "L5", "L6", "sacrum", "S1"}
_MOBILE = {"C3", "C4", "C5", "C6", "L2", "L3", "L4"}
_QUALITY = {"lytic": 2, "mixed": 1, "blastic": 0}
_BANDS = ("stable", "potentially_unstable", "unstable")


def score_records(
    vertebrae: list[dict[str, Any]],
    lesions: list[dict[str, Any]],
    segments: tuple[list[dict[str, Any]], list[dict[str, Any]]],
    pain: Mapping[Level, PainKind],
) -> dict[str, Any]:
    """Content of ``sins.json`` without evidence; ``segments`` now and as before new fractures."""
    levels = []
    for record in vertebrae:
        own = [lesion for lesion in lesions if lesion["level"] == record["level"]]
        if not own:
            continue
        name = record["level"]
        kind = pain.get(Level(name), "unknown")
        components = {
            "location": [3 if name in _JUNCTIONAL else 2 if name in _MOBILE else 1],
            "pain": _PAIN[kind],
            "bone_lesion": [_QUALITY[_quality(record["lytic_percent"]["value"])]],
            "alignment": [_alignment(name, segments)],
            "collapse": [_collapse(record, own)],
            "posterolateral": [_posterolateral(own)],
        }
        low = sum(min(points) for points in components.values())
        high = sum(max(points) for points in components.values())
        levels.append(
            {
                "level": name,
                "state": "not_scored" if "not_scorable" in record else "scored",
                "reason": f"{record['not_scorable']} in {name}" if "not_scorable" in record else None,
                "pain": None
                if kind == "unknown"
                else {"value": kind, "date": None, "source": "specification"},
                "components": {
                    key: {"possible": points, "evidence": []} for key, points in components.items()
                },
                "total": {"low": low, "high": high},
                "band": _bands(low, high),
                "decide": [],
            }
        )
    return {"schema": "spineimg/sins/1", "levels": levels, "patient": _patient(levels)}


def _bands(low: int, high: int) -> list[str]:
    limits = ((0, 6), (7, 12), (13, 18))
    return [band for band, (first, last) in zip(_BANDS, limits, strict=True) if low <= last and high >= first]


def _patient(all_levels: list[dict[str, Any]]) -> dict[str, Any]:
    levels = [record for record in all_levels if record["state"] == "scored"]
    if not levels:
        return {"total": None, "band": [], "level": None}
    low = max(record["total"]["low"] for record in levels)
    high = max(record["total"]["high"] for record in levels)
    worst = max(levels, key=lambda record: int(record["total"]["high"]))
    return {"total": {"low": low, "high": high}, "band": _bands(low, high), "level": worst["level"]}


def _quality(lytic: float) -> str:
    return "lytic" if lytic >= 80 else "blastic" if lytic <= 20 else "mixed"


def _slip_limit(upper: str, lower: str, depth: float) -> float:
    """White & Panjabi's static limits: mm from which a translation counts."""
    if upper[0] == "C" and upper != "C7":
        return 3.5
    if upper == "C7" or upper[0] == "T":
        return 2.5
    return min(4.5, 0.15 * depth) if lower else 4.5


def _alignment(name: str, segments: tuple[list[dict[str, Any]], list[dict[str, Any]]]) -> int:
    now, before = segments
    points = 0
    for segment, earlier in zip(now, before, strict=True):
        if name not in (segment["upper"], segment["lower"]):
            continue
        limit = _slip_limit(segment["upper"], segment["lower"], segment["caudal_depth_mm"])
        if abs(segment["translation_ap_mm"]["value"]) >= limit:
            points = 4
        changed = abs(segment["kyphosis_deg"]["value"] - earlier["kyphosis_deg"]["value"]) >= 5
        points = max(points, 2 if changed else 0)
    return points


def _collapse(record: dict[str, Any], own: list[dict[str, Any]]) -> int:
    loss = 0.0 if record["height_loss_percent"] is None else record["height_loss_percent"]["value"]
    if loss > 50:
        return 3
    if loss >= 20:
        return 2
    return 1 if sum(lesion["body_percent"]["value"] for lesion in own) > 50 else 0


def _posterolateral(own: list[dict[str, Any]]) -> int:
    sides = set()
    for lesion in own:
        for name, share in lesion["structures_percent"].items():
            if (share is not None and share["value"] >= 25) or name in lesion["cortex_broken"]:
                sides.add(name.rsplit("_", 1)[1])
    return {0: 0, 1: 1, 2: 3}[len(sides)]
