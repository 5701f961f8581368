"""Density of trabecular bone: each body's own core, and what healthy bone of this patient has there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import ndtri

from spineimg.core.estimate import Estimate
from spineimg.core.grid import Grid, Points
from spineimg.core.labelmap import LabelMap, Part
from spineimg.core.levels import Level
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.core.volume import Volume
from spineimg.measurement.column import Piece
from spineimg.measurement.heights import Z95, level_place

MAD_TO_SD = 1.4826


@dataclass(frozen=True, slots=True, eq=False)
class Core:
    """Trabecular core of one vertebra on a working grid of about 1.4 mm.

    Parameters
    ----------
    image : ndarray of float32
        Block means.
    smooth : ndarray of float32
        The same smoothed inside the bone only.
    mask, body : ndarray of bool
        Vertebra and its body.
    lesion : ndarray of uint8
        Given lesion ids.
    depth_mm : ndarray of float32
        Distance to the surface of the vertebra, from its blurred mask (exact under a flat surface).
    grid : Grid
        Working grid.
    factor : tuple of int
        Voxels of the image in one working voxel, per axis.
    """

    image: NDArray[np.float32]
    smooth: NDArray[np.float32]
    mask: NDArray[np.bool_]
    body: NDArray[np.bool_]
    lesion: NDArray[np.uint8]
    depth_mm: NDArray[np.float32]
    grid: Grid
    factor: tuple[int, int, int]


def core_of(volume: Volume, labels: LabelMap, piece: Piece, settings: MeasurementSettings) -> Core:
    """Cut a vertebra out of the image, on the working grid."""
    shape = np.array(piece.mask.shape)
    factor = np.minimum(np.maximum(1, np.floor(settings.working_mm / piece.grid.spacing_mm)), shape).astype(
        int
    )
    image = _blocks(volume.array[piece.box].astype(np.float32), factor).mean(axis=(1, 3, 5))
    half = 0.5
    mask = _blocks(piece.mask, factor).mean(axis=(1, 3, 5)) >= half
    parts = np.zeros(piece.mask.shape, np.uint8) if labels.parts is None else labels.parts[piece.box]
    body = (_blocks(parts == Part.BODY, factor).mean(axis=(1, 3, 5)) >= half) & mask
    lesion = np.zeros(mask.shape, np.uint8)
    if labels.lesions is not None:
        lesion = _blocks(labels.lesions[piece.box], factor).max(axis=(1, 3, 5)).astype(np.uint8)
    affine = piece.grid.affine.copy()
    affine[:3, 3] = piece.grid.to_lps_mm((factor - 1) / 2.0)
    affine[:3, :3] *= factor
    grid = Grid((int(mask.shape[0]), int(mask.shape[1]), int(mask.shape[2])), affine)
    sigma_mm = np.maximum(settings.smoothing_mm, half * grid.spacing_mm)
    weight = ndimage.gaussian_filter(mask.astype(np.float32), sigma_mm / grid.spacing_mm, mode="constant")
    smooth = ndimage.gaussian_filter(np.where(mask, image, 0).astype(np.float32), sigma_mm / grid.spacing_mm)
    smooth = np.asarray(smooth / np.maximum(weight, np.float32(1e-3)), dtype=np.float32)
    depth = ndtri(np.clip(weight, 1e-4, 1.0 - 1e-4)) * np.float32(sigma_mm.mean())
    steps = (int(factor[0]), int(factor[1]), int(factor[2]))
    return Core(image, smooth, mask, body, lesion, depth.astype(np.float32), grid, steps)


def _blocks(array: NDArray[np.generic], factor: NDArray[np.int_]) -> NDArray[np.generic]:
    """View in blocks (a, fa, b, fb, c, fc), padded by edge values to whole blocks."""
    pad = [(0, int(-n % f)) for n, f in zip(array.shape, factor, strict=True)]
    padded = np.pad(array, pad, mode="edge") if any(p[1] for p in pad) else array
    a, b, c = (n // f for n, f in zip(padded.shape, factor, strict=True))
    return padded.reshape(a, factor[0], b, factor[1], c, factor[2])


@dataclass(frozen=True, slots=True, eq=False)
class Healthy:
    """Healthy trabecular bone at one level.

    Mean and spread of smoothed voxels, body and posterior elements.
    """

    body: float
    body_sd: float
    posterior: float
    posterior_sd: float
    levels: tuple[Level, ...]

    def limits(self, body: NDArray[np.bool_], settings: MeasurementSettings) -> tuple[Points, Points]:
        """Density below which a voxel is lytic, and above which it is blastic, per voxel."""
        mean = np.where(body, self.body, self.posterior)
        sd = np.where(body, self.body_sd, self.posterior_sd)
        low = mean - np.maximum(settings.lytic_below_sd * sd, settings.lytic_below_hu)
        high = mean + np.maximum(settings.blastic_above_sd * sd, settings.blastic_above_hu)
        return low, high

    def estimate(self) -> Estimate:
        """Reference of the body with its 95 % interval."""
        sd = self.body_sd / np.sqrt(max(len(self.levels), 1))
        return Estimate(self.body, self.body - Z95 * float(sd), self.body + Z95 * float(sd))


@dataclass(frozen=True, slots=True)
class _Middle:
    """Median and spread of one vertebra's core, and how many working voxels it has."""

    median: float
    sd: float
    count: int


