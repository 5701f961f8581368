"""SINS of exact records, written from the reference apart from the scoring room.

For each component the value that is true, the set that the rules leave open even to a perfect measurement of
one scan, whether the case is clear of every border (so that no rounding decides it), and whether it can be
``judged``: the scan shows the vertebra (and its neighbours) whole, and the truth knows what they lost.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from spineimg.core.settings.scoring import ScoringSettings

IMAGED = ("bone_lesion", "alignment", "collapse", "posterolateral")
PAIN = {"mechanical": 3, "occasional": 1, "none": 0}
JUNCTIONAL = {"C1", "C2", "C7", "T1", "T2", "T11", "T12", "T13", "L1", "L5", "L6", "sacrum", "S1"}
MOBILE = {"C3", "C4", "C5", "C6", "L2", "L3", "L4"}
BROKEN_MM2 = 20.0
CLEAR = {"lytic": 5.0, "loss": 2.0, "body": 5.0, "share": 5.0, "shift": 0.4, "angle": 1.0}
JUNCTIONS = 2
MEASURED = ("translation_ap_mm", "translation_lateral_mm", "kyphosis_deg", "scoliosis_deg")
"""What the truth must know of a junction; an endplate without one of its points leaves an angle unknown."""
Component = dict[str, Any]


def score(
    records: Mapping[str, Any], pain: Mapping[str, str], earlier: list[dict[str, Any]] | None = None
) -> dict[str, dict[str, Any]]:
    """SINS by level name: components, total and band.

    Parameters
    ----------
    records : mapping
        ``vertebrae``, ``lesions``, ``segments`` with exact values.
    pain : mapping
        Kind of pain by level name; all levels with a lesion.
    earlier : list of segment records or None
        As they were before; they say whether a deformity is new. None: as they are now.
    """
    found = {}
    for name in sorted({x["level"] for x in records["lesions"]}):
        own = [x for x in records["lesions"] if x["level"] == name]
        body = next(v for v in records["vertebrae"] if v["level"] == name)
        location = 3 if name in JUNCTIONAL else 2 if name in MOBILE else 1
        components = {
            "location": _sure(location),
            "pain": _sure(PAIN[pain[name]]),
            "bone_lesion": _bone_lesion(body),
            "alignment": _alignment(name, records, earlier),
            "collapse": _collapse(body, own),
            "posterolateral": _posterolateral(own),
        }
        true = sum(c["true"] for c in components.values())
        low = sum(min(c["open"]) for c in components.values())
        high = sum(max(c["open"]) for c in components.values())
        found[name] = {
            "components": components,
            "total": true,
            "band": band(true),
            "bands": sorted({band(t) for t in range(low, high + 1)}),
        }
    return found


def band(total: int) -> str:
    """Stable to 6, potentially unstable to 12, unstable above."""
    return "stable" if total <= 6 else "potentially_unstable" if total <= 12 else "unstable"


def _sure(points: int) -> Component:
    return {"true": points, "open": [points], "clear": True, "judged": True}


def _bone_lesion(body: Mapping[str, Any]) -> Component:
    lytic = body["lytic_percent"]["value"]
    points = 2 if lytic >= 80 else 0 if lytic <= 20 else 1
    clear = min(abs(lytic - 80), abs(lytic - 20)) > CLEAR["lytic"]
    return {**_sure(points), "clear": clear}


def _collapse(body: Mapping[str, Any], own: list[dict[str, Any]]) -> Component:
    loss = body["height_loss_percent"]["value"] if body["height_loss_percent"] else 0.0
    involved = sum(x["body_percent"]["value"] for x in own if x["body_percent"])
    points = 3 if loss > 50 else 2 if loss >= 20 else 1 if involved > 50 else 0
    clear = min(abs(loss - 20), abs(loss - 50)) > CLEAR["loss"]
    clear = clear and (loss >= 20 or abs(involved - 50) > CLEAR["body"])
    known = bool(body["complete"]) and body["height_loss_percent"] is not None
    return {**_sure(points), "clear": clear, "judged": known}


def _posterolateral(own: list[dict[str, Any]]) -> Component:
    sides, clear = set(), True
    names = own[0]["structures_percent"]
    for name in names:
        shares = [x["structures_percent"][name]["value"] for x in own if x["structures_percent"][name]]
        share = sum(shares)
        if "broken_mm2" in own[0]:
            area = sum(x["broken_mm2"][name] or 0.0 for x in own)
        else:
            area = 10 * BROKEN_MM2 if any(name in x["cortex_broken"] for x in own) else 0.0
        involved = share >= 25 or area >= BROKEN_MM2
        near_share = abs(share - 25) <= CLEAR["share"] and area < BROKEN_MM2
        near_area = share < 25 and 0.2 * BROKEN_MM2 < area < 2 * BROKEN_MM2
        clear = clear and not near_share and not near_area
        if involved:
            sides.add(name.rsplit("_", 1)[1])
    return {**_sure({0: 0, 1: 1, 2: 3}[len(sides)]), "clear": clear}


def slip_limit(segment: Mapping[str, Any]) -> float:
    """White & Panjabi's static limit of a junction, mm."""
    upper = segment["upper"]
    if upper[0] == "C" and upper != "C7":
        return 3.5
    if upper == "C7" or upper[0] == "T":
        return 2.5
    depth = segment["caudal_depth_mm"]
    depth = depth["value"] if isinstance(depth, dict) else depth
    return 4.5 if depth is None else min(4.5, 0.15 * depth)


