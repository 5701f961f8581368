"""Train the refine net (1.5 mm): one vertebra and its lesions.

Example: python scripts/train_refine.py --run ../runs/refine --minutes 100 --resume
"""

from __future__ import annotations

from spineimg.training.run_mr import run_refine_mr
from spineimg.training.run_refine import run_refine
from spineimg.training.start import options

if __name__ == "__main__":
    parser = options(__doc__)
    parser.add_argument("--modality", choices=("CT", "MR"), default="CT")
    given = parser.parse_args()
    (run_refine_mr if given.modality == "MR" else run_refine)(given)
