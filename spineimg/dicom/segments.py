"""DICOM segmentation objects: their segments, each as a mask on the grid of an image."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from spineimg.core.errors import InputRefused
from spineimg.core.grid import Grid, sealed

STORAGE = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
"""SOP classes: Segmentation, Label Map Segmentation."""
ALIGNED = 0.02
"""Directions and steps may differ from the image's by this share."""
OFF_VOXEL = 0.25
"""A frame may lie this far from the image's voxels, in voxels."""


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """One segment.

    Parameters
    ----------
    number : int
        SegmentNumber.
    label : str
        SegmentLabel, as its writer typed it.
    code : tuple of str
        Value, scheme and meaning of the property type; empty strings where missing.
    mask : ndarray of bool
        On the grid that was asked for.
    """

    number: int
    label: str
    code: tuple[str, str, str]
    mask: NDArray[np.bool_]


def read_segments(path: Path, grid: Grid) -> tuple[Segment, ...]:
    """Read a segmentation object on the grid of its image.

    Parameters
    ----------
    path : Path
        One DICOM file: binary, fractional (voxels of half and more count) or label map. Frames may be
        missing where nothing was marked, and segments may overlap.
    grid : Grid
        Grid of the image; axes may be permuted or flipped against the frames.

    Raises
    ------
    InputRefused
        ``unreadable-file``, ``not-a-segmentation``, ``mask-grid-differs``.
    """
    data = _open(path)
    masks = {int(s.SegmentNumber): np.zeros(grid.shape, dtype=bool) for s in data.SegmentSequence}
    for numbers, pixels, position in _frames(data, path):
        target = _placed(data, position, pixels.shape, grid, path)
        for number in numbers:
            own = pixels == number if data.SegmentationType == "LABELMAP" else pixels
            if number in masks:
                _write(masks[number], target, own)
    return tuple(
        Segment(
            int(s.SegmentNumber),
            str(s.get("SegmentLabel", "")),
            _code(s),
            sealed(masks[int(s.SegmentNumber)]),
        )
        for s in data.SegmentSequence
    )


def _open(path: Path) -> Dataset:
    """Parse the file and make sure that it is a segmentation."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = pydicom.dcmread(path)
    except (OSError, InvalidDicomError, ValueError) as fault:
        raise InputRefused(
            "unreadable-file", f"{path} cannot be read ({fault})", "check the file", path
        ) from fault
    if str(data.get("SOPClassUID", "")) not in STORAGE or "SegmentSequence" not in data:
        raise InputRefused(
            "not-a-segmentation", f"{path} is no DICOM segmentation", "give the SEG file itself", path
        )
    return data


def _code(segment: Dataset) -> tuple[str, str, str]:
    """Property type of a segment."""
    items = segment.get("SegmentedPropertyTypeCodeSequence") or [Dataset()]
    words = [str(items[0].get(k, "")) for k in ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")]
    return words[0], words[1], words[2]


def _frames(data: Dataset, path: Path) -> Iterator[tuple[list[int], NDArray[np.generic], list[float]]]:
    """Segment numbers, pixels (rows, columns) and position of each frame."""
    try:
        pixels = np.asarray(data.pixel_array)
        frames = pixels[None] if pixels.ndim == 2 else pixels
        if data.SegmentationType == "FRACTIONAL":
            frames = frames >= 0.5 * int(data.MaximumFractionalValue)
        elif data.SegmentationType == "BINARY":
            frames = frames > 0
        every = [int(s.SegmentNumber) for s in data.SegmentSequence]
        for frame, groups in zip(frames, data.PerFrameFunctionalGroupsSequence, strict=True):
            held = groups.get("SegmentIdentificationSequence")
            numbers = [int(held[0].ReferencedSegmentNumber)] if held else every
            position = _group(data, groups, "PlanePositionSequence").ImagePositionPatient
            yield [n for n in numbers if n > 0], frame, [float(v) for v in position]
    except (AttributeError, KeyError, ValueError, NotImplementedError, RuntimeError) as fault:
        raise InputRefused(
            "unreadable-file", f"{path} is damaged ({fault})", "export it again", path
        ) from fault


def _group(data: Dataset, groups: Dataset, name: str) -> Dataset:
    """One functional group: the frame's own, else the shared one."""
    items = groups.get(name) or data.SharedFunctionalGroupsSequence[0].get(name)
    if not items:
        raise ValueError(f"no {name}")
    return items[0]  # type: ignore[no-any-return]


def _placed(
    data: Dataset, position: list[float], shape: tuple[int, ...], grid: Grid, path: Path
) -> NDArray[np.intp]:
    """Index into the grid of each corner-to-corner axis of a frame: (3, 3) origin, row step, column step."""
    shared = data.PerFrameFunctionalGroupsSequence[0]
    cosines = np.array(_group(data, shared, "PlaneOrientationSequence").ImageOrientationPatient, dtype=float)
    down, across = (float(v) for v in _group(data, shared, "PixelMeasuresSequence").PixelSpacing)
    start = np.array(position)
    index = grid.to_index(np.stack([start, start + cosines[3:] * down, start + cosines[:3] * across]))
    steps = index[1:] - index[0]
    whole = np.rint(steps)
    straight = np.abs(steps - whole).max() <= ALIGNED and (np.abs(whole).sum(1) == 1).all()
    if not straight or np.abs(index[0] - np.rint(index[0])).max() > OFF_VOXEL:
        raise InputRefused(
            "mask-grid-differs",
            f"a frame of {shape[0]} x {shape[1]} does not lie on the voxels of the image {grid.shape}",
            "give the segmentation of this very series",
            path,
        )
    return np.concatenate([np.rint(index[:1]), whole]).astype(np.intp)


def _write(mask: NDArray[np.bool_], target: NDArray[np.intp], pixels: NDArray[np.generic]) -> None:
    """Set the voxels of a frame (in place); what lies outside the grid is left out."""
    at = np.argwhere(pixels)
    index = target[0] + at[:, :1] * target[1] + at[:, 1:] * target[2]
    inside = ((index >= 0) & (index < np.array(mask.shape))).all(1)
    mask[tuple(index[inside].T)] = True
