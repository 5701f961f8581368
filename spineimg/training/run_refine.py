"""The refine training as one function (used by `scripts/train_refine.py`)."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from spineimg.segmentation.inputs import (
    REFINE_CLASSES,
    REFINE_LESIONS,
    REFINE_PATCH,
    REFINE_SPACING_MM,
)
from spineimg.training.losses import lesion_loss, region_loss
from spineimg.training.refine_samples import REFINE_MERGED, RefineSample, refine_sample
from spineimg.training.sources import cached_sources
from spineimg.training.start import (
    expect_rare,
    filled_pool,
    mixed_batch,
    new_net,
    new_trainer,
    settings_of,
)
from spineimg.training.templates import IGNORE
from spineimg.training.validation import RefineValidation

HELD_SAMPLES = 48
DEFAULTS: dict[str, Any] = {
    "kwargs": {
        "channels_in": 3,
        "classes": 7,
        "fields": 0,
        "widths": [32, 64, 96, 128],
        "blocks": [1, 1, 2, 2],
        "head_width": 8,
        "narrow_hu": [-150, 400],
    },
    "batch": 2,
    "lr": 2e-3,
    "real_share": 0.35,
    "pool_share": 0.0,
    "weights": {"lesion": 0.5},
}
LAYOUT: dict[str, Any] = {
    "spacing_mm": REFINE_SPACING_MM,
    "patch": list(REFINE_PATCH),
    "classes": list(REFINE_CLASSES),
    "lesions": list(REFINE_LESIONS),
}


def collate(samples: list[RefineSample]) -> dict[str, Tensor]:
    """Stack samples to tensors."""
    return {
        "x": torch.from_numpy(np.stack([s.inputs for s in samples])).to(memory_format=torch.channels_last_3d),
        "region": torch.from_numpy(np.stack([s.region for s in samples]).astype(np.int64)),
        "lesions": torch.from_numpy(np.stack([s.lesions for s in samples]).astype(np.float32)),
    }


def refine_loss(
    net: nn.Module, batch: dict[str, Tensor], weights: dict[str, float]
) -> tuple[Tensor, dict[str, float]]:
    """The whole loss of one batch and its parts."""
    out = net(batch["x"])
    class_weight = torch.tensor([1.0, 2.0, 3.0, 1.5, 1.5])
    region, dices = region_loss(out[:, :5], batch["region"], REFINE_MERGED, class_weight)
    target = batch["region"]
    own = (target == 1) | (target == 2) | (target == REFINE_MERGED)
    lesion, lesion_dice = lesion_loss(out[:, 5:7], batch["lesions"], own, target == IGNORE)
    total = region + weights["lesion"] * lesion
    parts = {
        "region": region.item(),
        "lesion": lesion.item(),
        "d_lesion": float(lesion_dice),
        "d_body": float(dices[0]),
        "d_post": float(dices[1]),
        "d_other": float(dices[2]),
        "d_canal": float(dices[3]),
    }
    return total, parts


def run_refine(args: argparse.Namespace) -> None:
    """Train with the options of `scripts/train_refine.py`."""
    settings = settings_of(args, DEFAULTS)
    sources = cached_sources(args.data, REFINE_SPACING_MM, args.run.parent / "cache")
    pool = filled_pool(args, REFINE_SPACING_MM)
    net = new_net(args, settings)
    if args.start is None:
        expect_rare(net, slice(5, 7))
    trainer = new_trainer(args, settings, net, LAYOUT, sources)
    held = [refine_sample(np.random.default_rng([77, i]), sources, 0.3) for i in range(HELD_SAMPLES)]
    validation = RefineValidation(args.data, [(s.inputs, s.region, s.lesions) for s in held])

    def step(model: nn.Module, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        samples = mixed_batch(rng, trainer, settings, (pool, sources), refine_sample)
        return refine_loss(model, collate(samples), settings["weights"])

    trainer.fit(step, validation)
