"""Run a network over a volume in overlapping tiles, blended by a Gaussian."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.segmentation.inputs import OUTSIDE_HU
from spineimg.segmentation.looks import Look

if TYPE_CHECKING:
    from torch import nn

Floats = NDArray[np.float32]
Shape = tuple[int, int, int]
SIZE_MULTIPLE = 16
"""Sizes of a tile are multiples of this (four halvings)."""


def free_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


@cache
def has_fast_bfloat() -> bool:
    """Whether the processor multiplies bfloat16 natively; elsewhere it is slower than float32."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="ignore")
    except OSError:
        return False
    flags = set(next((line for line in text.splitlines() if line.startswith("flags")), "").split())
    return bool({"avx512_bf16", "amx_bf16"} & flags)


@contextmanager
def inference(settings: SegmentationSettings) -> Iterator[None]:
    """Set threads and precision for running a network, and set the threads back afterwards."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(settings.threads or free_cores())
    narrow = torch.autocast("cpu", dtype=torch.bfloat16) if has_fast_bfloat() else nullcontext()
    try:
        with torch.inference_mode(), narrow:
            yield
    finally:
        torch.set_num_threads(before)


def run_network(net: nn.Module, inputs: Floats) -> Floats:
    """One pass: (n, channels, a, b, c) to (n, outputs, a, b, c), float32."""
    import torch

    tensor = torch.from_numpy(np.ascontiguousarray(inputs)).contiguous(memory_format=torch.channels_last_3d)
    result: Any = net(tensor)
    return np.asarray(result.float().numpy())


def tile_starts(size: int, tile: int, overlap: float) -> list[int]:
    """First voxels of tiles that cover an axis of at least one tile's length."""
    if size <= tile:
        return [0]
    step = max(1, int(tile * (1 - overlap)))
    count = int(np.ceil((size - tile) / step)) + 1
    return [round(n * (size - tile) / (count - 1)) for n in range(count)]


def blend(tile: Shape) -> Floats:
    """Weights of a tile: a Gaussian that falls to about 0.1 at the middle of a face."""
    axes = [np.exp(-0.5 * ((np.arange(n) - (n - 1) / 2) / (0.25 * n)) ** 2).astype(np.float32) for n in tile]
    return np.asarray(axes[0][:, None, None] * axes[1][None, :, None] * axes[2][None, None, :])


def slide(
    net: nn.Module,
    image: tuple[Floats, Look],
    tile: Shape,
    empty: Sequence[float],
    settings: SegmentationSettings,
) -> Floats:
    """Run a network over a whole volume.

    Parameters
    ----------
    net : Module
        Maps (n, 2, a, b, c) to (n, outputs, a, b, c).
    image : tuple of ndarray, (x, y, z), and Look
        Values on the network's grid (HU, or units of MR), and how they are shown.
    tile : tuple of int
        Size of a tile, as in training.
    empty : sequence of float
        Outputs for tiles that hold nothing (no bone on CT).
    settings : SegmentationSettings
        Overlap, tiles at once, threads.

    Returns
    -------
    ndarray of float32, (outputs, x, y, z)
        Blended raw outputs.
    """
    values, look = image
    shape = values.shape
    size: Shape = tuple(
        min(t, -(-n // SIZE_MULTIPLE) * SIZE_MULTIPLE) for n, t in zip(shape, tile, strict=True)
    )
    pad = [max(0, t - n) for n, t in zip(shape, size, strict=True)]
    before = [(p // 2, p - p // 2) for p in pad]
    padded = np.pad(values, before, constant_values=OUTSIDE_HU)
    starts = [tile_starts(n, t, settings.tile_overlap) for n, t in zip(padded.shape, size, strict=True)]
    weight = blend(size)
    total = np.zeros((len(empty), *padded.shape), dtype=np.float32)
    mass = np.zeros(padded.shape, dtype=np.float32)
    places = [
        tuple(slice(s, s + t) for s, t in zip(p, size, strict=True)) for p in itertools.product(*starts)
    ]
    busy = [p for p in places if padded[p].max() >= look.busy_from]
    for place in [p for p in places if p not in busy]:
        total[(slice(None), *place)] += np.asarray(empty, dtype=np.float32)[:, None, None, None] * weight
        mass[place] += weight
    with inference(settings):
        for first in range(0, len(busy), settings.tiles_at_once):
            batch = busy[first : first + settings.tiles_at_once]
            outputs = run_network(net, np.stack([look.channels(padded[p]) for p in batch]))
            for place, output in zip(batch, outputs, strict=True):
                total[(slice(None), *place)] += output * weight
                mass[place] += weight
    total /= mass
    inside = tuple(slice(b[0], b[0] + n) for b, n in zip(before, shape, strict=True))
    return np.asarray(total[(slice(None), *inside)])
