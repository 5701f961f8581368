"""Train the refine net (1.5 mm): one vertebra and its lesions.

Example: python scripts/train_refine.py --run ../runs/refine --minutes 100 --resume
"""

from __future__ import annotations

import argparse
from pathlib import Path

from spineimg.training.run_mr import run_refine_mr
from spineimg.training.run_refine import run_refine

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--run", type=Path, required=True, help="folder of checkpoints")
    parser.add_argument("--pool", type=Path, help="folder of prepared *.npz cases")
    parser.add_argument("--minutes", type=float, default=100.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--config", type=Path, help="JSON that overrides the settings")
    parser.add_argument("--modality", choices=("CT", "MR"), default="CT")
    parser.add_argument("--start", type=Path, help="checkpoint of another run to start from (MR only)")
    parser.add_argument("--resume", action="store_true")
    given = parser.parse_args()
    if given.modality == "MR":
        run_refine_mr(given)
    else:
        run_refine(given)
