"""From tissues to MR intensities: the sequence, marrow and canal, coil and noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.segmentation.mr_inputs import MOST_UNITS, robust_range
from spineimg.training import surroundings as tissue
from spineimg.training.intensity import _thick_matrix
from spineimg.training.noise import smooth_field, texture

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

KINDS = ("fat", "marrow", "muscle", "fluid", "cord", "disc", "organ", "vessel")
# Low and high end per tissue of KINDS, bright tissue of the sequence about 1.
# fmt: off
SEQUENCES = {
    "t1": (
        (0.7, 1.1), (0.3, 0.75), (0.22, 0.4), (0.06, 0.22),
        (0.28, 0.45), (0.2, 0.42), (0.2, 0.5), (0, 0.3),
    ),
    "t2": (
        (0.45, 0.9), (0.22, 0.6), (0.08, 0.25), (0.8, 1.3),
        (0.3, 0.5), (0.15, 0.9), (0.15, 0.6), (0, 0.3),
    ),
    "stir": (
        (0.02, 0.2), (0.08, 0.3), (0.1, 0.3), (0.8, 1.3),
        (0.3, 0.5), (0.15, 0.8), (0.15, 0.6), (0, 0.5),
    ),
    "water": (
        (0, 0.12), (0.25, 0.6), (0.4, 0.8), (0.6, 1.2),
        (0.5, 0.8), (0.5, 1.1), (0.4, 0.9), (0.2, 1.0),
    ),
    "fat": (
        (0.8, 1.2), (0.25, 0.65), (0, 0.15), (0, 0.1),
        (0, 0.1), (0, 0.12), (0, 0.15), (0, 0.1),
    ),
    "random": ((0, 1.2),) * len(KINDS),
}
# fmt: on
SEQUENCE_SHARES = (0.22, 0.3, 0.15, 0.13, 0.05, 0.15)
LEAST_CONTRAST = 0.12
"""Random sequences part marrow from disc by at least this."""


@dataclass(frozen=True)
class Signal:
    """Intensity of each tissue in one sample (units about 0-1.3)."""

    fat: float
    marrow: float
    muscle: float
    fluid: float
    cord: float
    disc: float
    organ: float
    vessel: float
    cortex: float
    annulus: float


def draw_signal(rng: np.random.Generator) -> Signal:
    """Draw a sequence, then the intensity of its tissues."""
    name = str(rng.choice(list(SEQUENCES), p=SEQUENCE_SHARES))
    drawn = {kind: float(rng.uniform(*ends)) for kind, ends in zip(KINDS, SEQUENCES[name], strict=True)}
    while abs(drawn["marrow"] - drawn["disc"]) < LEAST_CONTRAST and name == "random":
        drawn["marrow"], drawn["disc"] = (float(v) for v in rng.uniform(0.0, 1.2, 2))
    dark = float(rng.uniform(0.0, 0.12))
    annulus = dark + float(rng.uniform(0.02, 0.15)) if rng.random() < 0.7 else drawn["disc"]
    return Signal(**drawn, cortex=dark, annulus=min(annulus, drawn["disc"]))


def soft_table(rng: np.random.Generator, signal: Signal) -> Floats:
    """Intensity per vocabulary id (see `intensity.soft_table` for the ids)."""
    table = np.full(256, signal.muscle, np.float32)
    table[0] = 0.0
    table[40:65] = signal.disc
    table[109] = rng.uniform(0.0, 1.0)
    table[110], table[111] = signal.cord, signal.fluid
    table[112:133] = signal.muscle * rng.uniform(0.85, 1.15, 21)
    table[133:183] = signal.vessel * rng.uniform(0.6, 1.4, 50)
    table[183:191] = signal.organ * rng.uniform(0.5, 1.5, 8)
    table[191:205] = signal.organ * rng.uniform(0.2, 1.6, 14)
    table[205:212] = rng.uniform(0.0, 0.1)
    table[212], table[213] = signal.fat, signal.muscle * rng.uniform(0.5, 1.5)
    table[214] = signal.organ
    table[tissue.FAT], table[tissue.MUSCLE] = signal.fat, signal.muscle
    table[tissue.ORGAN_A], table[tissue.ORGAN_B] = signal.organ * rng.uniform(0.4, 1.7, 2)
    table[tissue.LUNG], table[tissue.GAS] = rng.uniform(0, 0.12), rng.uniform(0, 0.12)
    table[tissue.VESSEL], table[tissue.AIR] = signal.vessel, 0.0
    table[tissue.TABLE] = 0.0
    return table


def compose_mr(
    rng: np.random.Generator,
    labels: Bytes,
    region: Bytes,
    depth: Floats,
    spacing: float,
    cord: NDArray[np.bool_],
) -> Floats:
    """Make MR intensities from tissue ids and the depth in bone.

    Parameters
    ----------
    rng
        Random generator.
    labels, region
        Tissue ids and region classes of the patch.
    depth
        Signed distance to the bone surface in mm, positive inside.
    spacing
        Voxel size, mm.
    cord
        Heights at which the canal holds the cord (below: nerve roots).
    """
    shape = labels.shape
    signal = draw_signal(rng)
    value = soft_table(rng, signal)[labels]
    _canal(rng, value, (region == 7) | (labels == 110), signal, spacing, cord)
    _discs(rng, value, region, signal, spacing)
    value *= 1.0 + rng.uniform(0.03, 0.15) * texture(rng, shape, 2.0)
    width = spacing * rng.uniform(0.8, 1.3)
    bone = np.clip(depth / width + 0.5, 0.0, 1.0)
    shell = rng.uniform(0.3, 1.6) * (1.0 + 0.3 * texture(rng, shape, 2.0)).clip(0.3, 2.0)
    marrow = np.minimum(np.clip((depth - shell) / width + 0.5, 0.0, 1.0), bone)
    inner = _marrow(rng, labels, region, signal)
    out = (1 - bone) * value + (bone - marrow) * signal.cortex + marrow * inner
    return np.asarray(np.clip(out, 0.0, None), np.float32)


def _canal(
    rng: np.random.Generator,
    value: Floats,
    canal: NDArray[np.bool_],
    signal: Signal,
    spacing: float,
    cord: NDArray[np.bool_],
) -> None:
    """Draw fluid, cord or nerve roots, and fat at the rim, in place."""
    if not canal.any():
        return
    size = max(3, round(rng.uniform(7.0, 10.0) / spacing))
    inner = ndimage.uniform_filter(canal.astype(np.float32), size)
    value[canal] = signal.fluid
    if rng.random() < 0.6:
        rim = canal & (inner < rng.uniform(0.4, 0.6))
        value[rim] = signal.fat
    middle = canal & (inner > rng.uniform(0.78, 0.92))
    value[middle & cord] = signal.cord
    roots = middle & ~cord & (texture(rng, value.shape, 1.0) > 0.2)
    value[roots] += rng.uniform(0.1, 0.7) * (signal.cord - signal.fluid)


def _discs(rng: np.random.Generator, value: Floats, region: Bytes, signal: Signal, spacing: float) -> None:
    """Draw a nucleus of each disc's own brightness inside the annulus, in place."""
    disc = region == 3
    if not disc.any():
        return
    wide = max(3, round(rng.uniform(9.0, 15.0) / spacing))
    core = ndimage.uniform_filter(disc.astype(np.float32), (wide, wide, max(1, round(3.0 / spacing))))
    core = np.clip(2.5 * core - rng.uniform(0.6, 1.1), 0.0, 1.0)
    fresh = 1.0 + rng.uniform(0.0, 0.6) * smooth_field(rng, value.shape, (4, 4, 9))
    nucleus = signal.annulus + (signal.disc - signal.annulus) * core * fresh.clip(0.0, 1.3)
    value[disc] = nucleus[disc]