def _alignment(name: str, records: Mapping[str, Any], earlier: list[dict[str, Any]] | None) -> Component:
    settings = ScoringSettings()
    lost = {
        v["level"]: v["height_loss_percent"]["value"] if v["height_loss_percent"] else 0.0
        for v in records["vertebrae"]
    }
    whole = {v["level"] for v in records["vertebrae"] if v["complete"] and _known(v)}
    true, clear, seen = 0, True, 0
    sets = [{0}]
    before = {(s["upper"], s["lower"]): s for s in earlier or []}
    for segment in records["segments"]:
        if name not in (segment["upper"], segment["lower"]):
            continue
        told = all(segment[k] for k in MEASURED)
        seen += segment["upper"] in whole and segment["lower"] in whole and told
        limit = slip_limit(segment)
        shifts = [
            abs(segment[k]["value"]) for k in ("translation_ap_mm", "translation_lateral_mm") if segment[k]
        ]
        slipped = max(shifts, default=0.0)
        clear = clear and abs(slipped - limit) > CLEAR["shift"]
        if slipped >= limit:
            # Neither generator draws gas, worn facets or a pars defect: nothing leaves the slip open.
            true = 4
            sets.append({4})
        bent, near = _bent(segment, name, lost, settings)
        clear = clear and not near
        if bent:
            sets.append({0, 2})
        old = before.get((segment["upper"], segment["lower"]))
        if old is not None and abs(segment["kyphosis_deg"]["value"] - old["kyphosis_deg"]["value"]) >= 5:
            true = max(true, 2)
    opened = sorted({max(choice) for choice in itertools.product(*sets)})
    return {"true": true, "open": opened, "clear": clear, "judged": seen == JUNCTIONS}


def _known(vertebra: Mapping[str, Any]) -> bool:
    """Whether the truth knows what a vertebra lost; the sacrum has no height to lose."""
    return vertebra["height_loss_percent"] is not None or vertebra["level"] == "sacrum"


def _bent(
    segment: Mapping[str, Any], name: str, lost: Mapping[str, float], settings: ScoringSettings
) -> tuple[bool, bool]:
    """Whether an angle is beyond what is normal there, or at a collapsed body; and whether that is close."""
    row = settings.normal_angle(segment["upper"])
    if row is None or not segment["kyphosis_deg"]:
        return False, False
    limit = row.mean_deg + settings.normal_sds * row.sd_deg
    limit += settings.standing_widening_deg if "standing" in row.source else 0.0
    other = segment["lower"] if segment["upper"] == name else segment["upper"]
    tilt = settings.scoliosis_deg
    if lost.get(name, 0.0) >= settings.fracture_percent:
        limit, tilt = row.mean_deg, settings.collapsed_scoliosis_deg
    elif lost.get(other, 0.0) >= settings.fracture_percent:
        limit, tilt = min(limit, row.mean_deg + settings.new_angle_deg), settings.collapsed_scoliosis_deg
    kyphosis, scoliosis = segment["kyphosis_deg"]["value"], abs(segment["scoliosis_deg"]["value"])
    near = min(abs(kyphosis - limit), abs(scoliosis - tilt)) <= CLEAR["angle"]
    return kyphosis > limit or scoliosis > tilt, near
