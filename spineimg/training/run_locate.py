"""The locate training as one function (used by `scripts/train_locate.py`)."""

from __future__ import annotations

import argparse
import json
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
from spineimg.segmentation.networks import build_network
from spineimg.training.locate_samples import LocateSample, locate_sample
from spineimg.training.loop import LoopConfig, Trainer
from spineimg.training.losses import field_losses, region_loss
from spineimg.training.pool import Pool
from spineimg.training.sources import cached_sources, record
from spineimg.training.templates import MERGED
from spineimg.training.validation import LocateValidation

PREPARED_AT_START = 8
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
    torch.set_num_threads(1)
    settings = DEFAULTS | (json.loads(args.config.read_text()) if args.config else {})
    torch.manual_seed(args.seed)
    sources = cached_sources(args.data, LOCATE_SPACING_MM, args.run.parent / "cache")
    pool = Pool(args.pool, LOCATE_SPACING_MM)
    pool.fill(PREPARED_AT_START)
    net = build_network("FoldedUNet", settings["kwargs"])
    bundle = {
        "arch": "FoldedUNet",
        "kwargs": settings["kwargs"],
        "spacing_mm": LOCATE_SPACING_MM,
        "patch": list(LOCATE_PATCH),
        "classes": list(LOCATE_CLASSES),
        "fields": list(LOCATE_FIELDS),
        "training_record": {"settings": settings, "anatomies": record(sources)},
    }
    trainer = Trainer(net, LoopConfig(args.run, args.minutes, args.seed, settings["lr"]), bundle)
    if args.resume:
        trainer.resume()
    validation = LocateValidation(args.data)

    def step(model: nn.Module, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        prepared = pool.refresh() if trainer.step % 20 == 0 else pool.sources
        shape = tuple(settings["shapes"][int(rng.integers(0, len(settings["shapes"])))])
        samples = []
        for _ in range(settings["batch"]):
            if prepared and rng.random() < settings["pool_share"]:
                samples.append(locate_sample(rng, prepared, shape, 1.0))
            else:
                samples.append(locate_sample(rng, sources, shape, settings["real_share"]))
        return locate_loss(model, collate(samples), settings["weights"])

    trainer.fit(step, validation)
