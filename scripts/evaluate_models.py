#!/usr/bin/env python3
"""Judge the CT networks end to end: real CT, changed copies of it, phantoms, painted lesions.

    scripts/evaluate_models.py --out out/models.json [--sections real,copies,phantoms] [--phantoms 24]

Sections: ``real`` (masks and landmarks; scans that were trained on say so; every mark of a lesion on them is
false, as none has a known metastasis), ``copies`` (thick, noisy, turned, cropped copies of the scans with
masks), ``phantoms`` (seeds that no training holds), ``painted`` (lesions painted into deformed real anatomy
by scripts/painted, which shares nothing with the training's painter); and, to be run once when nothing is
chosen any more, ``reserved`` and ``test``. A run that was stopped goes on. Each figure comes with its n and
a 95 % bootstrap interval over cases (over vertebrae where there are fewer than five cases).
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from quality import scans
from quality.compare import found_figures
from quality.figures import Results, Row, calibration, figure, markdown
from quality.judge import Judge, painted, phantom

from spineimg.core.settings import DEFAULTS
from spineimg.core.volume import Modality
from spineimg.segmentation.bundles import DEFAULT_MODEL, find_model
from spineimg.segmentation.engine import load_folder

FIRST_PHANTOM, FIRST_PAINTED = 900_000, 910_000
"""Seeds of evaluation. Training's pool counts from 10,000; thresholds were chosen from 800,000 on."""
ALWAYS = "real,copies,phantoms,painted"
NAMES = ("found", "right", "flagged", "silent", "possible")


def vertebrae(rows: Sequence[Row]) -> dict[str, Any]:
    """Figures of the vertebrae of one section."""
    mine = [r for r in rows if r.get("row") == "vertebra"]
    bars = {"dice": ">= 0.90", "surface_mm": "<= 1", "centre_mm": "<= 3", "silent": "0"}
    names = (*NAMES, "dice_name", "dice", "surface_mm", "centre_mm")
    return {n: figure(mine, n) | {"bar": bars.get(n, "")} for n in names if any(n in r for r in mine)}


def lesions(rows: Sequence[Row], cases: Sequence[str], bar: str) -> dict[str, Any]:
    """Lesions of 1 ml and more that were found, and false marks a case, by what counts as a mark."""
    out: dict[str, Any] = {}
    for kind, some in found_figures(rows).items():
        for how in ("scored", "candidate"):
            out[f"{kind} >= 1 ml {how}"] = figure(some, how) | {"bar": bar if kind == "all" else ""}
    for name in ("quality_right", "quality_sure"):
        out[name] = figure(found_figures(rows)["all"], name) | {"bar": ">= 0.95"}
    return out | false_marks(rows, cases)


def false_marks(rows: Sequence[Row], cases: Sequence[str]) -> dict[str, Any]:
    """False marks a case: those that are scored, all that are not unlikely; and of 1 ml and more."""
    out = {}
    for how, statuses in (("scored", ("likely",)), ("candidate", ("likely", "doubtful"))):
        for least in (0.0, 1.0):
            counts = [
                {
                    "case": case,
                    "false": sum(
                        r["case"] == case and r["false"] > 0 and r["status"] in statuses and r["ml"] >= least
                        for r in rows
                        if r.get("row") == "mark"
                    ),
                }
                for case in cases
            ]
            size = " >= 1 ml" if least else ""
            out[f"false a case, {how}{size}"] = figure(counts, "false") | {"bar": "<= 0.5"}
    return out


def copy_figures(rows: Sequence[Row]) -> dict[str, Any]:
    """What each change costs: the fall of Dice a vertebra, and names that changed unflagged."""
    same = {(r["scan"], r["level"]): r for r in rows if r["kind"] == "same"}
    out: dict[str, Any] = {}
    for kind in sorted({r["kind"] for r in rows} - {"same"}):
        pairs = [
            (same[key], r) for r in rows if r["kind"] == kind and (key := (r["scan"], r["level"])) in same
        ]
        falls = [{"case": b["scan"], "fall": a["dice"] - b["dice"]} for a, b in pairs]
        changed = [
            {"case": b["scan"], "changed": float(a.get("named") != b.get("named") and not b.get("flagged"))}
            for a, b in pairs
            if a["found"] and b["found"]
        ]
        out[f"{kind}: Dice falls by"] = figure(falls, "fall") | {"bar": "<= 0.03"}
        out[f"{kind}: name changed unflagged"] = figure(changed, "changed") | {"bar": "0"}
    return out