def _middle(values: Points) -> _Middle | None:
    if len(values) == 0:
        return None
    median = float(np.median(values))
    return _Middle(median, MAD_TO_SD * float(np.median(np.abs(values - median))), len(values))


def healthy_bone(cores: Mapping[Level, Core], settings: MeasurementSettings) -> dict[Level, Healthy]:
    """Reference of each level: robust middle of its neighbours' and its own cores, outliers left out.

    A contrast agent or a calibration offset moves reference and lesion alike, so it cancels.
    """
    bodies: dict[Level, _Middle] = {}
    backs: dict[Level, _Middle] = {}
    for level, core in cores.items():
        deep = (core.depth_mm >= settings.erosion_mm) & (core.lesion == 0)
        body = _middle(core.smooth[deep & core.body])
        back = _middle(core.smooth[deep & core.mask & ~core.body])
        if body is not None and body.count >= settings.smallest_reference_voxels:
            bodies[level] = body
        if back is not None and back.count >= settings.smallest_reference_voxels // 8:
            backs[level] = back
    result: dict[Level, Healthy] = {}
    for level in cores:
        near = _near(level, bodies, settings)
        if not near:
            continue
        mean, sd, used = _robust([bodies[m] for m in near], near, settings)
        behind = _near(level, backs, settings)
        if behind:
            back_mean, back_sd, _ = _robust([backs[m] for m in behind], behind, settings)
        else:
            back_mean, back_sd = mean, 2.0 * sd
        result[level] = Healthy(mean, sd, back_mean, back_sd, used)
    return result


def _near(level: Level, known: Mapping[Level, _Middle], settings: MeasurementSettings) -> list[Level]:
    place = level_place(level) if level.is_vertebra else level_place(Level.L5) + 1.0
    ranked = sorted(
        known,
        key=lambda m: (m.region is not level.region, abs(_place(m) - place)),
    )
    return ranked[: 2 * settings.neighbours_each_side + 1]


def _place(level: Level) -> float:
    return level_place(level) if level.is_vertebra else level_place(Level.L5) + 1.0


def _robust(
    middles: list[_Middle], near: list[Level], settings: MeasurementSettings
) -> tuple[float, float, tuple[Level, ...]]:
    """Median of medians without outliers; spread inside and between the healthy vertebrae."""
    medians = np.array([m.median for m in middles])
    sds = np.array([m.sd for m in middles])
    centre = float(np.median(medians))
    between = MAD_TO_SD * float(np.median(np.abs(medians - centre)))
    keep = np.abs(medians - centre) <= max(3.0 * between, settings.lytic_below_hu)
    mean = float(np.median(medians[keep]))
    within = float(np.median(sds[keep]))
    spread = float(np.hypot(within, min(between, within)))
    used = tuple(level for level, k in zip(near, keep, strict=True) if k)
    return mean, max(spread, settings.healthy_spread_floor_hu), used


def mean_density(core: Core, settings: MeasurementSettings) -> Estimate | None:
    """Mean density of the body's trabecular core, mm from the surface as set; None where there is no core."""
    deep = (core.depth_mm >= settings.erosion_mm) & core.body
    values = core.image[deep]
    least = 2
    if len(values) < least:
        return None
    error = float(values.std(ddof=1) / np.sqrt(len(values)))
    return Estimate.from_sd(float(values.mean()), error)
