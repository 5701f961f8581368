"""What every training sets up alike: options, settings, seeds, the record in its bundle, batches."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn

from spineimg.segmentation.networks import build_network
from spineimg.training.loop import LoopConfig, Trainer
from spineimg.training.pool import Pool
from spineimg.training.sources import Source, record

PREPARED_AT_START = 8
POOL_STEPS = 20
"""Steps between two looks into the folder of prepared cases."""
Sample = TypeVar("Sample")


def options(description: str | None) -> argparse.ArgumentParser:
    """Options that every training script has."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--run", type=Path, required=True, help="folder of checkpoints")
    parser.add_argument("--pool", type=Path, help="folder of prepared *.npz cases (CT)")
    parser.add_argument(
        "--minutes", type=float, default=100.0, help="of the whole run, resumed parts included"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--config", type=Path, help="JSON that overrides the settings")
    parser.add_argument("--start", type=Path, help="checkpoint of another run to start from")
    parser.add_argument("--resume", action="store_true")
    return parser


def settings_of(args: argparse.Namespace, defaults: dict[str, Any]) -> dict[str, Any]:
    """Seed the weights, keep to one thread; the settings of this run."""
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    return defaults | (json.loads(args.config.read_text()) if args.config else {})


def filled_pool(args: argparse.Namespace, spacing_mm: float) -> Pool:
    """The prepared cases, some of them read already."""
    pool = Pool(args.pool, spacing_mm)
    pool.fill(PREPARED_AT_START)
    return pool


def new_net(args: argparse.Namespace, settings: dict[str, Any]) -> nn.Module:
    """A network with fresh weights, or with those of the run that it starts from."""
    net = build_network("FoldedUNet", settings["kwargs"])
    if args.start is not None:
        start_from(net, args.start)
    return net


def start_from(net: nn.Module, path: Path) -> None:
    """Take the weights of an earlier net; input channels that it did not know start at zero.

    A new channel is the last one of the net's inputs, and of what the head sees beside the decoder.
    """
    old = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
    state = net.state_dict()
    for key, value in state.items():
        if value.shape == old[key].shape:
            state[key] = old[key]
            continue
        wider = torch.zeros_like(value)
        wider[:, : old[key].shape[1]] = old[key]
        state[key] = wider
    net.load_state_dict(state)


def expect_rare(net: nn.Module, outputs: slice) -> None:
    """Lesions are rare: let these outputs start from "none"."""
    bias = net.get_parameter("head_out.bias")
    with torch.no_grad():
        bias[outputs] = -3.0


def new_trainer(
    args: argparse.Namespace,
    settings: dict[str, Any],
    net: nn.Module,
    layout: dict[str, Any],
    sources: list[Source],
) -> Trainer:
    """The trainer, gone on from its last checkpoint if asked.

    Parameters
    ----------
    layout
        What a reader of the weights must know: ``spacing_mm``, ``patch``, ``classes`` and so on.
    """
    start = None if args.start is None else args.start.parent.name
    bundle = {
        "arch": "FoldedUNet",
        "kwargs": settings["kwargs"],
        **layout,
        "training_record": {"settings": settings, "started_from": start, "anatomies": record(sources)},
    }
    trainer = Trainer(net, LoopConfig(args.run, args.minutes, args.seed, settings["lr"]), bundle)
    if args.resume:
        trainer.resume()
    return trainer


def mixed_batch(
    rng: np.random.Generator,
    trainer: Trainer,
    settings: dict[str, Any],
    cases: tuple[Pool, list[Source]],
    draw: Callable[[np.random.Generator, list[Source], float], Sample],
) -> list[Sample]:
    """Samples from prepared cases (``pool_share``) and from templates and real scans (``real_share``)."""
    pool, sources = cases
    prepared = pool.refresh() if trainer.step % POOL_STEPS == 0 else pool.sources
    samples = []
    for _ in range(settings["batch"]):
        if prepared and rng.random() < settings["pool_share"]:
            samples.append(draw(rng, prepared, 1.0))
        else:
            samples.append(draw(rng, sources, settings["real_share"]))
    return samples
