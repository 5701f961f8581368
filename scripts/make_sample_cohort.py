"""Simulate a cohort as case folders without images, with clinical.csv, events.csv and truth.json.

    python scripts/make_sample_cohort.py OUT [--patients 120] [--seed 1] [--plain]
    spineimg trial OUT/cases --clinical OUT/clinical.csv --events OUT/events.csv --out TRIAL

The hazards are known (spineimg/trial/simulation.py). Unless --plain is given, some rows carry what real
tables carry: patients who are not eligible or cannot be judged, readers' verdicts, and three mistakes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from spineimg.trial.sample_cohort import simulate_patients, write_cohort
from spineimg.trial.sample_rows import with_real_life


def main() -> None:
    """Write the cohort and say what to do with it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="folder to write; it must not exist")
    parser.add_argument("--patients", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plain", action="store_true", help="only eligible-looking rows, no mistakes")
    arguments = parser.parse_args()
    if arguments.out.exists():
        parser.error(f"{arguments.out} exists; name a folder that does not")
    patients = simulate_patients(arguments.patients, arguments.seed)
    write_cohort(patients, arguments.out, arguments.seed)
    if not arguments.plain:
        with_real_life(patients, arguments.out, arguments.seed)
    scans = sum(len(p.visit_days) for p in patients)
    print(f"{len(patients)} patients, {scans} cases in {arguments.out}")
    out = arguments.out
    print(f"spineimg trial {out}/cases --clinical {out}/clinical.csv --events {out}/events.csv --out TRIAL")


if __name__ == "__main__":
    main()
