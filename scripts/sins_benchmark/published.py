"""Beside others' figures: a peer's heights of one CT, readers' six points, readers' grades of one column."""

from __future__ import annotations

import csv
import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from painted import Plan, Scan, paint
from painted.anatomy import load_template, shared_folder

from sins_benchmark.figures import mean, share
from sins_benchmark.judge import SETTINGS
from sins_benchmark.real import load_real
from sins_benchmark.store import lines
from spineimg.core.levels import Level
from spineimg.core.measurements import Measurements
from spineimg.measurement import measure

SITES = ("anterior", "middle", "posterior")
EXAMPLE = "totalsegmentator/case_example_ct"
GRADED = "verse004_spine"


def published(work: Path) -> dict[str, Any]:
    """All comparisons."""
    return {"peer_heights": peer_heights(), "readers": readers(work), "genant": genant()}


def _rows(name: str) -> list[dict[str, str]]:
    with (shared_folder() / "data" / "tables" / name).open(newline="") as stream:
        return list(csv.DictReader(stream))


def peer_heights() -> dict[str, Any]:
    """Our heights of TotalSegmentator's example CT (here at 3 mm) less the peer's (in steps of 1.5 mm)."""
    volume, labels = load_real(EXAMPLE)
    found = measure(volume, labels, SETTINGS.measurement)
    rows = []
    for row in _rows("totalsegmentator_example_heights.csv"):
        vertebra = found.vertebra(Level(row["level"]))
        for site in SITES:
            estimate = getattr(vertebra.heights_mm, site) if vertebra else None
            theirs = float(row[f"height_{site}_mm"])
            if estimate is not None:
                rows.append(
                    (
                        f"{row['level']} {site}",
                        theirs,
                        round(estimate.value, 1),
                        estimate.low <= theirs <= estimate.high,
                    )
                )
    return {
        "difference_mm": mean([[ours - theirs for _, theirs, ours, _ in rows]]),
        "absolute_difference_mm": mean([[abs(ours - theirs) for _, theirs, ours, _ in rows]]),
        "theirs_inside_our_interval": share([inside for *_, inside in rows]),
        "rows": [f"{name}: theirs {theirs}, ours {ours}" for name, theirs, ours, _ in rows],
    }


def readers(work: Path) -> dict[str, Any]:
    """Spread of a height ratio between readers, and of ours about the truth of the benchmark."""
    seen: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for row in _rows("reader_sixpoint_heights_ct.csv"):
        try:
            a, m, p = (float(row[f"h_{site}_vox"]) for site in ("ant", "mid", "post"))
        except ValueError:
            continue
        if row["matched_vertebra"] and min(a, m, p) > 0:
            seen[row["image"], row["matched_vertebra"]].append((a / p, m / p))
    found: dict[str, Any] = {"vertebrae": sum(len(v) > 1 for v in seen.values())}
    for k, name in enumerate(("anterior_over_posterior", "middle_over_posterior")):
        parts = [np.array([r[k] for r in v]) for v in seen.values() if len(v) > 1]
        within = np.concatenate([(x - x.mean()) ** 2 * len(x) / (len(x) - 1) for x in parts])
        found[f"{name}_reader_sd_percent"] = round(100 * float(np.sqrt(within.mean())), 2)
        found[f"{name}_mean"] = round(float(np.mean([x.mean() for x in parts])), 3)
        ours = _ratio_errors(lines(work / "true.jsonl"), k)
        if len(ours) > 1:
            found[f"{name}_our_error_sd_percent"] = round(100 * float(np.std(ours, ddof=1)), 2)
            found[f"{name}_our_n"] = len(ours)
    return found


def _ratio_errors(every: Sequence[dict[str, Any]], which: int) -> list[float]:
    errors = []
    for line in every:
        rows = {r[0]: r for r in line["height"] if r[2] is not None}
        for level in {name.split()[0] for name in rows}:
            pair = [rows.get(f"{level} {site}") for site in (SITES[which], "posterior")]
            if pair[0] and pair[1]:
                errors.append(pair[0][2] / pair[1][2] - pair[0][1] / pair[1][1])
    return errors


def genant() -> dict[str, Any]:
    """Grades of the VerSe column whose label map is a template (drawn undeformed) beside the readers'."""
    levels = load_template(GRADED).levels
    done = paint(Plan(seed=600_000, template=GRADED, levels=levels, scan=Scan(seed=1, spacing_mm=(0.9, 1.0))))
    found = measure(
        done.volume, dataclasses.replace(done.labels, lesions=None, lesion_types=None), SETTINGS.measurement
    )
    grades = {
        row["vertebra"]: int(row["genant_grade"])
        for row in _rows("verse_genant_grades.csv")
        if row["subject"] == "sub-verse004"
    }
    rows = [
        (name, grade, *_graded(found, name))
        for name, grade in sorted(grades.items(), key=lambda x: Level(x[0]))
    ]
    known = [row for row in rows if row[2]]
    return {
        "inside_possible": share([grade in possible for _, grade, possible, _ in known]),
        "decided_and_equal": share(
            [possible == (grade,) for _, grade, possible, _ in known if len(possible) == 1]
        ),
        "rows": [
            f"{name}: readers {grade}, ours {list(possible)} ({loss})" for name, grade, possible, loss in rows
        ],
    }


def _graded(found: Measurements, name: str) -> tuple[tuple[int, ...], str]:
    vertebra = found.vertebra(Level(name))
    if vertebra is None:
        return (), "not measured"
    return vertebra.genant_grade, f"loss {vertebra.height_loss_percent}"
