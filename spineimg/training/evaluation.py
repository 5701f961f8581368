"""How good the two networks are by themselves: lesions and parts on samples no training saw."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from spineimg.phantom.make import make_phantom
from spineimg.phantom.random import random_spec
from spineimg.segmentation.inputs import REFINE_LESIONS, REFINE_SPACING_MM
from spineimg.training.prepared import prepared_case
from spineimg.training.refine_samples import REFINE_MERGED, RefineSample, refine_sample
from spineimg.training.sources import Source
from spineimg.training.validation import dice

VOXEL_ML = REFINE_SPACING_MM**3 / 1000.0
SEEN_ML = 0.15
"""Smaller lesions are not asked for."""
HIT_SHARE = 0.2
"""A lesion counts as found when this share of it is marked."""
FALSE_ML = 0.3
"""A vertebra without lesions counts as a false alarm above this volume."""
HELD_OUT = 1_000_000
"""Seeds of evaluation samples; training counts steps from 0."""


@dataclass(frozen=True)
class LesionRow:
    """One vertebra: its truth and what the net marks, per lesion type in ml."""

    name: str
    level: int
    own_dice: float
    truth_ml: tuple[float, ...]
    marked_ml: tuple[float, ...]
    hit_share: tuple[float, ...]
    dice: tuple[float, ...]


def run_sample(net: nn.Module, sample: RefineSample, threshold: float) -> LesionRow:
    """Run the refine net on one sample and compare with its truth."""
    with torch.no_grad():
        out = net(torch.from_numpy(sample.inputs)[None])[0].numpy()
    own = np.isin(sample.region, (1, 2, REFINE_MERGED))
    keep = sample.region != 255
    mine = np.isin(out[:5].argmax(0), (1, 2))
    cutoff = float(np.log(threshold / (1 - threshold)))
    truth_ml, marked_ml, hit, scores = [], [], [], []
    for channel in range(len(REFINE_LESIONS)):
        truth = (sample.lesions[channel] > 0) & keep
        marked = (out[5 + channel] > cutoff) & keep
        truth_ml.append(float(truth.sum()) * VOXEL_ML)
        marked_ml.append(float(marked.sum()) * VOXEL_ML)
        hit.append(float((truth & marked).sum()) / max(1, int(truth.sum())))
        scores.append(dice(marked, truth))
    return LesionRow(
        name=sample.name,
        level=sample.level,
        own_dice=dice(mine & keep, own),
        truth_ml=tuple(truth_ml),
        marked_ml=tuple(marked_ml),
        hit_share=tuple(hit),
        dice=tuple(scores),
    )


def synthetic_samples(sources: list[Source], count: int, real_share: float) -> Iterable[RefineSample]:
    """Draw samples of seeds that training never reaches (its anatomies, other draws)."""
    for index in range(count):
        yield refine_sample(np.random.default_rng([HELD_OUT, index]), sources, real_share)


def phantom_samples(seeds: Sequence[int], per_phantom: int) -> Iterable[RefineSample]:
    """Draw samples of drawn spines whose seeds no training pool holds."""
    for seed in seeds:
        phantom = make_phantom(random_spec(seed))
        arrays: dict[str, NDArray[np.generic]] = {
            "hu": phantom.volume.array,
            "labels": phantom.labels.array,
            "tissue": phantom.tissue,
            "affine": phantom.volume.grid.affine,
        }
        if phantom.labels.parts is None or phantom.labels.lesion_types is None:
            raise ValueError(f"phantom {seed} has no parts or lesions")
        arrays |= {"parts": phantom.labels.parts, "lesion_types": phantom.labels.lesion_types}
        case = prepared_case(f"phantom/{seed}", arrays, REFINE_SPACING_MM)
        source = [Source(case, 1.0, case.image)]
        for index in range(per_phantom):
            yield refine_sample(np.random.default_rng([HELD_OUT, seed, index]), source, 1.0)


def summary(rows: Sequence[LesionRow]) -> dict[str, float]:
    """Figures over vertebrae: found, Dice, false alarms (each lesion type apart)."""
    figures: dict[str, float] = {
        "vertebrae": float(len(rows)),
        "own_dice_median": float(np.median([r.own_dice for r in rows])),
    }
    for channel, name in enumerate(REFINE_LESIONS):
        with_lesion = [r for r in rows if r.truth_ml[channel] >= SEEN_ML]
        without = [r for r in rows if sum(r.truth_ml) == 0]
        figures[f"{name}_n"] = float(len(with_lesion))
        if with_lesion:
            found = [r.hit_share[channel] >= HIT_SHARE for r in with_lesion]
            figures[f"{name}_found"] = float(np.mean(found))
            figures[f"{name}_dice_median"] = float(np.median([r.dice[channel] for r in with_lesion]))
        if without:
            alarms = [r.marked_ml[channel] >= FALSE_ML for r in without]
            figures[f"{name}_false_alarms"] = float(np.mean(alarms))
            figures["healthy_n"] = float(len(without))
    return figures
