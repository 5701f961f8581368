#!/usr/bin/env python3
"""Time and memory of the network part on 512x512x300, against an nnU-Net full-resolution network.

    scripts/benchmark_network.py [--threads 2] [--scan FOLDER]

The scan (a whole body by default, cut to the spine) is interpolated along the body to 300 slices and laid
into 512x512 pixels of its own size, water around it: the field of a whole body. Each side runs in a process
of its own, one after the other. The nnU-Net network is built by its own package (``pip install
dynamic-network-architectures``; without it only ours is timed): PlainConvUNet as nnU-Net plans it for full
resolution, six stages of 32 to 320 channels, random weights, one model, 1.5 mm, 128^3 patches, step 0.5, no
mirroring. Five patches are timed and the mean taken times their count; its resampling, its export and a
second fold would come on top and are not counted.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import subprocess
import sys
import time
from dataclasses import replace
from math import ceil
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from spineimg.core.grid import Grid
from spineimg.core.settings import DEFAULTS
from spineimg.core.volume import Modality, Volume

SHAPE = (512, 512, 300)
PATCH, STEP, SPACING_MM = 128, 0.5, 1.5
TIMED = 5
WATER_HU = 0
CLASSES = 27
"""26 vertebrae and sacrum, and the background."""
PACKAGE = "dynamic_network_architectures"
TIMES = 20.0
MOST_S, MOST_GB = 20.0, 2.5


def whole_body(folder: Path) -> Volume:
    """The scan with `SHAPE`: interpolated along its slices, water around it."""
    from scipy import ndimage

    from spineimg.pipeline.reading import read

    volume = read(folder, None, Modality.CT, DEFAULTS)
    factor = np.array([1.0, 1.0, SHAPE[2] / volume.grid.shape[2]])
    array = ndimage.zoom(volume.array.astype(np.float32), factor, order=1)
    before = (np.array(SHAPE) - array.shape) // 2
    margins = [(int(b), int(n - s - b)) for b, n, s in zip(before, SHAPE, array.shape, strict=True)]
    affine = volume.grid.affine @ np.diag([*(1 / factor), 1.0])
    affine[:3, 3] -= affine[:3, :3] @ before
    padded = np.pad(np.rint(array).astype(np.int16), margins, constant_values=WATER_HU)
    return Volume(padded, Grid(SHAPE, affine), Modality.CT)


def time_ours(folder: Path, threads: int) -> dict[str, Any]:
    """Seconds of the network part, and the peak memory of its process."""
    from spineimg.segmentation.engine import load_engine

    volume = whole_body(folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    engine = load_engine(None, Modality.CT)
    settings = replace(DEFAULTS.segmentation, threads=threads)
    start = time.perf_counter()
    labels = engine(volume, settings)
    seconds = time.perf_counter() - start
    extent = (np.array(SHAPE) * volume.grid.spacing_mm).tolist()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": seconds, "levels": len(labels.levels()), "extent_mm": extent,
        "peak_gb": peak / 1e6, "peak_before_gb": before / 1e6,
    }  # fmt: skip


def time_nnunet(extent_mm: list[float], threads: int) -> dict[str, Any]:
    """Seconds a patch, and for all patches of a scan of this extent."""
    import torch
    from dynamic_network_architectures.architectures.unet import PlainConvUNet  # type: ignore[import-not-found]
    from torch import nn

    torch.set_num_threads(threads)
    net = PlainConvUNet(
        input_channels=1, n_stages=6, features_per_stage=[32, 64, 128, 256, 320, 320], conv_op=nn.Conv3d,
        kernel_sizes=3, strides=[1, 2, 2, 2, 2, 2], n_conv_per_stage=2, num_classes=CLASSES,
        n_conv_per_stage_decoder=2, conv_bias=True, norm_op=nn.InstanceNorm3d,
        norm_op_kwargs={"eps": 1e-5, "affine": True}, nonlin=nn.LeakyReLU, nonlin_kwargs={"inplace": True},
    ).eval()  # fmt: skip
    counts = [max(1, ceil((e / SPACING_MM - PATCH) / (PATCH * STEP)) + 1) for e in extent_mm]
    seconds = []
    with torch.inference_mode():
        for _ in range(TIMED):
            patch = torch.randn(1, 1, PATCH, PATCH, PATCH)
            start = time.perf_counter()
            net(patch)
            seconds.append(time.perf_counter() - start)
    patches = int(np.prod(counts))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "patch_s": seconds, "patches": patches, "seconds": mean(seconds) * patches, "peak_gb": peak / 1e6,
        "weights_million": sum(p.numel() for p in net.parameters()) / 1e6,
    }  # fmt: skip


def in_a_process(side: str, options: argparse.Namespace, extra: list[str]) -> dict[str, Any]:
    """Run one side alone, so that its peak memory is its own."""
    command = [sys.executable, __file__, "--side", side, "--threads", str(options.threads), *extra]
    out = subprocess.run([*command, "--scan", str(options.scan)], check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(out.stdout.splitlines()[-1])
    return result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    shared = Path(__file__).parents[2] / "shared"
    parser.add_argument("--scan", type=Path, default=shared / "data/dicom/good/ct_wholebody_juno")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--side", choices=("ours", "nnunet"), help=argparse.SUPPRESS)
    parser.add_argument("--extent", type=float, nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side == "ours":
        print(json.dumps(time_ours(options.scan, options.threads)))
        return
    if options.side == "nnunet":
        print(json.dumps(time_nnunet(options.extent, options.threads)))
        return
    ours = in_a_process("ours", options, [])
    print(f"ours: {ours['seconds']:.1f} s (bar {MOST_S:.0f}), peak {ours['peak_gb']:.2f} GB of its process")
    print(f"      (bar {MOST_GB} GB; {ours['peak_before_gb']:.2f} GB before), {ours['levels']} levels")
    if importlib.util.find_spec(PACKAGE) is None:
        print(f"nnU-Net: not timed, the package {PACKAGE.replace('_', '-')} is not installed")
        return
    theirs = in_a_process("nnunet", options, ["--extent", *map(str, ours["extent_mm"])])
    each = ", ".join(f"{s:.1f}" for s in theirs["patch_s"])
    alone = mean(theirs["patch_s"])
    print(
        f"nnU-Net: {theirs['seconds']:.0f} s = {theirs['patches']} patches, {alone:.1f} s each "
        f"({each}), peak {theirs['peak_gb']:.2f} GB, {theirs['weights_million']:.1f} M weights"
    )
    print(f"ratio: {theirs['seconds'] / ours['seconds']:.1f} (bar {TIMES:.0f}), {options.threads} threads")


if __name__ == "__main__":
    main()
