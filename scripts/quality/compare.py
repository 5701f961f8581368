"""One labelled scan against its reference: vertebrae and lesions, one row each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from quality.figures import Row
from scipy import ndimage

from spineimg.core.grid import Grid
from spineimg.core.labelmap import LabelMap, LesionType, Part
from spineimg.core.levels import Level
from spineimg.core.measurements import Measurements

NEAR_MM = 10.0
"""A vertebra is found when a named one of ours lies this near."""
OVERLAP = 0.1
"""A lesion is found when this share of it is marked; a mark is false when less of it lies on a lesion."""
PURE = 0.8
"""From this share of one kind on a lesion is that kind, else mixed (the rule of the reference)."""
Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Place:
    """One vertebra of the reference: the names it may have, its centre, and its mask where there is one."""

    names: frozenset[Level]
    centre_lps_mm: NDArray[np.float64]
    mask_id: int | None = None


def centres(
    array: Bytes, grid: Grid, keep: NDArray[np.bool_] | None = None
) -> dict[Level, NDArray[np.float64]]:
    """Centroid of each vertebra in LPS mm; ``keep`` restricts the voxels (bodies) where it leaves any."""
    found = {}
    for verse_id, box in enumerate(ndimage.find_objects(array), 1):
        level = Level.from_verse_id(verse_id) if box is not None else None
        if level is None or not level.is_vertebra:
            continue
        mine = array[box] == verse_id
        if keep is not None and (mine & keep[box]).any():
            mine = mine & keep[box]
        found[level] = grid.to_lps_mm(np.argwhere(mine).mean(0) + [s.start for s in box])
    return found


def vertebra_rows(labels: LabelMap, places: Sequence[Place], reference: Bytes | None) -> list[Row]:
    """One row a vertebra of the reference: found, centre, name, Dice, surface distance.

    Centres are compared body against body where the reference gives points, whole mask against whole mask
    where it gives masks.
    """
    bodies = None if reference is not None or labels.parts is None else labels.parts == Part.BODY
    ours = centres(labels.array, labels.grid, bodies)
    doubts = {doubt.level: doubt for doubt in labels.names}
    rows = []
    for place in places:
        names = "/".join(sorted(level.value for level in place.names))
        row: Row = {"row": "vertebra", "level": names, "found": 0.0}
        rows.append(row)
        if reference is not None and place.mask_id is not None:
            row |= {"dice_name": _dice(labels.array, place.mask_id, reference, place.mask_id), "dice": 0.0}
        if not ours:
            continue
        gaps = {level: float(np.linalg.norm(at - place.centre_lps_mm)) for level, at in ours.items()}
        level = min(gaps, key=lambda key: gaps[key])
        if gaps[level] > NEAR_MM:
            continue
        doubt = doubts.get(level)
        flagged = doubt is not None and len(doubt.possible) > 1
        right = level in place.names
        row |= {
            "found": 1.0, "named": level.value, "centre_mm": gaps[level], "right": float(right),
            "flagged": float(flagged), "silent": float(not right and not flagged),
            "possible": float(right or (doubt is not None and not place.names.isdisjoint(doubt.possible))),
            "confidence": None if doubt is None else doubt.confidence,
        }  # fmt: skip
        if reference is not None and place.mask_id is not None:
            row["dice"] = _dice(labels.array, level.verse_id, reference, place.mask_id)
            row["surface_mm"] = surface_mm(
                labels.array == level.verse_id, reference == place.mask_id, labels.grid.spacing_mm
            )
    return rows


def _dice(ours: Bytes, own_id: int, reference: Bytes, mask_id: int) -> float:
    a, b = ours == own_id, reference == mask_id
    return float(2 * (a & b).sum() / max(a.sum() + b.sum(), 1))


def surface_mm(a: NDArray[np.bool_], b: NDArray[np.bool_], spacing_mm: NDArray[np.float64]) -> float:
    """Mean symmetric distance of two surfaces, mm."""
    box = ndimage.find_objects((a | b).astype(np.uint8))[0]
    a, b = (np.pad(m[box], 1) for m in (a, b))
    shell = [m & ~ndimage.binary_erosion(m) for m in (a, b)]
    far = [ndimage.distance_transform_edt(~s, sampling=spacing_mm) for s in shell]
    return float((far[1][shell[0]].sum() + far[0][shell[1]].sum()) / (shell[0].sum() + shell[1].sum()))


def lesion_kind(types: Bytes) -> str:
    """Lytic, blastic or mixed by the voxels of one lesion."""
    lytic = float((types == LesionType.LYTIC).mean())
    return "lytic" if lytic >= PURE else "blastic" if lytic <= 1 - PURE else "mixed"


def lesion_rows(
    labels: LabelMap,
    measured: Measurements,
    truth: tuple[Bytes, Bytes],
    kinds: Mapping[int, str] | None = None,
) -> list[Row]:
    """One row a true lesion (``row`` "lesion") and one a mark of ours (``row`` "mark").

    Parameters
    ----------
    labels : LabelMap
        Ours, with lesions.
    measured : Measurements
        What was measured on them: a mark's status.
    truth : tuple of ndarray of uint8
        Ids and types of the true lesions on the same grid.
    kinds : mapping or None
        True quality by id; None: by the voxels' types.
    """
    ids, types = truth
    voxel_ml = labels.grid.voxel_ml
    ours = np.zeros_like(ids) if labels.lesions is None else labels.lesions
    marks = {lesion.id: lesion for lesion in measured.lesions}
    rows: list[Row] = []
    for number in np.unique(ids[ids > 0]):
        mine = ids == number
        on = np.bincount(ours[mine], minlength=256)[1:]
        enough = OVERLAP * mine.sum()
        hit = [k for k, lesion in marks.items() if on[k - 1] >= enough and lesion.status != "unlikely"]
        row: Row = {
            "row": "lesion", "id": int(number), "ml": float(mine.sum()) * voxel_ml,
            "kind": lesion_kind(types[mine]) if kinds is None else kinds[int(number)],
            "marked": float(on.sum() >= enough), "candidate": float(bool(hit)),
            "scored": float(any(marks[k].status == "likely" for k in hit)),
        }  # fmt: skip
        if hit:
            best = marks[max(hit, key=lambda k: on[k - 1])]
            row |= {"quality": list(best.quality), "quality_right": float(row["kind"] in best.quality)}
            row["quality_sure"] = float(best.quality == (row["kind"],))
        rows.append(row)
    for number, lesion in marks.items():
        mine = ours == number
        true_share = float((ids[mine] > 0).mean()) if mine.any() else 0.0
        rows.append(
            {
                "row": "mark", "id": int(number), "level": lesion.level.value, "status": lesion.status,
                "look_alike": lesion.look_alike, "ml": lesion.volume_ml.value,
                "quality": list(lesion.quality), "false": float(true_share < OVERLAP),
            }
        )  # fmt: skip
    return rows


def found_figures(rows: Sequence[Row], least_ml: float = 1.0) -> dict[str, list[Row]]:
    """Rows of lesions of at least ``least_ml``, all and by kind."""
    large = [r for r in rows if r.get("row") == "lesion" and r["ml"] >= least_ml]
    return {"all": large} | {k: [r for r in large if r["kind"] == k] for k in ("lytic", "blastic", "mixed")}
