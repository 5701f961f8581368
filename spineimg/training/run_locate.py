"""The locate training as one function (used by `scripts/train_locate.py`)."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from spineimg.segmentation.inputs import (
    LOCATE_CLASSES,
    LOCATE_FIELDS,
    LOCATE_PATCH,
    LOCATE_SPACING_MM,
)
from spineimg.training.locate_samples import LocateSample, locate_sample
from spineimg.training.losses import field_losses, region_loss
from spineimg.training.sources import Source, cached_sources
from spineimg.training.start import filled_pool, mixed_batch, new_net, new_trainer, settings_of
from spineimg.training.templates import MERGED
from spineimg.training.validation import LocateValidation

RegionLoss = Callable[[Tensor, Tensor, int, Tensor | None], tuple[Tensor, Tensor]]
DEFAULTS: dict[str, Any] = {
    "kwargs": {
        "channels_in": 2,
        "classes": 8,
        "fields": 8,
        "widths": [24, 48, 96, 128],
        "blocks": [1, 2, 2, 2],
        "head_width": 8,
    },
    "shapes": [[64, 64, 96], [64, 48, 96], [48, 48, 96], [64, 48, 80]],
    "batch": 2,
    "lr": 2e-3,
    "real_share": 0.35,
    "pool_share": 0.0,
    "weights": {"offset": 0.5, "group": 0.2, "level": 0.1},
}
LAYOUT: dict[str, Any] = {
    "spacing_mm": LOCATE_SPACING_MM,
    "patch": list(LOCATE_PATCH),
    "classes": list(LOCATE_CLASSES),
    "fields": list(LOCATE_FIELDS),
}


def collate(samples: list[LocateSample]) -> dict[str, Tensor]:
    """Stack samples to tensors."""
    return {
        "x": torch.from_numpy(np.stack([s.inputs for s in samples])).to(memory_format=torch.channels_last_3d),
        "region": torch.from_numpy(np.stack([s.region for s in samples]).astype(np.int64)),
        "level": torch.from_numpy(np.stack([s.level[::2, ::2, ::2] for s in samples]).astype(np.int64)),
        "offset": torch.from_numpy(np.stack([s.offset for s in samples])),
        "known": torch.from_numpy(np.stack([s.offset_known for s in samples])),
    }


def locate_loss(
    net: nn.Module,
    batch: dict[str, Tensor],
    weights: dict[str, float],
    loss_of_regions: RegionLoss = region_loss,
) -> tuple[Tensor, dict[str, float]]:
    """The whole loss of one batch and its parts."""
    logits, fields = net.forward_parts(batch["x"])  # type: ignore[operator]
    class_weight = torch.tensor([1.0, 2.0, 3.0, 3.0, 2.0, 3.0, 1.5, 2.0])
    region, dices = loss_of_regions(logits, batch["region"], MERGED, class_weight)
    offset, group, level = field_losses(fields, batch["offset"], batch["known"], batch["level"])
    total = region + weights["offset"] * offset + weights["group"] * group + weights["level"] * level
    parts = {
        "region": region.item(),
        "offset": offset.item(),
        "group": group.item(),
        "level": level.item(),
        "d_body": float(dices[0]),
        "d_post": float(dices[1]),
        "d_disc": float(dices[2]),
        "d_sac": float(dices[3]),
        "d_rib": float(dices[4]),
        "d_canal": float(dices[6]),
    }
    return total, parts


def run_locate(args: argparse.Namespace) -> None:
    """Train with the options of `scripts/train_locate.py`."""
    settings = settings_of(args, DEFAULTS)
    sources = cached_sources(args.data, LOCATE_SPACING_MM, args.run.parent / "cache")
    pool = filled_pool(args, LOCATE_SPACING_MM)
    trainer = new_trainer(args, settings, new_net(args, settings), LAYOUT, sources)

    def step(model: nn.Module, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        shape = tuple(settings["shapes"][int(rng.integers(0, len(settings["shapes"])))])

        def draw(rng: np.random.Generator, cases: list[Source], real_share: float) -> LocateSample:
            return locate_sample(rng, cases, shape, real_share)

        samples = mixed_batch(rng, trainer, settings, (pool, sources), draw)
        return locate_loss(model, collate(samples), settings["weights"])

    trainer.fit(step, LocateValidation(args.data))