def _marrow(rng: np.random.Generator, labels: Bytes, region: Bytes, signal: Signal) -> Floats:
    """Marrow: patchy, each vertebra a little different, some replaced, some with a focus or a plate band."""
    shape = labels.shape
    level = np.ones(256, np.float32) + rng.normal(0, 0.05, 256).astype(np.float32)
    if rng.random() < 0.3:
        level[rng.integers(1, 27, 3)] = rng.uniform(0.35, 2.2, 3)
    inner = signal.marrow * level[labels]
    inner = inner * (1.0 + rng.uniform(0.02, 0.22) * smooth_field(rng, shape, (8, 8, 8)))
    inner = inner * (1.0 + rng.uniform(0.02, 0.12) * texture(rng, shape, 1.0))
    inner = inner + (region == 2) * rng.uniform(-0.1, 0.2) * signal.marrow
    if rng.random() < 0.35:  # foci: haemangioma, oedema, metastasis
        spot = smooth_field(rng, shape, (13, 13, 15)) > rng.uniform(1.0, 1.7)
        inner = np.where(spot, rng.uniform(0.0, 1.3), inner)
    if rng.random() < 0.25:  # end plate bands
        near = ndimage.uniform_filter((region == 3).astype(np.float32), 5) > 0.1
        patchy = near & (smooth_field(rng, shape, (6, 6, 9)) > 0.2)
        inner = np.where(patchy, rng.uniform(0.0, 1.3), inner)
    return np.asarray(inner, np.float32)


