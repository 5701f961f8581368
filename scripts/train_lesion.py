"""Train the lesion net (1.5 mm): lytic and blastic lesions of one vertebra on CT.

Example: python scripts/train_lesion.py --run ../runs/lesion --minutes 100 --resume
With --start, weights that saw fewer input channels go on, too.
"""

from __future__ import annotations

from spineimg.training.run_lesion import run_lesion
from spineimg.training.start import options

if __name__ == "__main__":
    run_lesion(options(__doc__).parse_args())
