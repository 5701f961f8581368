"""Measure the smallest detectable changes on repeat scans of phantoms and write the table of the package.

The same drawn patient is scanned several times: other noise, other place and turn in the scanner, another
place of the slices. Heights and lesion volumes are measured on each scan from the true masks; what differs
between the repeats of one vertebra is the error of measurement.
Smallest detectable change = 1.96 * sqrt(2) * within-subject SD.

    python scripts/measure_smallest_detectable.py --patients 6 --repeats 4

What is done is kept in the scratch file, so that the run may be stopped and taken up again. Groups with too
few vertebrae keep their provisional value. True masks: a network adds its own error.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
from collections import defaultdict
from pathlib import Path

import numpy as np

from spineimg.core.estimate import Estimate
from spineimg.core.levels import Level
from spineimg.core.measurements import Measurements
from spineimg.core.settings import Settings
from spineimg.measurement import divide, measure
from spineimg.phantom import FractureSpec, LesionSpec, PatientSpec, PhantomSpec, ScanSpec, make_phantom

TABLE = Path(__file__).parents[1] / "spineimg" / "tracking" / "smallest_detectable.csv"
SPACINGS = {"1.5": 1.25, "3": 2.5, "inf": 5.0}
"""Upper limit of each spacing class and the slice thickness that stands for it, mm."""
STRETCHES = ((Level.C3, Level.T3), (Level.T3, Level.T10), (Level.T10, Level.L5))
LEAST_VERTEBRAE = 5
FACTOR = 1.96 * math.sqrt(2)
Row = dict[str, object]


def specification(patient: int, stretch: tuple[Level, Level], spacing_mm: float, repeat: int) -> PhantomSpec:
    """One repeat: the same patient and disease, another noise and another place in the scanner."""
    rng = np.random.default_rng([patient, repeat, round(spacing_mm * 100)])
    turn, shift = rng.uniform(-6, 6, 3), rng.uniform(-4, 4, 3)
    inner = [
        level for level in Level if stretch[0] < level < stretch[1] and level not in (Level.T13, Level.L6)
    ]
    disease = np.random.default_rng(patient)
    broken = [inner[int(i)] for i in disease.choice(len(inner), 2, replace=False)]
    ill = [level for level in inner if level not in broken][patient % 2 :: 3]
    return PhantomSpec(
        PatientSpec(
            seed=patient, size=float(disease.uniform(0.9, 1.1)), density_hu=float(disease.uniform(100, 180))
        ),
        ScanSpec(
            seed=1000 * patient + repeat,
            spacing_mm=(0.9, 0.9, spacing_mm),
            turn_deg=(float(turn[0]), float(turn[1]), float(turn[2])),
            shift_mm=(float(shift[0]), float(shift[1]), float(shift[2])),
        ),
        stretch[0],
        stretch[1],
        tuple(LesionSpec(level, "lytic", (4.0, 0.0, 0.0), (9.0, 9.0, 6.0)) for level in ill),
        tuple(
            FractureSpec(level, kind, float(disease.uniform(25, 45)))
            for level, kind in zip(broken, ("wedge", "biconcave"), strict=True)
        ),
    )


def scan_once(spec: PhantomSpec) -> list[Row]:
    """Heights and lesion volumes of one repeat, one row a value."""
    phantom = make_phantom(spec)
    settings = Settings()
    broken = {fracture.level for fracture in spec.fractures}
    found = measure(phantom.volume, divide(phantom.labels, settings.measurement), settings.measurement)
    return [*_heights(found, broken), *_lesions(found, broken)]


def _heights(found: Measurements, broken: set[Level]) -> list[Row]:
    rows: list[Row] = []
    for vertebra in found.vertebrae:
        if not vertebra.complete or not vertebra.level.is_vertebra:
            continue
        for site in ("anterior", "middle", "posterior"):
            height: Estimate | None = getattr(vertebra.heights_mm, site)
            if height is not None:
                rows.append(_row("height", vertebra.level, site, height.value, vertebra.level in broken))
    return rows


def _lesions(found: Measurements, broken: set[Level]) -> list[Row]:
    return [
        _row("lesion_volume", one.level, str(one.id), one.volume_ml.value, one.level in broken)
        for one in found.lesions
    ]


def _row(quantity: str, level: Level, item: str, value: float, collapsed: bool) -> Row:  # noqa: FBT001
    return {
        "quantity": quantity,
        "level": level.value,
        "region": level.region.value,
        "item": item,
        "value": value,
        "collapsed": "yes" if collapsed else "no",
    }


def within_subject(values: list[list[float]]) -> float:
    """Root mean square of the relative SD within subjects, percent; a list holds one subject's repeats."""
    variances = [np.var(v, ddof=1) / np.mean(v) ** 2 for v in values if len(v) > 1]
    return 100 * float(np.sqrt(np.mean(variances)))


def main() -> None:
    """Scan, measure, write the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else None)
    parser.add_argument("--patients", type=int, default=6)
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--scratch", type=Path, default=Path("smallest_detectable.jsonl"))
    arguments = parser.parse_args()
    done = _read(arguments.scratch)
    for patient in range(arguments.patients):
        for stretch in STRETCHES:
            for limit, spacing in SPACINGS.items():
                for repeat in range(arguments.repeats):
                    key = f"{patient}/{stretch[0]}/{limit}/{repeat}"
                    if key in done:
                        continue
                    done[key] = scan_once(specification(patient, stretch, spacing, repeat))
                    with arguments.scratch.open("a", encoding="utf-8") as file:
                        file.write(json.dumps({"key": key, "rows": done[key]}) + "\n")
                    print(key, len(done[key]), flush=True)
    write_table(done, f"--patients {arguments.patients} --repeats {arguments.repeats}")


def _read(scratch: Path) -> dict[str, list[Row]]:
    if not scratch.exists():
        return {}
    lines = [json.loads(line) for line in scratch.read_text(encoding="utf-8").splitlines()]
    return {line["key"]: line["rows"] for line in lines}


def write_table(done: dict[str, list[Row]], options: str) -> None:
    """Replace the CT rows that were measured on enough vertebrae; the others stay as they are."""
    subjects: dict[tuple[str, str, str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for key, rows in done.items():
        patient, stretch, limit, _ = key.split("/")
        for row in rows:
            group = (str(row["quantity"]), limit, str(row["region"]), str(row["collapsed"]))
            subject = f"{patient}/{stretch}/{row['level']}/{row['item']}"
            subjects[group][subject].append(float(str(row["value"])))
    with TABLE.open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    for line in table:
        group = (line["quantity"], line["spacing_up_to_mm"], line["region"], line["collapsed"])
        repeated = [v for v in subjects.get(group, {}).values() if len(v) > 1]
        if line["modality"] != "CT" or len(repeated) < LEAST_VERTEBRAE:
            continue
        line["smallest_detectable"] = f"{FACTOR * within_subject(repeated):.1f}"
        line["runs"] = str(sum(len(v) for v in repeated))
        line["source"] = (
            f"repeat CT of phantoms, true masks: scripts/measure_smallest_detectable.py {options}"
        )
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    print(f"wrote {TABLE}: {sum(int(line['runs']) > 0 for line in table)} of {len(table)} rows measured")


if __name__ == "__main__":
    main()
