"""The lesion training as one function (used by `scripts/train_lesion.py`)."""

from __future__ import annotations

import argparse
from collections import defaultdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from spineimg.segmentation.inputs import REFINE_LESIONS, REFINE_PATCH, REFINE_SPACING_MM
from spineimg.segmentation.lesion_inputs import LESION_CHANNELS
from spineimg.training.lesion_samples import Floats, Floats64, LesionSample, lesion_sample
from spineimg.training.losses import lesion_loss
from spineimg.training.marrow import thin_marrow
from spineimg.training.patches import Patch
from spineimg.training.refine_samples import REFINE_MERGED, paint_vertebra
from spineimg.training.sources import cached_sources
from spineimg.training.start import (
    expect_rare,
    filled_pool,
    mixed_batch,
    new_net,
    new_trainer,
    settings_of,
)

BODY, POSTERIOR = LESION_CHANNELS.index("body"), LESION_CHANNELS.index("posterior")
HALF = 0.5
HELD, HELD_THIN = 80, 16
"""Held-out samples as in training, and of patients with thin marrow and no lesion."""
VOXEL_ML = REFINE_SPACING_MM**3 / 1000.0
COUNTED_ML = 1.0
"""Lesions of this size and more are counted as found or missed (issue: 1 ml)."""
FOUND_SHARE = 0.2
"""A lesion is found when this share of it is marked."""
DEFAULTS: dict[str, Any] = {
    "kwargs": {
        "channels_in": len(LESION_CHANNELS),
        "classes": len(REFINE_LESIONS),
        "fields": 0,
        "widths": [24, 48, 72, 96],
        "blocks": [1, 1, 1, 2],
        "head_width": 8,
    },
    "batch": 2,
    "lr": 4e-3,
    "real_share": 0.38,
    "pool_share": 0.25,
}
LAYOUT: dict[str, Any] = {
    "spacing_mm": REFINE_SPACING_MM,
    "patch": list(REFINE_PATCH),
    "classes": list(REFINE_LESIONS),
    "channels": list(LESION_CHANNELS),
}


def collate(samples: list[LesionSample]) -> dict[str, Tensor]:
    """Stack samples to tensors."""
    return {
        "x": torch.from_numpy(np.stack([s.inputs for s in samples])).to(memory_format=torch.channels_last_3d),
        "lesions": torch.from_numpy(np.stack([s.lesions for s in samples]).astype(np.float32)),
        "own": torch.from_numpy(np.stack([s.own for s in samples])),
        "ignore": torch.from_numpy(np.stack([s.ignore for s in samples])),
    }


class LesionValidation:
    """Held-out drawn samples: Dice, share of lesions found (also behind the body), volume of false marks.

    Parameters
    ----------
    held
        Samples as in training.
    thin
        Samples with thin marrow and no lesion.
    """

    def __init__(self, held: list[LesionSample], thin: list[LesionSample]) -> None:
        self.held, self.thin = held, thin

    def __call__(self, net: nn.Module) -> dict[str, float]:
        """Figures of one net; `score` rises with quality."""
        rows: dict[str, list[float]] = defaultdict(list)
        for sample in self.held:
            marks = _marks(net, sample)
            behind = sample.inputs[POSTERIOR] > sample.inputs[BODY]
            for name, truth, mark in zip(REFINE_LESIONS, sample.lesions > 0, marks, strict=True):
                both = float((truth & mark).sum())
                if float(truth.sum()) * VOXEL_ML >= COUNTED_ML:
                    found = float(both > FOUND_SHARE * truth.sum())
                    rows[f"{name}_dice"].append(2 * both / float(truth.sum() + mark.sum()))
                    rows[f"{name}_found"].append(found)
                    if behind[truth].mean() > HALF:
                        rows[f"{name}_behind_found"].append(found)
                elif not truth.any():
                    rows[f"{name}_false_ml"].append(float(mark.sum()) * VOXEL_ML)
        rows["thin_false_ml"] = [float(_marks(net, s).sum()) * VOXEL_ML for s in self.thin]
        figures = {key: float(np.mean(values)) for key, values in rows.items()}
        figures["score"] = -0.3 * min(3.0, figures["thin_false_ml"]) + sum(
            figures[f"{n}_dice"] + figures[f"{n}_found"] - 0.3 * min(3.0, figures[f"{n}_false_ml"])
            for n in REFINE_LESIONS
        )
        return figures


def _marks(net: nn.Module, sample: LesionSample) -> NDArray[np.bool_]:
    """Lytic and blastic marks of one sample, (2, ...)."""
    marked = net(torch.from_numpy(sample.inputs)[None])[0].numpy() > 0
    return np.asarray(marked & ~sample.ignore)


def _thin_alone(
    rng: np.random.Generator, hu: Floats, patch: Patch, target: NDArray[np.uint8], guide: Floats64
) -> NDArray[np.uint8]:
    """Thin marrow and look-alikes, no lesion (a `Painter`)."""
    thin_marrow(rng, hu, np.isin(target, (1, 2, 3, REFINE_MERGED)), patch.depth)
    return paint_vertebra(rng, hu, patch, target, guide, 0.0)


def run_lesion(args: argparse.Namespace) -> None:
    """Train with the options of `scripts/train_lesion.py`."""
    settings = settings_of(args, DEFAULTS)
    sources = cached_sources(args.data, REFINE_SPACING_MM, args.run.parent / "cache")
    pool = filled_pool(args, REFINE_SPACING_MM)
    net = new_net(args, settings)
    if args.start is None:
        expect_rare(net, slice(None))
    trainer = new_trainer(args, settings, net, LAYOUT, sources)
    validation = LesionValidation(
        [lesion_sample(np.random.default_rng([77, i]), sources, 0.3) for i in range(HELD)],
        [lesion_sample(np.random.default_rng([78, i]), sources, 0.5, _thin_alone) for i in range(HELD_THIN)],
    )

    def step(model: nn.Module, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        batch = collate(mixed_batch(rng, trainer, settings, (pool, sources), lesion_sample))
        loss, dice = lesion_loss(model(batch["x"]), batch["lesions"], batch["own"], batch["ignore"])
        return loss, {"d_lesion": float(dice)}

    trainer.fit(step, validation)