def vary_contrast(rng: np.random.Generator, units: Floats) -> Floats:
    """Change a real image's contrast: gamma, a monotone curve, seldom inverted."""
    out = np.clip(units, 0.0, None)
    if rng.random() < 0.6:
        out = out ** np.float32(np.exp(rng.normal(0, 0.35)))
    if rng.random() < 0.35:
        knots = np.linspace(0.0, 1.6, 6)
        values = np.cumsum(np.concatenate([[0.0], rng.uniform(0.05, 1.0, 5)]))
        out = np.interp(out, knots, values / values[-1] * 1.6).astype(np.float32)
    if rng.random() < 0.12:
        out = np.clip(rng.uniform(0.9, 1.3) - out, 0.0, None)
    return np.asarray(out, np.float32)


def mr_scan(
    rng: np.random.Generator, units: Floats, seen: NDArray[np.bool_], spacing: float, slice_mm: float
) -> Floats:
    """Blur, slices, bias field, coil fall-off, noise; then robust units of what is seen.

    Parameters
    ----------
    rng
        Random generator.
    units
        Intensities of the patch.
    seen
        Field of view: what sets the scale.
    spacing
        Voxel size, mm.
    slice_mm
        Slice thickness to imitate; not above the voxel size: none.
    """
    shape = units.shape
    if rng.random() < 0.4:
        units = ndimage.gaussian_filter(units, rng.uniform(0.2, 0.9) / spacing)
    if slice_mm > spacing:
        axis = 0 if rng.random() < 0.85 else 2
        matrix = _thick_matrix(shape[axis], spacing, slice_mm, rng.uniform(0, slice_mm))
        along_x = axis == 0
        units = (matrix @ units.reshape(shape[0], -1)).reshape(shape) if along_x else units @ matrix.T
    if rng.random() < 0.7:
        units = units * np.exp(rng.uniform(0.05, 0.35) * smooth_field(rng, shape, (4, 4, 5)))
    if rng.random() < 0.6:  # a surface coil at the back
        back = (shape[1] - 1 - np.arange(shape[1], dtype=np.float32)) * np.float32(spacing)
        units = units * np.exp(-back / rng.uniform(70.0, 300.0))[None, :, None]
    if rng.random() < 0.15:  # saturation band before the spine
        edge = int(rng.uniform(0.1, 0.4) * shape[1])
        units = units.copy()
        units[:, :edge] *= rng.uniform(0.05, 0.5)
    noise = rng.uniform(0.0, 0.04) if rng.random() < 0.8 else rng.uniform(0.04, 0.09)
    grain = texture(rng, shape, 0.0 if rng.random() < 0.5 else 1.0)
    other = texture(rng, shape, 0.0)
    units = np.hypot(units + noise * grain, noise * other)  # magnitude images: Rician
    low, high = robust_range(units[seen]) if seen.any() else (0.0, 1.0)
    gain = float(np.exp(rng.normal(0, 0.15)))
    scaled = (units - low) / (high - low) * gain + rng.normal(0, 0.02)
    return np.asarray(np.clip(scaled, 0.0, MOST_UNITS), np.float32)
