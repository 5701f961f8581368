"""Checks on the real MR of split `validation` while a net trains: the engine's own steps, known bodies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from spineimg.core.grid import Grid
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.core.volume import Modality, Volume
from spineimg.segmentation.chain import column
from spineimg.segmentation.locate import BODY, SACRUM, locate, vote
from spineimg.segmentation.looks import prepared
from spineimg.segmentation.refine import refine
from spineimg.storage.nifti import read_mask, read_volume
from spineimg.training.mr_cases import validation_cases
from spineimg.training.validation import dice, match

JITTER_MM = 2.5
"""Guides are off by this (one sigma), as located centres are."""


@dataclass(frozen=True)
class MrCase:
    """One validation case: image in units, ids of bodies, their centres in LPS mm."""

    name: str
    volume: Volume
    labels: NDArray[np.uint8]
    centres: dict[int, NDArray[np.float64]]

    def ids_on(self, grid: Grid) -> NDArray[np.uint8]:
        """Ids at the voxels of another grid, the nearest voxel's; 0 outside."""
        axes = np.meshgrid(*[np.arange(n) for n in grid.shape], indexing="ij")
        points = grid.to_lps_mm(np.stack(axes, -1).reshape(-1, 3).astype(np.float64))
        index = np.rint(self.volume.grid.to_index(points))
        inside = ((index >= 0) & (index < np.array(self.labels.shape))).all(1)
        out = np.zeros(len(index), np.uint8)
        at = index[inside].astype(int)
        out[inside] = self.labels[tuple(at.T)]
        return out.reshape(grid.shape)


def load_cases(data: Path) -> list[MrCase]:
    """Load the validation cases."""
    cases = []
    for folder in validation_cases(data):
        volume = prepared(read_volume(folder / "image.nii.gz", Modality.MR))
        labels, grid = read_mask(folder / "labels.nii.gz")
        centres = {
            int(k): grid.to_lps_mm(np.argwhere(labels == k).mean(0)[None])[0] for k in np.unique(labels) if k
        }
        cases.append(MrCase(folder.name, volume, labels, centres))
    return cases


class MrLocateValidation:
    """Found, surplus, distance of centres, Dice of all bodies."""

    def __init__(self, data: Path) -> None:
        self.cases = load_cases(data)
        self.settings = SegmentationSettings(threads=1)

    def __call__(self, net: nn.Module) -> dict[str, float]:
        """Figures of one net; `score` rises with quality."""
        rows = [self._case(net, case) for case in self.cases]
        figures = {key: float(np.nanmean([row[key] for row in rows])) for key in rows[0]}
        figures |= {
            f"found_{case.name[5:]}": row["found"] for case, row in zip(self.cases, rows, strict=True)
        }
        figures["score"] = (
            2 * figures["found"] - 0.5 * min(1.0, figures["surplus"]) + figures["body"] + 0.5 * figures["s1"]
        )
        return figures

    def _case(self, net: nn.Module, case: MrCase) -> dict[str, float]:
        regions = locate(case.volume, net, self.settings)
        chain = column(vote(regions, self.settings), regions, self.settings)
        vertebrae = np.array([c for k, c in case.centres.items() if k < 26])
        found = np.array([p.centre_lps_mm for p in chain]).reshape(-1, 3)
        margin = 12.0  # beyond the labelled bodies there are others
        low, high = vertebrae[:, 2].min() - margin, vertebrae[:, 2].max() + margin
        found = found[(found[:, 2] > low) & (found[:, 2] < high)]
        hit, surplus, mm = match(found, vertebrae)
        ids = case.ids_on(regions.grid)
        got = regions.probability.argmax(0) == BODY
        rows = np.flatnonzero(((ids > 0) & (ids < 26)).any((0, 1)))
        inner = slice(int(rows.min()), int(rows.max()) + 1)
        body = dice(got[..., inner], ((ids > 0) & (ids < 26))[..., inner])
        lumbar = [
            float(np.argmax(p.groups) == 2) for p in chain if p.centre_lps_mm[2] < vertebrae[-3:, 2].max()
        ]
        sacrum = float("nan")
        if 26 in case.centres:
            sacrum = float(regions.probability[SACRUM][ids == 26].mean())
        return {
            "found": hit,
            "surplus": surplus,
            "mm": mm,
            "body": body,
            "lumbar": float(np.mean(lumbar)) if lumbar else 0.0,
            "s1": sacrum,
        }


class MrRefineValidation:
    """Dice of each complete body with a guide a little off its centre."""

    def __init__(self, data: Path) -> None:
        self.cases = load_cases(data)
        self.settings = SegmentationSettings(threads=1, tiles_at_once=4)
        rng = np.random.default_rng(7)
        self.guides = [
            {k: c + rng.normal(0, JITTER_MM, 3) for k, c in case.centres.items() if k < 26}
            for case in self.cases
        ]

    def __call__(self, net: nn.Module) -> dict[str, float]:
        """Figures of one net; `score` rises with quality."""
        figures: dict[str, float] = {}
        every: list[float] = []
        spill: list[float] = []
        for case, guides in zip(self.cases, self.guides, strict=True):
            patches = refine(case.volume, list(guides.values()), net, self.settings)
            own = []
            for level, patch in zip(guides, patches, strict=True):
                ids = case.ids_on(patch.grid)
                got = patch.probability.argmax(0) == 1
                own.append(dice(got, ids == level))
                spill.append(float((got & (ids > 0) & (ids != level)).sum() / max(1, got.sum())))
            figures[f"body_{case.name[5:]}"] = float(np.mean(own))
            every += own
        figures |= {"body": float(np.mean(every)), "worst": min(every), "spill": float(np.mean(spill))}
        figures["score"] = figures["body"] + 0.3 * figures["worst"]
        return figures
