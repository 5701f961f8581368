#!/usr/bin/env python3
"""Judge the two networks by themselves, without naming and pasting.

    scripts/evaluate_models.py ../runs --data ../shared/data [--count 60] [--threshold 0.5]

Prints the locate net on one abdomen with masks (oppoct) and one whole-body scan with landmarks, the
refine net on the abdomen's vertebrae with reference centres, and lesions on synthetic samples whose
seeds no training reached and on drawn spines that no training pool holds. Synthetic lesions say
what was learned, not how real metastases are found. scripts/evaluate_scans.py judges whole scans.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from spineimg.segmentation.inputs import REFINE_SPACING_MM
from spineimg.segmentation.networks import FoldedUNet, build_network
from spineimg.training.evaluation import phantom_samples, run_sample, summary, synthetic_samples
from spineimg.training.sources import cached_sources
from spineimg.training.validation import LocateValidation, RefineValidation


def load(path: Path) -> FoldedUNet:
    blob = torch.load(path, map_location="cpu", weights_only=True)
    net = build_network(blob["config"]["arch"], blob["config"]["kwargs"])
    net.load_state_dict(blob["state_dict"])
    net.eval()
    return net


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, help="folder with locate/ and refine/")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--count", type=int, default=60, help="synthetic samples")
    parser.add_argument("--phantoms", type=int, default=3, help="drawn spines")
    parser.add_argument("--threshold", type=float, default=0.5, help="lesion probability")
    parser.add_argument("--out", type=Path, help="JSON file for the figures")
    args = parser.parse_args()
    torch.set_num_threads(1)
    figures: dict[str, Any] = {}
    refine = load(args.runs / "refine" / "best.pt")
    with torch.no_grad():
        figures["locate"] = LocateValidation(args.data)(load(args.runs / "locate" / "best.pt"))
        figures["refine"] = RefineValidation(args.data, [])(refine)
    sources = cached_sources(args.data, REFINE_SPACING_MM, args.runs / "cache")
    drawn = {
        "synthetic": synthetic_samples(sources, args.count, 0.0),
        "painted_on_real": synthetic_samples(sources, args.count // 2, 1.0),
        "phantom": phantom_samples(range(9000, 9000 + args.phantoms), 12),
    }
    for name, samples in drawn.items():
        figures[name] = summary([run_sample(refine, s, args.threshold) for s in samples])
        print(name, json.dumps(figures[name], indent=1), flush=True)
    print(json.dumps({k: figures[k] for k in ("locate", "refine")}, indent=1))
    if args.out:
        args.out.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
