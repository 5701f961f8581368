"""The lesion training as one function (used by `scripts/train_lesion.py`)."""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from spineimg.segmentation.inputs import REFINE_LESIONS, REFINE_PATCH, REFINE_SPACING_MM
from spineimg.segmentation.lesion_inputs import LESION_CHANNELS
from spineimg.segmentation.networks import build_network
from spineimg.training.lesion_samples import LesionSample, lesion_sample
from spineimg.training.loop import LoopConfig, Trainer
from spineimg.training.losses import lesion_loss
from spineimg.training.pool import Pool
from spineimg.training.sources import cached_sources, record

PREPARED_AT_START = 8
HELD = 40
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
    "pool_share": 0.35,
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
    """Held-out drawn samples: Dice, share of lesions found, volume of false marks."""

    def __init__(self, held: list[LesionSample]) -> None:
        self.held = held

    def __call__(self, net: nn.Module) -> dict[str, float]:
        """Figures of one net; `score` rises with quality."""
        dices: dict[str, list[float]] = {name: [] for name in REFINE_LESIONS}
        found: dict[str, list[float]] = {name: [] for name in REFINE_LESIONS}
        false_ml: dict[str, list[float]] = {name: [] for name in REFINE_LESIONS}
        for sample in self.held:
            got = net(torch.from_numpy(sample.inputs)[None])[0].numpy() > 0
            for channel, name in enumerate(REFINE_LESIONS):
                truth, mark = sample.lesions[channel] > 0, got[channel] & ~sample.ignore
                size = float(truth.sum()) * VOXEL_ML
                both = float((truth & mark).sum())
                if size >= COUNTED_ML:
                    dices[name].append(2 * both / float(truth.sum() + mark.sum()))
                    found[name].append(float(both > FOUND_SHARE * truth.sum()))
                elif size == 0:
                    false_ml[name].append(float(mark.sum()) * VOXEL_ML)
        figures: dict[str, float] = {}
        for name in REFINE_LESIONS:
            figures |= {
                f"{name}_dice": float(np.mean(dices[name])),
                f"{name}_found": float(np.mean(found[name])),
                f"{name}_false_ml": float(np.mean(false_ml[name])),
            }
        figures["score"] = sum(
            figures[f"{n}_dice"] + figures[f"{n}_found"] - 0.3 * min(3.0, figures[f"{n}_false_ml"])
            for n in REFINE_LESIONS
        )
        return figures


def run_lesion(args: argparse.Namespace) -> None:
    """Train with the options of `scripts/train_lesion.py`."""
    torch.set_num_threads(1)
    settings = DEFAULTS | (json.loads(args.config.read_text()) if args.config else {})
    torch.manual_seed(args.seed)
    sources = cached_sources(args.data, REFINE_SPACING_MM, args.run.parent / "cache")
    pool = Pool(args.pool, REFINE_SPACING_MM)
    pool.fill(PREPARED_AT_START)
    net = build_network("FoldedUNet", settings["kwargs"])
    with torch.no_grad():  # lesions are rare: start from "none"
        bias = net.head_out.bias
        if bias is not None:
            bias[:] = -3.0
    bundle = {
        "arch": "FoldedUNet",
        "kwargs": settings["kwargs"],
        "spacing_mm": REFINE_SPACING_MM,
        "patch": list(REFINE_PATCH),
        "classes": list(REFINE_LESIONS),
        "channels": list(LESION_CHANNELS),
        "training_record": {"settings": settings, "anatomies": record(sources)},
    }
    trainer = Trainer(net, LoopConfig(args.run, args.minutes, args.seed, settings["lr"]), bundle)
    if args.resume:
        trainer.resume()
    validation = LesionValidation(
        [lesion_sample(np.random.default_rng([77, i]), sources, 0.3) for i in range(HELD)]
    )

    def step(model: nn.Module, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        prepared = pool.refresh() if trainer.step % 20 == 0 else pool.sources
        samples = []
        for _ in range(settings["batch"]):
            if prepared and rng.random() < settings["pool_share"]:
                samples.append(lesion_sample(rng, prepared, 1.0))
            else:
                samples.append(lesion_sample(rng, sources, settings["real_share"]))
        batch = collate(samples)
        loss, dice = lesion_loss(model(batch["x"]), batch["lesions"], batch["own"], batch["ignore"])
        return loss, {"d_lesion": float(dice)}

    trainer.fit(step, validation)
