"""The part of a scan about the column: measured, drawn and kept in the case."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spineimg.core.grid import Grid
from spineimg.core.labelmap import LabelMap
from spineimg.core.volume import Volume

Index = tuple[int, int, int]


def column_box(labels: LabelMap, margin_mm: float) -> tuple[Index, Index]:
    """Start and stop index of the box about all labels plus a margin, inside the grid."""
    filled = labels.array > 0 if labels.lesions is None else (labels.array > 0) | (labels.lesions > 0)
    margin = np.ceil(margin_mm / labels.grid.spacing_mm).astype(int)
    start, stop = [], []
    for axis in range(3):
        places = np.flatnonzero(filled.any(axis=tuple(a for a in range(3) if a != axis)))
        size = labels.grid.shape[axis]
        start.append(max(int(places[0]) - int(margin[axis]), 0) if places.size else 0)
        stop.append(min(int(places[-1]) + 1 + int(margin[axis]), size) if places.size else size)
    return (start[0], start[1], start[2]), (stop[0], stop[1], stop[2])


def _cut(array: NDArray[Any], start: Index, stop: Index) -> NDArray[Any]:
    return np.ascontiguousarray(array[start[0] : stop[0], start[1] : stop[1], start[2] : stop[2]])


def crop_volume(volume: Volume, start: Index, stop: Index) -> Volume:
    """The box of a volume, as a copy."""
    return dataclasses.replace(
        volume, array=_cut(volume.array, start, stop), grid=volume.grid.cropped(start, stop)
    )


def crop_labels(labels: LabelMap, start: Index, stop: Index) -> LabelMap:
    """The box of a label map with all its masks."""
    masks = {name: getattr(labels, name) for name in ("array", "parts", "lesions", "lesion_types")}
    cut = {name: None if mask is None else _cut(mask, start, stop) for name, mask in masks.items()}
    return dataclasses.replace(labels, grid=labels.grid.cropped(start, stop), **cut)  # type: ignore[arg-type]


def crop_to_grid(labels: LabelMap, grid: Grid) -> LabelMap:
    """The box of a label map that an already cropped grid covers."""
    first = np.rint(labels.grid.to_index(grid.to_lps_mm(np.zeros(3)))).astype(int)
    start = (int(first[0]), int(first[1]), int(first[2]))
    stop = (start[0] + grid.shape[0], start[1] + grid.shape[1], start[2] + grid.shape[2])
    return crop_labels(labels, start, stop)


def paste_labels(cropped: LabelMap, whole: Grid) -> LabelMap:
    """The masks of a box on the whole grid again; zero outside the box."""
    first = np.rint(whole.to_index(cropped.grid.to_lps_mm(np.zeros(3)))).astype(int)
    place = tuple(slice(int(first[a]), int(first[a]) + cropped.grid.shape[a]) for a in range(3))

    def pasted(mask: NDArray[np.uint8] | None) -> NDArray[np.uint8] | None:
        if mask is None:
            return None
        array = np.zeros(whole.shape, np.uint8)
        array[place] = mask
        return array

    masks = {name: pasted(getattr(cropped, name)) for name in ("array", "parts", "lesions", "lesion_types")}
    return dataclasses.replace(cropped, grid=whole, **masks)  # type: ignore[arg-type]
