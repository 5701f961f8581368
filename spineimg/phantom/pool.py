"""Training phantoms on disk: ``python -m spineimg.phantom.pool OUT FIRST LAST``.

Each file holds hu (int16), labels, parts, lesion_types, tissue (uint8) and affine (4x4, LPS mm).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from spineimg.phantom.make import make_phantom
from spineimg.phantom.random import random_spec

FIRST_TRAINING_SEED = 10_000
"""Seeds below are for samples and tests, so that no network has seen them."""


def write_training_phantom(seed: int, folder: Path) -> Path:
    """Draw the phantom of a seed and store its arrays; written beside and renamed, so never half there."""
    if seed < FIRST_TRAINING_SEED:
        raise ValueError(f"training seeds start at {FIRST_TRAINING_SEED}, not {seed}")
    phantom = make_phantom(random_spec(seed))
    labels = phantom.labels
    if labels.parts is None or labels.lesion_types is None:
        raise AssertionError("a phantom always has parts and lesion types")
    path = folder / f"phantom_{seed}.npz"
    beside = folder / f".{path.name}.part.npz"
    np.savez_compressed(
        beside,
        hu=phantom.volume.array,
        labels=labels.array,
        parts=labels.parts,
        lesion_types=labels.lesion_types,
        tissue=phantom.tissue,
        affine=phantom.volume.grid.affine,
    )
    return beside.rename(path)


def main(arguments: list[str]) -> None:
    """Write the phantoms FIRST ... LAST that are not there yet."""
    folder, first, last = Path(arguments[0]), int(arguments[1]), int(arguments[2])
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(first, last + 1):
        if not (folder / f"phantom_{seed}.npz").exists():
            sys.stdout.write(f"{write_training_phantom(seed, folder)}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
