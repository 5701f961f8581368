"""Cheap checks on real scans while a net trains."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import nn

from spineimg.segmentation.inputs import (
    LOCATE_SPACING_MM,
    OFFSET_UNIT_MM,
    REFINE_BACKWARD_MM,
    REFINE_PATCH,
    REFINE_SPACING_MM,
    guide_channel,
    hu_channels,
)
from spineimg.training.patches import Patch, sample_patch, smooth_for
from spineimg.training.templates import Template, load_real, load_template

Floats = NDArray[np.float32]


def read_series(folder: Path) -> tuple[Floats, NDArray[np.float64], NDArray[np.float64]]:
    """Read an axial DICOM series: HU in LPS order, spacing and origin."""
    itk: Any = sitk  # its stubs are not typed
    reader = itk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    image = itk.DICOMOrient(reader.Execute(), "LPS")
    array = itk.GetArrayFromImage(image).transpose(2, 1, 0).astype(np.float32)
    return array, np.array(image.GetSpacing()), np.array(image.GetOrigin())


def resample(
    hu: Floats,
    spacing: NDArray[np.float64],
    origin: NDArray[np.float64],
    box: tuple[NDArray[np.float64], NDArray[np.float64]],
    target_mm: float,
) -> Floats:
    """Resample a box (low, high corner in LPS mm) to isotropic voxels, outside -1024."""
    sigma = [0.4 * target_mm / s if s < 0.8 * target_mm else 0.0 for s in spacing]
    smooth = ndimage.gaussian_filter(hu, sigma)
    axes = [np.arange(lo, hi, target_mm) for lo, hi in zip(*box, strict=True)]
    index = np.meshgrid(
        *[(a - o) / s for a, o, s in zip(axes, origin, spacing, strict=True)],
        indexing="ij",
        sparse=False,
    )
    out = ndimage.map_coordinates(smooth, np.array(index), order=1, mode="constant", cval=-1024)
    return np.asarray(out, np.float32)


def tiled(net: nn.Module, hu: Floats, patch: tuple[int, int, int]) -> Floats:
    """Run a net over a volume in overlapping tiles, blended linearly."""
    pad = [max(0, p - n) for p, n in zip(patch, hu.shape, strict=True)]
    padded = np.pad(hu, [(0, p) for p in pad], constant_values=-1024)
    starts = []
    for n, p in zip(padded.shape, patch, strict=True):
        count = int(np.ceil((n - p) / (p * 0.75))) + 1
        starts.append(np.unique(np.linspace(0, n - p, count).round().astype(int)))
    ramp = [np.minimum(np.arange(p) + 1, p - np.arange(p)) / (p / 4) for p in patch]
    weight = np.clip(ramp[0], 0, 1)[:, None, None] * np.clip(ramp[1], 0, 1)[None, :, None]
    weight = (weight * np.clip(ramp[2], 0, 1)[None, None, :] + 1e-3).astype(np.float32)
    total: Floats | None = None
    mass = np.zeros(padded.shape, np.float32)
    for i in starts[0]:
        for j in starts[1]:
            for k in starts[2]:
                cut = (slice(i, i + patch[0]), slice(j, j + patch[1]), slice(k, k + patch[2]))
                x = torch.from_numpy(hu_channels(padded[cut]))[None]
                x = x.to(memory_format=torch.channels_last_3d)
                y = net(x)[0].numpy()
                if total is None:
                    total = np.zeros((y.shape[0], *padded.shape), np.float32)
                total[(slice(None), *cut)] += y * weight
                mass[cut] += weight
    if total is None:
        raise ValueError("no tile fits the volume")
    total /= mass
    return total[:, : hu.shape[0], : hu.shape[1], : hu.shape[2]]


def vote_centres(output: Floats, origin: NDArray[np.float64]) -> NDArray[np.float64]:
    """Find body centres (LPS mm) as peaks of the offset votes."""
    logits = output[:8]
    p = np.exp(logits - logits.max(0))
    p /= p.sum(0)
    vertebra = (p[1] + p[2]) > 0.5
    where = np.argwhere(vertebra)
    if len(where) == 0:
        return np.zeros((0, 3))
    offset = output[8:11][:, vertebra].T * OFFSET_UNIT_MM / LOCATE_SPACING_MM
    votes = np.rint(where + offset).astype(int)
    ok = np.all((votes >= 0) & (votes < np.array(vertebra.shape)), axis=1)
    votes = votes[ok]
    heat = np.zeros(vertebra.shape, np.float32)
    np.add.at(heat, tuple(votes.T), (p[1] + p[2])[vertebra][ok])
    heat = ndimage.gaussian_filter(heat, 1.3)
    peak = (heat == ndimage.maximum_filter(heat, 5)) & (heat > 1.0)
    return np.argwhere(peak) * LOCATE_SPACING_MM + origin


def match(found: NDArray[np.float64], truth: NDArray[np.float64]) -> tuple[float, float, float]:
    """Share of truth found within 10 mm, surplus peaks per truth, median distance."""
    if len(found) == 0:
        return 0.0, 0.0, float("nan")
    d = np.linalg.norm(found[:, None] - truth[None], axis=-1)
    hit = d.min(0) < 10.0
    surplus = float((d.min(1) > 12.0).sum()) / len(truth)
    return float(hit.mean()), surplus, float(np.median(d.min(0)[hit])) if hit.any() else 99.0


def shown(patch: Patch) -> Floats:
    """Give the real image of a patch."""
    if patch.image is None:
        raise ValueError("the case has no image")
    return patch.image


def dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Dice of two masks."""
    return float(2 * (a & b).sum() / max(1, a.sum() + b.sum()))