def summarise(results: Results) -> dict[str, Any]:
    """All figures of the sections that were run."""
    out: dict[str, Any] = {}
    for section in ("real", "reserved", "test"):
        rows = results.section(section)
        for role in sorted({r["role"] for r in rows}):
            mine = [r for r in rows if r["role"] == role]
            cases = sorted({r["case"] for r in mine})
            figures = vertebrae(mine) | false_marks(mine, cases)
            out[f"{section}, {role}" if section == "real" else section] = figures
            for case in cases:
                out[f"{section}: {case}"] = vertebrae([r for r in mine if r["case"] == case])
    if points := results.section("points"):
        out["points, test"] = {
            "found": figure([r for r in points if r["row"] == "endplate"], "found"),
            "endplate mm": figure(points, "mm") | {"bar": "<= 1.5"},
            "height error mm": figure(points, lambda r: abs(r["error_mm"]) if "error_mm" in r else None),
        }
    if copies := results.section("copies"):
        out["copies"] = copy_figures(copies)
    for section, bar in (("phantoms", ">= 0.90"), ("painted", ">= 0.85")):
        if rows := results.section(section):
            cases = sorted({r["case"] for r in rows})
            out[section] = vertebrae(rows) | lesions(rows, cases, bar)
    made = [
        r for s in ("copies", "phantoms", "painted") for r in results.section(s) if r.get("row") == "vertebra"
    ]
    real = [r for r in results.section("real") if r.get("row") == "vertebra"]
    out["calibration"] = {
        "phantoms, painted, copies": calibration(made) | {"bar": "<= 0.05"},
        "real": calibration(real),
    }
    return out


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=Path(__file__).parents[2] / "shared")
    parser.add_argument("--model", type=Path, help="folder of a bundle; else the shipped one")
    parser.add_argument("--sections", default=ALWAYS)
    parser.add_argument("--phantoms", type=int, default=24)
    parser.add_argument("--painted", type=int, default=24)
    parser.add_argument("--first-phantom", type=int, default=FIRST_PHANTOM)
    parser.add_argument("--first-painted", type=int, default=FIRST_PAINTED)
    parser.add_argument("--pictures", type=Path, help="folder for overlays of the real scans")
    parser.add_argument("--kept", type=Path, help="folder that keeps drawn scans for the next weights")
    parser.add_argument("--threads", type=int, default=1, help="of the networks")
    parser.add_argument("--out", type=Path, default=Path("out/models.json"))
    options = parser.parse_args()
    os.environ["SPINEIMG_SHARED"] = str(options.shared)  # where scripts/painted looks
    engine = load_folder(options.model or find_model(DEFAULT_MODEL), Modality.CT)
    results = Results(options.out, engine.weights_sha256 or "unknown")
    few = replace(DEFAULTS.segmentation, threads=options.threads)
    settings = replace(DEFAULTS, segmentation=few)
    judge = Judge(engine, results, options.pictures, options.kept, settings)
    real = scans.real_scans(options.shared)
    for section in options.sections.split(","):
        match section:
            case "real":
                judge.scans("real", real)
            case "copies":
                judge.copies([scan for scan in real if scan.mask is not None])
            case "phantoms":
                seeds = range(options.first_phantom, options.first_phantom + options.phantoms)
                judge.drawn_scans("phantoms", seeds, phantom)
            case "painted":
                seeds = range(options.first_painted, options.first_painted + options.painted)
                judge.drawn_scans("painted", seeds, painted)
            case "reserved":
                judge.scans("reserved", scans.reserved_scans(options.shared))
            case "test":
                judge.scans("test", [scans.test_scan(options.shared)])
                judge.patches(
                    "points", sorted((options.shared / "data/ct_mr/vertebra_points").glob("case_*"))
                )
            case _:
                raise SystemExit(f"no section {section!r}")
    results.content["summary"] = summarise(results)
    results.save()
    print(markdown(results.content["summary"]))
    print(json.dumps(results.content["summary"]["calibration"], indent=1))


if __name__ == "__main__":
    main()
