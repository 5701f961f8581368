"""Train the lesion net (1.5 mm): lytic and blastic lesions of one vertebra on CT.

Example: python scripts/train_lesion.py --run ../runs/lesion --minutes 100 --resume
"""

from __future__ import annotations

import argparse
from pathlib import Path

from spineimg.training.run_lesion import run_lesion

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--run", type=Path, required=True, help="folder of checkpoints")
    parser.add_argument("--pool", type=Path, help="folder of prepared *.npz cases")
    parser.add_argument("--minutes", type=float, default=100.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--config", type=Path, help="JSON that overrides the settings")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--start", type=Path, help="weights of an earlier run; fewer channels will do")
    run_lesion(parser.parse_args())
