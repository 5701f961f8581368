"""Caveats about a whole scan: metal near the column, a child's size, nothing whole, masks too small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy import ndimage

from spineimg.core.grid import Points
from spineimg.core.labelmap import Caveat, LabelMap, Part
from spineimg.core.levels import Level
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.core.volume import Modality, Volume

ADULT_STEP_MM = {
    "C1": 17.4, "C2": 24.7, "C3": 17.9, "C4": 17.3, "C5": 16.9, "C6": 17.9, "C7": 20.0, "T1": 20.9,
    "T2": 21.1, "T3": 21.0, "T4": 21.6, "T5": 22.1, "T6": 22.6, "T7": 23.3, "T8": 23.9, "T9": 25.4,
    "T10": 27.3, "T11": 29.7, "T12": 32.4, "L1": 34.6, "L2": 35.8, "L3": 36.5, "L4": 36.3,
}  # fmt: skip
"""Mean distance from each body's centre to the next lower one's in adults (1,896 CT scans, Bürgin et al.)."""
VOLUME_OF_STEP = 1.4
"""An adult vertebra has about this many times the cube of its step to the next (9 ml at C4, 65 ml at L3)."""


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """One vertebra: level, body centre, volume, whether it ends inside the image, its body's second piece."""

    level: Level
    centre_lps_mm: Points
    volume_ml: float
    whole: bool
    split_share: float


def with_scan_flags(volume: Volume, labels: LabelMap, settings: SegmentationSettings) -> LabelMap:
    """Add what about the scan as a whole a reader must know.

    Parameters
    ----------
    volume : Volume
        The image; HU for CT.
    labels : LabelMap
        Any engine's or reader's, on its grid.
    settings : SegmentationSettings
        Limits of the flags.

    Returns
    -------
    LabelMap
        Masks and names unchanged; `findings` may have gained ``metal-near-column``,
        ``size-out-of-range``, ``no-whole-vertebra``, ``masks-implausible``, ``vertebra-split`` and
        ``column-out-of-order``.
    """
    boxes = ndimage.find_objects(labels.array)
    seen = [
        _seen(labels, Level.from_verse_id(number), box)
        for number, box in enumerate(boxes, 1)
        if box is not None and Level.from_verse_id(number).is_vertebra
    ]
    if not seen:
        return labels
    seen.sort(key=lambda one: one.level)
    about_scan = (_metal(volume, boxes, settings), _size(seen, settings), _cut(seen), _small(seen, settings))
    about_column = (_split(seen, settings), _order(seen))
    flags = (flag for flag in (*about_scan, *about_column) if flag is not None)
    return replace(labels, findings=(*labels.findings, *flags))


def _seen(labels: LabelMap, level: Level, box: tuple[slice, ...]) -> _Seen:
    """Measure one vertebra inside its box."""
    mine = labels.array[box] == level.verse_id
    voxels = int(mine.sum())
    if labels.parts is not None:
        body = mine & (labels.parts[box] == Part.BODY)
        mine = body if body.any() else mine
    start = np.array([side.start for side in box])
    centre = labels.grid.to_lps_mm(np.argwhere(mine).mean(0) + start)
    pieces = np.sort(np.bincount(ndimage.label(mine, np.ones((3, 3, 3)))[0].ravel())[1:])
    split = float(pieces[-2] / pieces.sum()) if len(pieces) > 1 else 0.0
    inside = all(s.start > 0 and s.stop < n for s, n in zip(box, labels.array.shape, strict=True))
    return _Seen(level, np.asarray(centre), voxels * labels.grid.voxel_ml, inside, split)


def _metal(
    volume: Volume, boxes: Sequence[tuple[slice, ...] | None], settings: SegmentationSettings
) -> Caveat | None:
    """Metal in and beside the column: streaks hide bone and look like lesions."""
    if volume.modality is not Modality.CT:
        return None
    near = [box for box in boxes if box is not None]
    reach = np.ceil(settings.metal_reach_mm / volume.grid.spacing_mm).astype(int)
    around = tuple(
        slice(
            max(0, min(b[axis].start for b in near) - int(reach[axis])),
            max(b[axis].stop for b in near) + int(reach[axis]),
        )
        for axis in range(3)
    )
    part = volume.array[around]
    count = int(np.greater(part, settings.metal_hu).sum())
    if count * volume.grid.voxel_ml < settings.metal_ml:
        return None
    share = 100.0 * count / part.size
    return Caveat(
        "metal-near-column",
        f"{count * volume.grid.voxel_ml:.1f} ml above {settings.metal_hu:.0f} HU in and beside the column "
        f"({share:.2f} % of its surroundings): streaks may hide bone and look like lesions",
    )


def _size(seen: list[_Seen], settings: SegmentationSettings) -> Caveat | None:
    """Bodies spaced unlike an adult's: a child, or wrong names or pixels."""
    logs = [
        float(np.log(np.linalg.norm(a.centre_lps_mm - b.centre_lps_mm) / ADULT_STEP_MM[a.level.value]))
        for a, b in pairwise(seen)
        if a.whole and b.whole and a.level.below() is b.level and a.level.value in ADULT_STEP_MM
    ]
    if len(logs) < settings.size_steps:
        return None
    scale = float(np.exp(np.median(logs)))
    low, high = settings.size_low, settings.size_high
    if low <= scale <= high:
        return None
    return Caveat(
        "size-out-of-range",
        f"neighbouring bodies lie {scale:.2f} times as far apart as an adult's: a child, wrong names, or a "
        "wrong pixel size; expected heights are those of adults",
        tuple(one.level for one in seen),
    )


def _cut(seen: list[_Seen]) -> Caveat | None:
    """Say when every vertebra reaches the border of the image."""
    if any(one.whole for one in seen):
        return None
    levels = tuple(one.level for one in seen)
    return Caveat("no-whole-vertebra", "every vertebra is cut by the border of the scan", levels)


def _small(seen: list[_Seen], settings: SegmentationSettings) -> Caveat | None:
    """Masks far too small for what they are called: the scan may show something else."""
    shares = [
        one.volume_ml / (VOLUME_OF_STEP * (ADULT_STEP_MM[one.level.value] / 10.0) ** 3)
        for one in seen
        if one.whole and one.level.value in ADULT_STEP_MM and one.level is not Level.C1
    ]
    if not shares or float(np.median(shares)) >= settings.volume_share_least:
        return None
    return Caveat(
        "masks-implausible",
        f"the vertebrae have {100 * float(np.median(shares)):.0f} % of an adult's volume: the scan may show "
        "something else than a spine",
        tuple(one.level for one in seen),
    )


def _split(seen: list[_Seen], settings: SegmentationSettings) -> Caveat | None:
    """Bodies in two pieces: a cleft, or two vertebrae under one name."""
    levels = tuple(one.level for one in seen if one.split_share >= settings.split_share)
    if not levels:
        return None
    names = ", ".join(map(str, levels))
    return Caveat("vertebra-split", f"in two pieces of some size: {names}", levels)


def _order(seen: list[_Seen]) -> Caveat | None:
    """Neighbours by name that do not follow each other from head to foot."""
    if len(seen) < 3:
        return None
    down = seen[-1].centre_lps_mm - seen[0].centre_lps_mm
    wrong = tuple(
        b.level for a, b in pairwise(seen) if float((b.centre_lps_mm - a.centre_lps_mm) @ down) <= 0.0
    )
    if not wrong:
        return None
    names = ", ".join(map(str, wrong))
    return Caveat("column-out-of-order", f"not below the vertebra above: {names}", wrong)
