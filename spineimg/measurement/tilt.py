"""Tilt of an endplate on thick slices: one bowed plane through all its voxels, for a line sees too few."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from spineimg.core.grid import Points
from spineimg.core.labelmap import LabelMap
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.core.volume import Volume
from spineimg.measurement.edge_line import EdgeLine
from spineimg.measurement.edges import EdgeModel, PlatePrior, blurred_step
from spineimg.measurement.frame import Frame

LEAST_VOXELS, MOST_VOXELS, ROUNDS = 60, 1500, 10
NOISE_HU, EFFECTIVE_VOXELS = 30.0, 400
"""Neighbouring voxels share their texture: so many count as independent."""
BOW_SD_MM = 1.5
TINY = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Tilt:
    """Slopes of an endplate, height per left and per posterior millimetre, and their SD (radians)."""

    left: float
    back: float
    sd: float


def weighed(slope: float, sd: float, other: float, other_sd: float) -> tuple[float, float]:
    """Mean of two slopes by their precision, and its SD."""
    weight, weight_other = sd**-2.0, other_sd**-2.0
    total = weight + weight_other
    return (weight * slope + weight_other * other) / total, total**-0.5


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """The two lines that an endplate was found as, the side it looks to, and the voxel across it, mm."""

    sagittal: EdgeLine
    coronal: EdgeLine
    outward: int
    step_mm: float


def plate_tilt(
    scan: tuple[Volume, LabelMap], frame: Frame, seen: Seen, plate: PlatePrior, settings: MeasurementSettings
) -> Tilt | None:
    """Tilt of one endplate by the image's voxels over its whole footprint; None where they are too few.

    The partial volume of each voxel tells how deep the plate cuts it. Level, two slopes and a bow are fitted
    at once; the search starts at the lines of both middle slabs and may not leave them by more than
    ``plane_reach_deg``: a neighbour's plate within the same slice must not be taken for this one.
    """
    start = _Start.of(seen)
    voxels = _voxels(scan, frame, seen, start, settings)
    if voxels is None:
        return None
    x, y, height, value = voxels
    model = EdgeModel(settings.endplate_thickness_mm, seen.step_mm, plate.kernel_mm, signed=True)
    trust = np.tan(np.radians(settings.plane_reach_deg))
    first = np.array([start.level, start.left * start.half[0], start.back * start.half[1], 0.0])
    level_sd = settings.mask_trust_mm + 0.3 * seen.step_mm
    spread = np.array([level_sd, trust * start.half[0], trust * start.half[1], BOW_SD_MM])
    scale = np.sqrt(min(1.0, EFFECTIVE_VOXELS / len(value))) / NOISE_HU
    pull = NOISE_HU**2 / plate.sd**2 * len(value) / 50.0

    def misfit(p: Points) -> Points:
        surface = p[0] + p[1] * x + p[2] * y - seen.outward * p[3] * (1.0 - x**2 - y**2)
        depth = seen.outward * (surface - height)
        inside = blurred_step(depth, model)
        thin = inside - blurred_step(depth - model.thickness_mm, model)
        basis = np.stack([1.0 - inside, inside, thin], axis=1)
        normal = basis.T @ basis + np.diag([TINY, TINY, pull + TINY])
        levels = np.linalg.solve(normal, basis.T @ value + np.array([0.0, 0.0, pull * plate.height]))
        return np.concatenate([(value - basis @ levels) * scale, (p - first) / spread])

    found = least_squares(misfit, first, loss="soft_l1", max_nfev=ROUNDS, x_scale=spread).x
    constant, slope, bend = settings.plane_sd_deg
    sd = np.radians(np.hypot(constant, (slope + bend * seen.step_mm) * seen.step_mm))
    return Tilt(
        float(start.left + np.clip(found[1] / start.half[0] - start.left, -trust, trust)),
        float(start.back + np.clip(found[2] / start.half[1] - start.back, -trust, trust)),
        float(sd),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Start:
    """Plane through both lines about the middle of the endplate: (left, posterior) centre and half axes."""

    centre: Points
    half: Points
    level: float
    left: float
    back: float

    @classmethod
    def of(cls, seen: Seen) -> _Start:
        ends = np.array([seen.coronal.ends_mm, seen.sagittal.ends_mm])
        centre, half = ends.mean(axis=1), np.ptp(ends, axis=1) / 2.0
        offset, back = _straight(seen.sagittal)
        return cls(
            centre, half, float(offset + back * centre[1]), float(_straight(seen.coronal)[1]), float(back)
        )


def _straight(line: EdgeLine) -> Points:
    """Offset and slope of a straight line through an endplate, its rims left out."""
    rim = 0.05 * (line.ends_mm[1] - line.ends_mm[0])
    inner = (line.along_mm >= line.ends_mm[0] + rim) & (line.along_mm <= line.ends_mm[1] - rim)
    return np.asarray(np.polynomial.polynomial.polyfit(line.along_mm[inner], line.height_mm[inner], 1))


def _voxels(
    scan: tuple[Volume, LabelMap], frame: Frame, seen: Seen, start: _Start, settings: MeasurementSettings
) -> tuple[Points, Points, Points, Points] | None:
    """Voxels about an endplate outside other vertebrae: place (shares of the half axes), height, value."""
    volume, labels = scan
    reach = settings.plane_search_mm + settings.plane_search_per_spacing * seen.step_mm
    high = start.level + (reach + 4.0) * np.array([-1.0, 1.0])
    sides = start.centre[:, None] + start.half[:, None] * np.array([-1.0, 1.0])
    corners = np.array(np.meshgrid(*sides, high, indexing="ij")).reshape(3, -1).T
    index = volume.grid.to_index(frame.to_lps_mm(corners))
    low = np.clip(np.floor(index.min(axis=0)).astype(int), 0, volume.grid.shape)
    stop = np.clip(np.ceil(index.max(axis=0)).astype(int) + 1, low, volume.grid.shape)
    grid = np.stack(
        np.meshgrid(*[np.arange(a, b) for a, b in zip(low, stop, strict=True)], indexing="ij"), -1
    )
    place = grid.reshape(-1, 3)
    if len(place) == 0:
        return None
    own = frame.to_own_mm(volume.grid.to_lps_mm(place.astype(np.float64)))
    x, y = ((own[:, :2] - start.centre) / start.half).T
    plane = start.level + (own[:, :2] - start.centre) @ np.array([start.left, start.back])
    out = seen.outward * (own[:, 2] - plane)
    at = tuple(place.T)
    inner_mm = reach + 1.0
    keep = (x**2 + y**2 <= settings.plane_footprint) & (out > -inner_mm) & (out < 0.8 * reach)
    mine = int(np.bincount(labels.array[at][keep & (out < 0.0)], minlength=1).argmax()) if keep.any() else 0
    keep &= (labels.array[at] == 0) | (labels.array[at] == mine)
    if labels.lesions is not None and labels.lesions_confirmed:
        keep &= (labels.lesions[at] == 0) | (labels.array[at] == mine)
    chosen = np.flatnonzero(keep)
    if len(chosen) < LEAST_VOXELS:
        return None
    chosen = chosen[np.linspace(0, len(chosen) - 1, min(len(chosen), MOST_VOXELS)).astype(int)]
    value = volume.array[tuple(place[chosen].T)].astype(np.float64)
    return x[chosen], y[chosen], np.asarray(own[chosen, 2]), value
