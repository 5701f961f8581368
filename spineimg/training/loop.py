"""The training loop: wall-clock budget, checkpoints, averaged weights, curve."""

from __future__ import annotations

import json
import math
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

SCORE_NOISE = 0.1
"""Later averaged weights are kept unless they are worse than the best by more than this."""

StepFn = Callable[[nn.Module, np.random.Generator], tuple[Tensor, dict[str, float]]]
ValidateFn = Callable[[nn.Module], dict[str, float]]


@dataclass(frozen=True)
class LoopConfig:
    """What one run needs to know.

    Attributes
    ----------
    run
        Folder of checkpoints and curve.
    minutes
        Wall-clock budget of the whole run, resumed parts included.
    seed
        Of weights and samples.
    lr
        Peak learning rate.
    checkpoint_s, validate_s
        Seconds between checkpoints and validations.
    """

    run: Path
    minutes: float
    seed: int
    lr: float = 2e-3
    weight_decay: float = 1e-4
    checkpoint_s: float = 180.0
    validate_s: float = 420.0


def learning_rate(progress: float, step: int, peak: float) -> float:
    """Warm up over 60 steps, then a cosine over the wall-clock budget down to 2 %."""
    cosine = 0.5 * (1 + math.cos(math.pi * min(max(progress, 0.0), 1.0)))
    return peak * min(1.0, (step + 1) / 60) * (0.02 + 0.98 * cosine)


def save(path: Path, blob: dict[str, Any]) -> None:
    """Write a torch file so that a reader never sees half of it."""
    temporary = path.with_suffix(".part")
    torch.save(blob, temporary)
    os.replace(temporary, path)


class StopRequest:
    """Remembers that the process was asked to end (SIGTERM), so that a step is not lost."""

    def __init__(self) -> None:
        self.asked = False
        signal.signal(signal.SIGTERM, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True


class Trainer:
    """One run: net, optimiser, averaged weights, clock."""

    def __init__(self, net: nn.Module, config: LoopConfig, bundle: dict[str, Any]) -> None:
        net.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        self.net = net
        self.config = config
        self.bundle = bundle
        self.optimiser = torch.optim.AdamW(net.parameters(), lr=config.lr, weight_decay=config.weight_decay)
        self.average = {k: v.detach().clone() for k, v in net.state_dict().items()}
        self.step = 0
        self.elapsed = 0.0
        self.best = -1.0
        config.run.mkdir(parents=True, exist_ok=True)

    def resume(self) -> None:
        """Go on from `last.pt` if there is one."""
        path = self.config.run / "last.pt"
        if not path.exists():
            return
        blob = torch.load(path, map_location="cpu", weights_only=True)
        self.net.load_state_dict(blob["net"])
        self.average = blob["average"]
        self.optimiser.load_state_dict(blob["optimiser"])
        self.step, self.elapsed, self.best = blob["step"], blob["elapsed"], blob["best"]

    def log(self, row: dict[str, Any]) -> None:
        """Append one row to the curve and show it."""
        row = {"step": self.step, "min": round(self.elapsed / 60, 2)} | {
            k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()
        }
        with (self.config.run / "curve.jsonl").open("a") as stream:
            stream.write(json.dumps(row) + "\n")
        sys.stdout.write(json.dumps(row) + "\n")
        sys.stdout.flush()

    def checkpoint(self) -> None:
        """Write `last.pt`."""
        save(
            self.config.run / "last.pt",
            {
                "net": self.net.state_dict(),
                "average": self.average,
                "optimiser": self.optimiser.state_dict(),
                "step": self.step,
                "elapsed": self.elapsed,
                "best": self.best,
            },
        )

    def update_average(self) -> None:
        """Move the averaged weights toward the present ones."""
        decay = min(0.996, (1 + self.step) / (12 + self.step))
        with torch.no_grad():
            for key, value in self.net.state_dict().items():
                self.average[key].lerp_(value, 1 - decay)

    def validate(self, validate: ValidateFn) -> None:
        """Judge the averaged weights; keep them as `best.pt` unless they are clearly worse."""
        present = {k: v.detach().clone() for k, v in self.net.state_dict().items()}
        self.net.load_state_dict(self.average)
        self.net.eval()
        start = time.monotonic()
        with torch.no_grad():
            figures = validate(self.net)
        self.net.load_state_dict(present)
        self.net.train()
        self.log({"validation": 1, "val_s": time.monotonic() - start} | figures)
        if figures["score"] >= self.best - SCORE_NOISE:
            self.best = max(self.best, figures["score"])
            self.export(figures)

    def export(self, figures: dict[str, float]) -> None:
        """Write `best.pt` and `config.json` for the engine."""
        config = self.bundle | {
            "training_record": self.bundle["training_record"]
            | {
                "steps": self.step,
                "minutes": round(self.elapsed / 60, 1),
                "seed": self.config.seed,
                "validation": {k: round(float(v), 4) for k, v in figures.items()},
            }
        }
        state = {k: v.clone() for k, v in self.average.items()}
        save(self.config.run / "best.pt", {"state_dict": state, "config": config})
        (self.config.run / "config.json").write_text(json.dumps(config, indent=1))

    def fit(self, step_fn: StepFn, validate: ValidateFn) -> None:
        """Train until the budget is spent."""
        config = self.config
        budget = config.minutes * 60
        last = time.monotonic()
        next_save = self.elapsed + config.checkpoint_s
        next_validate = self.elapsed + (120.0 if self.step == 0 else config.validate_s / 2)
        sums: dict[str, list[float]] = {}
        self.net.train()
        stop = StopRequest()
        while self.elapsed < budget and not stop.asked:
            rng = np.random.default_rng([config.seed, self.step])
            rate = learning_rate(self.elapsed / budget, self.step, config.lr)
            for group in self.optimiser.param_groups:
                group["lr"] = rate
            loss, parts = step_fn(self.net, rng)
            if not bool(torch.isfinite(loss)):
                self.log({"skipped": "loss not finite"})
                self.step += 1
                continue
            self.optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            norm = torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
            self.optimiser.step()
            self.step += 1
            self.update_average()
            now = time.monotonic()
            self.elapsed += now - last
            parts = parts | {"loss": loss.item(), "grad": float(norm), "s": now - last}
            last = now
            for key, value in parts.items():
                if not math.isnan(value):
                    sums.setdefault(key, []).append(value)
            if self.step % 25 == 0:
                self.log({k: float(np.mean(v)) for k, v in sums.items()} | {"lr": rate})
                sums = {}
            if self.elapsed >= next_save:
                self.checkpoint()
                next_save = self.elapsed + config.checkpoint_s
            if self.elapsed >= next_validate:
                self.validate(validate)
                next_validate = self.elapsed + config.validate_s
                self.elapsed += time.monotonic() - last
                last = time.monotonic()
        self.checkpoint()
        if not stop.asked:
            self.validate(validate)
