"""Bone that a pedicle or facet lacks against its other side and its neighbours.

A network may leave destroyed bone out of its masks, of the vertebra and of the lesion alike. A destroyed
pedicle would then pass as whole. What is not there can still be weighed: by the bone that should be there.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from spineimg.core.estimate import Estimate
from spineimg.core.labelmap import LabelMap, Part
from spineimg.core.levels import Level
from spineimg.core.measurements import StructureShares
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.core.volume import Volume
from spineimg.measurement.body import Body
from spineimg.measurement.density import MAD_TO_SD
from spineimg.measurement.heights import Z95, level_place
from spineimg.measurement.posterolateral import STRUCTURES, WHOLE

PAIRS = ((Part.PEDICLE_LEFT, Part.PEDICLE_RIGHT), (Part.FACET_LEFT, Part.FACET_RIGHT))
Logs = dict[Level, dict[Part, float]]


def missing_bone(
    volume: Volume, labels: LabelMap, bodies: Mapping[Level, Body], settings: MeasurementSettings
) -> dict[Level, StructureShares]:
    """Share of each pedicle and facet that is missing, percent, by the bone (CT) that it holds.

    Expected is the geometric mean of the other side and of the same structure at the nearest levels of the
    region; the spread of both over the whole scan gives the interval.

    Parameters
    ----------
    volume : Volume
        Calibrated CT.
    labels : LabelMap
        With complete parts.
    bodies : mapping
        Measured bodies; cut ones and C1 are left out.
    settings : MeasurementSettings
        Density of bone, smallest spread.
    """
    logs = _bone(volume, labels, bodies, settings)
    shares: dict[Level, dict[str, Estimate]] = {level: {} for level in logs}
    for pair in PAIRS:
        side, near = _residuals(logs, pair)
        for part in pair:
            for level, own in logs.items():
                if part not in own:
                    continue
                clues = [
                    (off[level, part], max(_spread(list(off.values())), settings.missing_spread))
                    for off in (side, near)
                    if (level, part) in off
                ]
                if clues:
                    shares[level][STRUCTURES[part]] = _missing(clues)
    return {level: StructureShares(**found) for level, found in shares.items()}


def _bone(
    volume: Volume, labels: LabelMap, bodies: Mapping[Level, Body], settings: MeasurementSettings
) -> Logs:
    """Logarithm of the bone (ml) in each structure."""
    found: Logs = {}
    if labels.parts is None:
        return found
    for level, body in bodies.items():
        if not level.is_vertebra or level is Level.C1 or not body.piece.complete:
            continue
        box = body.piece.box
        bone = body.piece.mask & (volume.array[box] >= settings.bone_hu)
        counts = np.bincount(labels.parts[box][bone], minlength=len(Part) + 1) * labels.grid.voxel_ml
        found[level] = {
            part: float(np.log(max(counts[part], settings.structure_smallest_ml / 10.0)))
            for pair in PAIRS
            for part in pair
        }
    return found


Residuals = dict[tuple[Level, Part], float]


def _residuals(logs: Logs, pair: tuple[Part, Part]) -> tuple[Residuals, Residuals]:
    """What each structure has more (log) than its other side, and than its neighbours in the region."""
    side: Residuals = {}
    near: Residuals = {}
    reach = 2.0
    for level, own in logs.items():
        for part, other in (pair, pair[::-1]):
            side[level, part] = own[part] - own[other]
            beside = [
                theirs[part]
                for them, theirs in logs.items()
                if them is not level
                and them.region is level.region
                and abs(level_place(them) - level_place(level)) <= reach
            ]
            if beside:
                near[level, part] = own[part] - float(np.median(beside))
    return side, near


def _spread(values: list[float]) -> float:
    return MAD_TO_SD * float(np.median(np.abs(values)))


def _missing(clues: list[tuple[float, float]]) -> Estimate:
    """Mean of the clues by their spread; where they contradict, the emptier one with the wider doubt."""
    values, sds = (np.array(column) for column in zip(*clues, strict=True))
    weight = 1.0 / sds**2
    value = float((weight * values).sum() / weight.sum())
    sd = float(np.sqrt((weight**2 * sds**2).sum()) / weight.sum())
    if float(np.ptp(values)) > Z95 * float(np.linalg.norm(sds)):
        worst = int(values.argmin())
        value, sd = float(values[worst]), float(sds[worst])
    low, middle, high = (WHOLE * (1.0 - float(np.exp(value + k * Z95 * sd))) for k in (1.0, 0.0, -1.0))
    return Estimate(middle, low, high).clipped(0.0, WHOLE)
