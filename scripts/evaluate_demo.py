#!/usr/bin/env python
"""Compare the demo's results with the truth of the drawn patient: the figures of README.

scripts/demo && .venv/bin/python scripts/evaluate_demo.py [out/demo]
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

NEAR_MM = 10.0
SAMPLE = Path(__file__).parents[1] / "sample_dicom" / "case01"


def load(path: Path) -> Any:
    return json.loads(path.read_text())


def visit(folder: Path, truth: dict[str, Any]) -> None:
    """Vertebrae, lesions, decided components and misses of one scan."""
    ours = load(folder / "measurements.json")
    sins = load(folder / "sins.json")["levels"]
    whole = [v for v in truth["measurements"]["vertebrae"] if v["complete"] and v["level"] != "sacrum"]
    right = 0
    for vertebra in whole:
        gaps = {
            v["level"]: math.dist(v["centre_lps_mm"], vertebra["centre_lps_mm"]) for v in ours["vertebrae"]
        }
        right += min(gaps, key=gaps.__getitem__) == vertebra["level"] and min(gaps.values()) <= NEAR_MM
    open_names = [v["level"] for v in ours["vertebrae"] if len(v["name_possible"]) > 1]
    components = [c for level in sins for c in level["components"].values()]
    decided = sum(len(c["possible"]) == 1 for c in components)
    true_lesions = sorted({lesion["level"] for lesion in truth["measurements"]["lesions"]})
    print(f"{folder.name}: {right} of {len(whole)} whole vertebrae found and named, names open: {open_names}")
    print(f"  lesions at {sorted({x['level'] for x in ours['lesions']})}, truth {true_lesions}")
    print(f"  components decided: {decided} of {len(components)}")
    for level in truth["sins"]["levels"]:
        score = next((s for s in sins if s["level"] == level["level"]), None)
        if score is None:
            print(f"  {level['level']}: not scored, truth {level['total']}")
            continue
        missed = [
            n
            for n, c in level["components"].items()
            if not set(c["possible"]) <= set(score["components"][n]["possible"])
        ]
        print(f"  {level['level']}: total {score['total']}, truth {level['total']}, truth outside: {missed}")


def main() -> None:
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "out/demo")
    truth = load(SAMPLE / "truth.json")
    for name in ("baseline", "followup"):
        visit(out / name, truth[name])
    for level in load(out / "track" / "track.json")["levels"]:
        for interval in level["intervals"]:
            if interval["new_fracture"] == "yes" or interval["progression"] == "yes":
                print(f"event at {level['level']}: {interval['reason']}")


if __name__ == "__main__":
    main()
