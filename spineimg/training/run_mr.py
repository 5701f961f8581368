"""The two MR trainings as functions (`scripts/train_locate.py` and `train_refine.py --modality MR`)."""

from __future__ import annotations

import argparse
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from spineimg.segmentation.inputs import LOCATE_SPACING_MM, REFINE_CLASSES, REFINE_SPACING_MM
from spineimg.training import run_locate, run_refine
from spineimg.training.mr_cases import load_mr, train_cases
from spineimg.training.mr_losses import partial_region_loss
from spineimg.training.mr_samples import mr_locate_sample, mr_refine_sample
from spineimg.training.mr_validation import MrLocateValidation, MrRefineValidation
from spineimg.training.refine_samples import REFINE_MERGED
from spineimg.training.sources import Source, cached_sources
from spineimg.training.start import new_net, new_trainer, settings_of

LOCATE_DEFAULTS: dict[str, Any] = {
    "kwargs": run_locate.DEFAULTS["kwargs"],
    "shapes": [[32, 64, 96], [32, 64, 96], [32, 64, 80], [48, 64, 80]],
    "batch": 2,
    "lr": 2e-3,
    "real_share": 0.5,
    "weights": {"offset": 1.2, "group": 0.4, "level": 0.2},
}
REFINE_DEFAULTS: dict[str, Any] = {
    "kwargs": run_refine.DEFAULTS["kwargs"],
    "batch": 2,
    "lr": 2e-3,
    "real_share": 0.6,
}


def mr_sources(data: Path, spacing_mm: float, cache: Path) -> list[Source]:
    """Label templates (drawn as MR), and the real MR of split `train` (kept as one file in ``cache``)."""
    drawn = [s for s in cached_sources(data, spacing_mm, cache) if not s.real]
    path = cache / f"mr_cases_{spacing_mm:g}.pkl"
    if path.exists():
        real: list[Source] = pickle.loads(path.read_bytes())
    else:
        real = [load_mr(folder, spacing_mm, 1.0) for folder in train_cases(data)]
        cache.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".part")
        temporary.write_bytes(pickle.dumps(real, protocol=5))
        temporary.replace(path)
    return drawn + real


def mr_refine_loss(net: nn.Module, batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, float]]:
    """Regions alone: no lesion is known on MR, those outputs stay untrained and are not used."""
    classes = len(REFINE_CLASSES)
    out = net(batch["x"])[:, :classes]
    class_weight = torch.tensor([1.0, 1.5, 3.0, 1.5, 1.5])
    loss, dices = partial_region_loss(out, batch["region"], REFINE_MERGED, class_weight)
    names = ("d_body", "d_post", "d_other", "d_canal")
    return loss, {"region": loss.item()} | {n: float(d) for n, d in zip(names, dices, strict=True)}


def run_locate_mr(args: argparse.Namespace) -> None:
    """Train with the options of `scripts/train_locate.py`."""
    settings = settings_of(args, LOCATE_DEFAULTS)
    sources = mr_sources(args.data, LOCATE_SPACING_MM, args.run.parent / "cache")
    trainer = new_trainer(args, settings, new_net(args, settings), run_locate.LAYOUT, sources)

    def step(model: nn.Module, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        shape = tuple(settings["shapes"][int(rng.integers(0, len(settings["shapes"])))])
        samples = [
            mr_locate_sample(rng, sources, shape, settings["real_share"]) for _ in range(settings["batch"])
        ]
        batch = run_locate.collate(samples)
        return run_locate.locate_loss(model, batch, settings["weights"], partial_region_loss)

    trainer.fit(step, MrLocateValidation(args.data))


def run_refine_mr(args: argparse.Namespace) -> None:
    """Train with the options of `scripts/train_refine.py`."""
    settings = settings_of(args, REFINE_DEFAULTS)
    sources = mr_sources(args.data, REFINE_SPACING_MM, args.run.parent / "cache")
    trainer = new_trainer(args, settings, new_net(args, settings), run_refine.LAYOUT, sources)

    def step(model: nn.Module, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        samples = [mr_refine_sample(rng, sources, settings["real_share"]) for _ in range(settings["batch"])]
        return mr_refine_loss(model, run_refine.collate(samples))

    trainer.fit(step, MrRefineValidation(args.data))