class LocateValidation:
    """oppoct (masks) and the whole-body scan (landmarks)."""

    def __init__(self, data: Path) -> None:
        self.case = load_real(
            data / "ct_mr/oppoct/case_abdomen", load_template(data / "templates/oppoct_abdomen")
        )
        shape = np.array(self.case.labels.shape)
        low, high = self.case.origin, self.case.origin + shape * self.case.spacing
        grid = np.meshgrid(
            *[np.arange(a, b, LOCATE_SPACING_MM) for a, b in zip(low, high, strict=True)],
            indexing="ij",
        )
        smooth = smooth_for(self.case, LOCATE_SPACING_MM)
        self.patch = sample_patch(self.case, np.array(grid, np.float32), smooth)
        self.hu = shown(self.patch)
        marks = json.loads((data / "landmarks/ct_wholebody_juno.json").read_text())["levels"]
        # the atlas has no centre; the sacrum casts no votes
        self.truth = np.array(
            [m["centre_lps_mm"] for m in marks if m["centre_lps_mm"] and m["level"] != "S1"]
        )
        self.low = self.truth.min(0) - np.array([70.0, 80.0, 60.0])
        high = self.truth.max(0) + np.array([70.0, 80.0, 60.0])
        hu, spacing, origin = read_series(data / "dicom/good/ct_wholebody_juno")
        self.juno = resample(hu, spacing, origin, (self.low, high), LOCATE_SPACING_MM)

    def __call__(self, net: nn.Module) -> dict[str, float]:
        """Figures of one net; `score` rises with quality."""
        out = tiled(net, self.hu, (64, 64, 96))
        got = out[:8].argmax(0)
        region = self.patch.region
        figures = {
            "op_body": dice(got == 1, region == 1),
            "op_post": dice(got == 2, region == 2),
            "op_spine": dice(np.isin(got, (1, 2)), np.isin(region, (1, 2, 8))),
            "op_canal": dice(got == 7, region == 7),
            "op_rib": dice(got == 5, region == 5),
        }
        levels = [k for k in self.case.centres if k not in (17, 18, 24)]
        truth = np.array([self.case.centres[k] for k in levels])
        hit, surplus, mm = match(vote_centres(out, self.case.origin), truth)
        figures |= {"op_found": hit, "op_surplus": surplus, "op_mm": mm}
        out = tiled(net, self.juno, (64, 64, 96))
        hit, surplus, mm = match(vote_centres(out, self.low), self.truth)
        figures |= {"juno_found": hit, "juno_surplus": surplus, "juno_mm": mm}
        group, level = self._names(out)
        figures |= {"juno_group": group, "juno_level_error": level}
        figures["score"] = (
            figures["op_spine"]
            + figures["juno_found"]
            + figures["op_found"]
            - 0.3 * min(1.0, figures["juno_surplus"])
            + 0.5 * group
        )
        return figures

    def _names(self, out: Floats) -> tuple[float, float]:
        """Share of right groups and mean level error at the marked centres."""
        right, errors = 0, []
        ordinals = list(range(2, 25))[: len(self.truth)]
        for point, level in zip(self.truth, ordinals, strict=False):
            i = np.rint((point - self.low) / LOCATE_SPACING_MM).astype(int)
            cut = tuple(slice(k - 2, k + 3) for k in i)
            box = out[(slice(8, 16), *cut)].mean((1, 2, 3))
            group = int(level > 7) + int(level > 19) + int(level > 25)
            right += int(box[3:7].argmax() == group)
            errors.append(abs(box[7] * 26 - level))
        return right / len(ordinals), float(np.mean(errors))


