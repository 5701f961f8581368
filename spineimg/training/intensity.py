"""From tissues to Hounsfield units: the bone, the soft tissue, the scanner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.training import surroundings as tissue
from spineimg.training.noise import smooth_field, texture

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class BoneLook:
    """How one sample's bone looks.

    Attributes
    ----------
    trabecular, cortical
        Hounsfield units of marrow space and of the shell.
    shell_mm
        Thickness of the shell.
    width_mm
        Width over which a border is smeared (the voxel size).
    coarse, fine
        Standard deviation of the two scales of trabecular texture (HU).
    """

    trabecular: float
    cortical: float
    shell_mm: float
    width_mm: float
    coarse: float
    fine: float


def draw_bone_look(rng: np.random.Generator, width_mm: float) -> BoneLook:
    """Draw bone density from young to osteoporotic."""
    share = rng.random()
    if share < 0.3:
        trabecular = rng.uniform(25, 100)
    elif share < 0.8:
        trabecular = rng.uniform(90, 200)
    else:
        trabecular = rng.uniform(180, 320)
    return BoneLook(
        trabecular=trabecular,
        cortical=max(rng.uniform(350, 1050), trabecular + 150),
        shell_mm=rng.uniform(0.6, 2.2),
        width_mm=width_mm * rng.uniform(0.8, 1.4),
        coarse=rng.uniform(5, 30),
        fine=rng.uniform(5, 45),
    )


def soft_table(rng: np.random.Generator) -> Floats:
    """Hounsfield units per vocabulary id for one sample."""
    table = np.full(256, 40.0, np.float32)
    contrast = rng.random() < 0.4
    vessel = rng.uniform(110, 330) if contrast else rng.uniform(25, 55)
    muscle, fat = rng.uniform(35, 75), rng.uniform(-125, -75)
    table[0] = rng.uniform(-1010, -980)
    table[1:29] = muscle
    table[40:65] = rng.uniform(55, 125)
    table[65:109] = muscle
    table[109] = rng.uniform(70, 220)
    table[110], table[111] = rng.uniform(25, 45), rng.uniform(0, 20)
    table[112:133] = muscle + rng.normal(0, 5, 21)
    table[133:183] = vessel * rng.uniform(0.6, 1.1, 50)
    table[183:191] = rng.uniform(30, 70, 8) + (rng.uniform(20, 110, 8) if contrast else 0.0)
    table[191:205] = rng.uniform(-10, 60, 14)
    if rng.random() < 0.1:  # oral contrast
        table[rng.choice([191, 192, 199, 200])] = rng.uniform(150, 450)
    table[205:210] = rng.uniform(-900, -700)
    table[210:212] = -1000.0
    table[212], table[213] = fat, rng.uniform(-60, 45)
    table[214] = rng.uniform(-20, 60)
    table[tissue.FAT], table[tissue.MUSCLE] = fat, muscle
    table[tissue.ORGAN_A] = rng.uniform(20, 70) + (rng.uniform(0, 90) if contrast else 0.0)
    table[tissue.ORGAN_B] = rng.uniform(-20, 60)
    table[tissue.LUNG], table[tissue.GAS] = rng.uniform(-900, -700), -990.0
    table[tissue.VESSEL], table[tissue.AIR] = vessel, -1000.0
    table[tissue.TABLE] = rng.uniform(-200, 300)
    return table


def compose(
    rng: np.random.Generator,
    labels: NDArray[np.uint8],
    region: NDArray[np.uint8],
    depth: Floats,
    look: BoneLook,
) -> tuple[Floats, Floats, Floats]:
    """Make Hounsfield units from tissue ids and the depth in bone.

    Parameters
    ----------
    rng
        Random generator.
    labels, region
        Tissue ids and region classes of the patch.
    depth
        Signed distance to the bone surface in mm, positive inside.
    look
        Bone of this sample.

    Returns
    -------
    tuple
        HU, the share of bone and the share of marrow space (0-1) per voxel.
    """
    shape = labels.shape
    soft = soft_table(rng)[labels]
    canal = region == 7
    soft[canal & (labels != 110)] = rng.uniform(0, 45)
    soft[region == 3] = rng.uniform(55, 120)
    soft += rng.uniform(2, 14) * texture(rng, shape, 2.0)
    lung = soft < -400
    soft[lung] += (60.0 * np.abs(texture(rng, shape, 1.0)) ** 3)[lung].clip(0, 500)
    width = look.width_mm
    bone = np.clip(depth / width + 0.5, 0.0, 1.0)
    shell = look.shell_mm * (1.0 + 0.3 * texture(rng, shape, 2.0)).clip(0.3, 2.0)
    shell = np.where(region == 2, shell * rng.uniform(1.0, 2.2), shell)  # laminae are dense
    plate = rng.random() < 0.25  # thick, dense end plates
    if plate:
        near_disc = ndimage.uniform_filter((region == 3).astype(np.float32), 3) > 0.02
        shell = np.where(near_disc, shell * rng.uniform(1.3, 3.0), shell)
    marrow = np.clip((depth - shell) / width + 0.5, 0.0, 1.0)
    marrow = np.minimum(marrow, bone)
    posterior = (region == 2) * rng.uniform(0, 350) + np.isin(region, (5, 6)) * rng.uniform(-40, 60)
    inner = look.trabecular + posterior.astype(np.float32)
    inner = inner + look.coarse * smooth_field(rng, shape, (8, 8, 8))
    inner = inner + look.coarse * texture(rng, shape, 1.0) + look.fine * texture(rng, shape, 0.0)
    cortical = look.cortical * (1.0 + 0.15 * texture(rng, shape, 2.0))
    hu = (1 - bone) * soft + (bone - marrow) * cortical + marrow * inner
    return hu.astype(np.float32), bone.astype(np.float32), marrow.astype(np.float32)


def random_contrast(rng: np.random.Generator, hu: Floats) -> Floats:
    """Remap intensities by a random curve (a small share of samples)."""
    knots = np.array([-1024, -600, -100, 0, 60, 150, 300, 700, 1500], np.float32)
    values = knots + rng.normal(0, 1, 9) * np.array([20, 150, 60, 40, 40, 60, 100, 200, 300])
    curved: Floats = np.interp(hu, knots, np.sort(values)).astype(np.float32)
    return curved


def _thick_matrix(n: int, spacing: float, slice_mm: float, shift: float) -> Floats:
    """Average to slices of ``slice_mm`` and interpolate linearly back to the grid."""
    position = np.arange(n) * spacing
    centres = np.arange(-1, n * spacing / slice_mm + 2) * slice_mm + shift
    reach = np.abs(position[None, :] - centres[:, None])
    average = np.clip((slice_mm / 2 + spacing / 2 - reach) / spacing, 0, 1).astype(np.float32)
    total = average.sum(1, keepdims=True)
    valid = total[:, 0] > 0.3
    average, centres = average[valid] / total[valid], centres[valid]
    back = np.clip(1 - np.abs(position[:, None] - centres[None, :]) / slice_mm, 0, None)
    back /= np.maximum(back.sum(1, keepdims=True), 1e-6)
    matrix: Floats = (back @ average).astype(np.float32)
    return matrix


def thicken(rng: np.random.Generator, hu: Floats, spacing: float, most_mm: float) -> Floats:
    """Imitate a scan with thick slices (mostly along z), resampled to the grid."""
    axes = [2]
    if rng.random() < 0.15:
        axes = [0, 1, 2]
    elif rng.random() < 0.1:
        axes = [int(rng.integers(0, 3))]
    slice_mm = rng.uniform(0.8, most_mm)
    if slice_mm <= spacing * 0.9:
        return hu
    for axis in axes:
        matrix = _thick_matrix(hu.shape[axis], spacing, slice_mm, rng.uniform(0, slice_mm))
        if axis == 2:
            hu = hu @ matrix.T
        elif axis == 1:
            hu = np.matmul(matrix, hu)
        else:
            hu = (matrix @ hu.reshape(hu.shape[0], -1)).reshape(hu.shape)
    return hu


def scan(rng: np.random.Generator, hu: Floats, spacing: float, most_slice_mm: float) -> Floats:
    """Blur or sharpen, thick slices, noise, calibration errors."""
    shape = hu.shape
    kernel = rng.random()
    if kernel < 0.45:
        hu = ndimage.gaussian_filter(hu, rng.uniform(0.2, 1.1) / spacing * rng.uniform(0.6, 1.2))
    elif kernel < 0.6:
        soft = ndimage.gaussian_filter(hu, 1.0)
        hu = hu + rng.uniform(0.3, 1.1) * (hu - soft)
    if rng.random() < 0.6:
        hu = thicken(rng, hu, spacing, most_slice_mm)
    kind = rng.random()
    if kind < 0.1:  # thin slices, sharp kernel: strong noise without a coarse part
        noise, grain = rng.uniform(30, 80), texture(rng, shape, 0.0)
        grain = grain - ndimage.gaussian_filter(grain, 1.0)
    elif kind < 0.5:
        noise, grain = rng.uniform(2, 40), texture(rng, shape, 0.0)
    else:
        noise, grain = rng.uniform(2, 22), texture(rng, shape, 1.0)
    hu = hu + noise * grain
    if rng.random() < 0.3:
        hu = hu * rng.uniform(0.93, 1.07) + rng.uniform(-20, 20)
    if rng.random() < 0.12:
        hu = random_contrast(rng, hu)
    return np.clip(hu, -1024, 3071).astype(np.float32)
