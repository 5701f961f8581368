"""Train the locate net (3 mm): regions, offsets to body centres, groups.

Example: python scripts/train_locate.py --run ../runs/locate --minutes 100 --resume
"""

from __future__ import annotations

from spineimg.training.run_locate import run_locate
from spineimg.training.run_mr import run_locate_mr
from spineimg.training.start import options

if __name__ == "__main__":
    parser = options(__doc__)
    parser.add_argument("--modality", choices=("CT", "MR"), default="CT")
    given = parser.parse_args()
    (run_locate_mr if given.modality == "MR" else run_locate)(given)