class RefineValidation:
    """oppoct vertebrae with reference centres, and fixed synthetic lesions."""

    def __init__(
        self, data: Path, synthetic: list[tuple[Floats, NDArray[np.uint8], NDArray[np.uint8]]]
    ) -> None:
        case: Template = load_real(
            data / "ct_mr/oppoct/case_abdomen", load_template(data / "templates/oppoct_abdomen")
        )
        smooth = smooth_for(case, REFINE_SPACING_MM)
        self.real = []
        middle = [(n - 1) / 2 for n in REFINE_PATCH]
        for level in (19, 20, 21, 22, 23):
            centre = case.centres[level] + np.array([1.5, REFINE_BACKWARD_MM - 1.0, -1.0])
            axes = [
                c + (np.arange(n) - m) * REFINE_SPACING_MM
                for c, n, m in zip(centre, REFINE_PATCH, middle, strict=True)
            ]
            grid = np.array(np.meshgrid(*axes, indexing="ij"), np.float32)
            patch = sample_patch(case, grid, smooth)
            point = (middle[0], middle[1] - REFINE_BACKWARD_MM / REFINE_SPACING_MM, middle[2])
            guide = guide_channel(REFINE_PATCH, point, REFINE_SPACING_MM)
            inputs = np.concatenate([hu_channels(shown(patch)), guide])
            own = patch.labels == level
            self.real.append((inputs, own, own & (patch.region == 1), own & (patch.region == 2)))
        self.synthetic = synthetic

    def __call__(self, net: nn.Module) -> dict[str, float]:
        """Figures of one net; `score` rises with quality."""
        rows = []
        for inputs, own, body, posterior in self.real:
            out = net(torch.from_numpy(inputs)[None])[0].numpy()
            got = out[:5].argmax(0)
            mine = np.isin(got, (1, 2))
            false_ml = [float((mine & (out[5 + c] > 0)).sum() * 3.375e-3) for c in (0, 1)]
            rows.append([dice(mine, own), dice(got == 1, body), dice(got == 2, posterior), *false_ml])
        mean = np.mean(rows, axis=0)
        figures = dict(
            zip(
                ("op_own", "op_body", "op_post", "op_false_lytic_ml", "op_false_blastic_ml"),
                [float(v) for v in mean],
                strict=True,
            )
        )
        scores: dict[str, list[float]] = {"lytic": [], "blastic": [], "false_ml": [], "own": []}
        for x, region, lesions in self.synthetic:
            out = net(torch.from_numpy(x)[None])[0].numpy()
            mine = np.isin(region, (1, 2, 5))
            scores["own"].append(dice(np.isin(out[:5].argmax(0), (1, 2)), mine))
            for channel, name in enumerate(("lytic", "blastic")):
                truth = lesions[channel] > 0
                got = out[5 + channel] > 0
                if truth.sum() > 60:
                    scores[name].append(dice(got, truth))
                elif truth.sum() == 0:
                    scores["false_ml"].append(float(got.sum()) * 3.375e-3)
        figures |= {f"syn_{k}": float(np.mean(v)) if v else 0.0 for k, v in scores.items()}
        figures["score"] = (
            figures["op_own"]
            + 0.5 * figures["op_body"]
            + 0.5 * figures["op_post"]
            + 0.5 * (figures["syn_lytic"] + figures["syn_blastic"])
            - 0.1 * min(3.0, figures["syn_false_ml"])
            - 0.1 * min(3.0, figures["op_false_lytic_ml"] + figures["op_false_blastic_ml"])
        )
        return figures
