"""SINS measured against truth: millimetres, degrees, components, bands, and how often intervals hold.

    python scripts/benchmark_sins.py WORK --cases 300 --masks true [--minutes 60]
    python scripts/benchmark_sins.py WORK --cases 40 --masks network
    python scripts/benchmark_sins.py WORK --repeat 20        repeat scans: limits of height loss, flips
    python scripts/benchmark_sins.py WORK --real             the same with real CT; masks against network
    python scripts/benchmark_sins.py WORK --published        beside published and others' figures
    python scripts/benchmark_sins.py WORK --picture 1 T4 FILE.png   what was measured over what is true
    python scripts/benchmark_sins.py WORK --summary [--json]

Cases of 8 levels: three of five are phantoms (seeds from 900,000), two of five real label maps painted by
the second generator (seeds from 700,000; `scripts/painted`, which shares no code with the phantom).
Resumable: one JSON line a case in WORK/true.jsonl, network.jsonl, repeat.jsonl, with a digest of the measured
code; lines that the same code has made are not made again, and the summary takes those of the newest code.
The cases themselves are kept in WORK/cases.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from sins_benchmark.judge import judge, true_masks
from sins_benchmark.network import judge_network
from sins_benchmark.picture import draw_level
from sins_benchmark.published import published
from sins_benchmark.real import REAL, network_real, repeat_real
from sins_benchmark.repeats import repeat_case
from sins_benchmark.store import NETWORK_ROOMS, ROOMS, fill, kept_case
from sins_benchmark.summary import summarise
from sins_benchmark.text import print_summary

from spineimg.core.levels import Level


def with_true_masks(number: int, work: Path) -> dict[str, Any]:
    """One line: a case with the masks that it was made with."""
    case = kept_case(number, work / "cases")
    line = {"number": number, "generator": case.generator, "facts": dict(case.facts)}
    return line | judge(case, true_masks(case))


def with_network(number: int, work: Path) -> dict[str, Any]:
    """One line: a case as the shipped network sees it."""
    case = kept_case(number, work / "cases")
    return {"number": number, "generator": case.generator, "facts": dict(case.facts)} | judge_network(case)


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work", type=Path)
    parser.add_argument("--cases", type=int, default=0, help="cases up to this number")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--masks", choices=("true", "network"), default="true")
    parser.add_argument("--repeat", type=int, default=0, help="patients scanned again and again")
    parser.add_argument("--minutes", type=float, default=90.0)
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--published", action="store_true")
    parser.add_argument("--picture", nargs=3, metavar=("NUMBER", "LEVEL", "FILE"))
    parser.add_argument("--summary", action="store_true")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    if asked.cases:
        one = with_true_masks if asked.masks == "true" else with_network
        numbers = range(asked.first, asked.cases)
        rooms = ROOMS if asked.masks == "true" else NETWORK_ROOMS
        fill(asked.work / f"{asked.masks}.jsonl", numbers, asked.minutes, lambda n: one(n, asked.work), rooms)
    if asked.repeat:
        fill(asked.work / "repeat.jsonl", range(asked.repeat), asked.minutes, repeat_case)
    if asked.real:
        numbers = range(len(REAL))
        fill(asked.work / "real.jsonl", numbers, asked.minutes, repeat_real)
        fill(asked.work / "real_network.jsonl", numbers, asked.minutes, network_real, NETWORK_ROOMS)
    if asked.published:
        print(json.dumps(published(asked.work), indent=1))
    if asked.picture:
        number, level, file = asked.picture
        draw_level(kept_case(int(number), asked.work / "cases"), Level(level), Path(file))
    if asked.summary:
        summary = summarise(asked.work)
        if asked.json:
            print(json.dumps(summary, indent=1))
        else:
            print_summary(summary)


if __name__ == "__main__":
    main()
