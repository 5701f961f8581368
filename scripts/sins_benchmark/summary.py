"""All figures of the benchmark from its result files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sins_benchmark.figures import Figure, mean, share
from sins_benchmark.store import lines
from spineimg.core.scores import COMPONENTS

Line = dict[str, Any]
LOOKED_AT = 43
"""Cases below this number were looked at while the measurement was built; those without them stand apart."""
IMAGED = ("bone_lesion", "alignment", "collapse", "posterolateral")
THICKNESS = {"up to 1.5 mm": (0.0, 1.5), "2-3 mm": (1.6, 3.0), "4-5 mm": (3.1, 5.0)}
STRATA: dict[str, Callable[[dict[str, Any]], str]] = {
    "slices": lambda f: next(name for name, (a, b) in THICKNESS.items() if a <= f["between_mm"] <= b),
    "orientation": lambda f: f["orientation"],
    "region": lambda f: f["region"],
    "noise": lambda f: "up to 25 HU" if f["noise_hu"] <= 25 else "above 25 HU",
    "kernel": lambda f: (
        "sharp" if f["sharp"] else "up to 1.2 mm" if f["kernel_mm"] <= 1.2 else "above 1.2 mm"
    ),
    "contrast": lambda f: "yes" if f["contrast"] else "no",
    "scoliosis": lambda f: "above 10 deg" if f["scoliosis_deg"] > 10 else "up to 10 deg",
    "anatomy": lambda f: f["anatomy"],
}


def summarise(work: Path) -> dict[str, Any]:
    """Figures of every result file in a folder, for both generators apart and together."""
    found: dict[str, Any] = {}
    for masks in ("true", "network"):
        every = lines(work / f"{masks}.jsonl")
        if every:
            found[masks] = {
                "code": every[-1]["code"],
                **{g: _figures(x) for g, x in _by_generator(every).items()},
            }
            unseen = [x for x in every if x["number"] >= LOOKED_AT]
            if unseen:
                found[masks]["never looked at"] = _figures(unseen)
            found[masks]["strata"] = _strata(every)
            if masks == "network":
                found[masks]["found"] = _network(every)
                found[masks]["by_name"] = _figures([x | x["by_name"] for x in every])
    repeats = lines(work / "repeat.jsonl")
    if repeats:
        found["repeat"] = {g: _repeats(x) for g, x in _by_generator(repeats).items()}
    real = lines(work / "real.jsonl")
    if real:
        found["real_repeat"] = _repeats(real)
    network = lines(work / "real_network.jsonl")
    if network:
        found["real_reference_against_network"] = _real_network(network)
    return found


def _real_network(every: Sequence[Line]) -> dict[str, Any]:
    """Network's value less the reference masks' on the same real scan."""
    found: dict[str, Any] = {}
    for name, wanted in (("height_mm", False), ("loss_points", True)):
        gaps = [[r[3] - r[2] for r in x["rows"] if r[0].endswith("loss") is wanted] for x in every]
        flat = np.array([g for gap in gaps for g in gap])
        found[f"{name}_difference"] = mean(gaps)
        found[f"{name}_absolute"] = mean([[abs(g) for g in gap] for gap in gaps])
        found[f"{name}_limits_95"] = round(1.96 * float(flat.std(ddof=1)), 2) if len(flat) > 1 else None
    return found


def _by_generator(every: Sequence[Line]) -> dict[str, list[Line]]:
    groups = {"all": list(every)}
    for name in ("phantom", "painted"):
        groups[name] = [x for x in every if x["generator"] == name]
    return {name: group for name, group in groups.items() if group}


def _figures(group: Sequence[Line]) -> dict[str, Any]:
    found: dict[str, Any] = {"cases": len(group)}
    for name, (low, high) in THICKNESS.items():
        some = [x for x in group if low <= x["facts"]["between_mm"] <= high]
        found[f"height_mae_mm {name}"] = _errors(some, ("height", "height_ill"))
    for name, kinds in {
        "loss_mae_points": ("loss",),
        "angle_mae_deg": ("kyphosis", "scoliosis"),
        "translation_mae_mm": ("shift_ap", "shift_lateral"),
        "lytic_mae_points": ("lytic",),
        "share_mae_points": ("share",),
        "body_mae_points": ("body",),
    }.items():
        found[name] = _errors(group, kinds)
    found["lesion_volume_error_percent"] = mean(
        [[100 * abs(r[2] - r[1]) / r[1] for r in x["lesion"] if r[2] is not None] for x in group]
    )
    found["coverage"] = _coverage(group)
    found["measured"] = {name: _measured(group, kinds) for name, kinds in COVERED.items() if name != "lesion"}
    found["components"] = {name: _component(group, name) for name in COMPONENTS}
    found["bands"] = _bands(group)
    if "cpu_measure_s" in group[0]:
        found["cpu_s_a_column"] = mean([[x["cpu_measure_s"]] for x in group])
        found["cpu_s_a_vertebra"] = mean([[x["cpu_measure_s"] / max(x["vertebrae"], 1)] for x in group])
    return found


def _measured(group: Sequence[Line], kinds: Sequence[str]) -> Figure:
    """Percent of the true values beside which we measured one; None is said, not wrong."""
    return share([r[2] is not None for kind in kinds for x in group for r in x[kind]])


def _errors(group: Sequence[Line], kinds: Sequence[str]) -> Figure:
    return mean([[abs(r[2] - r[1]) for kind in kinds for r in x[kind] if r[2] is not None] for x in group])


COVERED = {
    "height": ("height", "height_ill"),
    "loss": ("loss",),
    "angle": ("kyphosis", "scoliosis"),
    "translation": ("shift_ap", "shift_lateral"),
    "lesion": ("lesion",),
}


def _coverage(group: Sequence[Line]) -> dict[str, Figure]:
    """Percent of 95 % intervals that hold the truth (limits over cases: values of one case go together)."""
    found = {}
    for name, kinds in COVERED.items():
        hits = [
            [100.0 * (r[3] <= r[1] <= r[4]) for k in kinds for r in x[k] if r[2] is not None] for x in group
        ]
        found[name] = mean(hits)
    return found


def _levels(group: Sequence[Line]) -> list[dict[str, Any]]:
    return [level for x in group for level in x["sins"].values()]


def _component(group: Sequence[Line], name: str) -> dict[str, Any]:
    judged = [s for s in _levels(group) if s["components"][name]["judged"]]
    known = [(s["components"][name], s["possible"][name], s["bare"][name]) for s in judged if s["possible"]]
    decidable = [(c, p) for c, p, _ in known if len(c["open"]) == 1]
    values: dict[str, Figure] = {}
    for value in sorted({c["true"] for c, _, _ in known}):
        values[str(value)] = share([b == c["open"] for c, _, b in known if c["true"] == value])
    return {
        "right": share([b == c["open"] for c, _, b in known]),
        "right_where_clear": share([b == c["open"] for c, _, b in known if c["clear"]]),
        "true_inside": share([c["true"] in p for c, p, _ in known]),
        "decided_and_wrong": share([len(p) == 1 and p[0] != c["true"] for c, p, _ in known]),
        "decided_of_decidable": share([len(p) == 1 for _, p in decidable]),
        "found_of_levels": share([bool(s["possible"]) for s in judged]),
        "right_by_true_value": values,
    }


def _bands(group: Sequence[Line]) -> dict[str, Figure]:
    levels = [
        s for s in _levels(group) if s["possible"] and all(c["judged"] for c in s["components"].values())
    ]
    decided = [s for s in levels if len(s["possible_band"]) == 1]
    return {
        "right": share([s["bare_band"] == s["bands"] or s["bare_band"] == [s["band"]] for s in levels]),
        "true_inside": share([s["band"] in s["possible_band"] for s in levels]),
        "decided": share([len(s["possible_band"]) == 1 for s in levels]),
        "right_where_decided": share([s["possible_band"] == [s["band"]] for s in decided]),
    }


def _strata(every: Sequence[Line]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, of in STRATA.items():
        for value in sorted({of(x["facts"]) for x in every}):
            group = [x for x in every if of(x["facts"]) == value]
            right = [
                s["bare"][c] == s["components"][c]["open"]
                for s in _levels(group)
                if s["bare"]
                for c in IMAGED
            ]
            found[f"{name}: {value}"] = {
                "cases": len(group),
                "height_mae_mm": _errors(group, ("height", "height_ill")),
                "coverage": _coverage(group),
                "components_right": share(right),
            }
    return found


def _network(every: Sequence[Line]) -> dict[str, Any]:
    levels = _levels(every)
    scored = [s for s in levels if s["possible"]]
    return {
        "vertebrae_found": share([k < len(x["naming"]) for x in every for k in range(x["true_vertebrae"])]),
        **{
            f"named_{how}": share([said == how for x in every for said in x["naming"].values()])
            for how in ("right", "flagged", "silent")
        },
        "ill_levels_scored_or_candidate": share([bool(s["possible"]) for s in levels]),
        "ill_levels_scored": share([s.get("possible_state") == "scored" for s in levels]),
        "state_of_found": {
            state: sum(s.get("possible_state") == state for s in scored)
            for state in ("scored", "candidate", "not_scored")
        },
        "false_scored_a_case": mean([[float(len(x["false_scored"]))] for x in every]),
        "cpu_s": mean([[x["cpu_network_s"]] for x in every]),
    }


def _loss_gaps(scans: dict[str, Any], used: Sequence[str]) -> list[float]:
    """Height loss of each level in the repeats less that of the base scan, points."""
    base = scans["base"]["loss"]
    return [
        scans[k]["loss"][level][0] - value[0]
        for k in used
        for level, value in base.items()
        if level in scans[k]["loss"]
    ]


def _repeats(group: Sequence[Line]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    names = [n for n in group[0]["scans"] if n != "base"]
    for name in [*names, "all"]:
        used = names if name == "all" else [name]
        gaps = [_loss_gaps(x["scans"], used) for x in group]
        flat = np.array([g for gap in gaps for g in gap])
        flips, changed = [], []
        for x in group:
            for k in used:
                for level, sets in x["scans"]["base"]["components"].items():
                    other = x["scans"][k]["components"].get(level)
                    for c in IMAGED:
                        if other is not None:
                            flips.append(not set(sets[c]) & set(other[c]))
                            changed.append(sets[c] != other[c])
        found[name] = {
            "loss_mean_difference": mean(gaps),
            "loss_limits_95_points": round(1.96 * float(flat.std(ddof=1)), 2) if len(flat) > 1 else None,
            "component_flips": share(flips),
            "component_sets_changed": share(changed),
        }
    return found
