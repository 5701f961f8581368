"""The plane that images of one stack share: directions and pixel size, checked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spineimg.core.grid import Points
from spineimg.core.settings.reading import ReadingSettings
from spineimg.core.volume import Repair
from spineimg.dicom.header import Header
from spineimg.dicom.refusal import refuse


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """Directions (unit, LPS) and pixel size of parallel images."""

    row_direction: Points
    """Along a row: with growing column index."""
    column_direction: Points
    normal: Points
    column_spacing_mm: float
    row_spacing_mm: float
    repairs: tuple[Repair, ...]


def require_geometry(headers: Sequence[Header], settings: ReadingSettings) -> None:
    """Refuse images without position, orientation or pixel size, or with impossible ones."""
    checked: set[tuple[object, object]] = set()
    for header in headers:
        if header.position is None or header.orientation is None:
            what = "position" if header.position is None else "orientation"
            raise refuse("missing-geometry", f"{header.source.name} has no image {what}", header)
        if header.spacing is None:
            if header.imager_spacing:
                raise refuse(
                    "pixel-spacing-unreliable",
                    f"{header.source.name} has the detector's pixel size only",
                    header,
                )
            raise refuse("missing-geometry", f"{header.source.name} has no pixel spacing", header)
        if not all(map(math.isfinite, header.position)):
            raise refuse("nan-geometry", f"position of {header.source.name} is no number", header)
        key = (header.orientation, header.spacing)
        if key not in checked:
            checked.add(key)
            _require_sane(header, header.orientation, header.spacing, settings)


def _require_sane(
    header: Header, orientation: tuple[float, ...], spacing: tuple[float, float], settings: ReadingSettings
) -> None:
    name = header.source.name
    if not all(map(math.isfinite, (*orientation, *spacing))):
        raise refuse("nan-geometry", f"orientation or pixel spacing of {name} is no number", header)
    if min(spacing) <= 0:
        raise refuse(
            "invalid-geometry", f"pixel spacing of {name} is {spacing[0]:g} x {spacing[1]:g} mm", header
        )
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if min(lengths) < settings.unit_tolerance:
        raise refuse("invalid-geometry", f"direction of {name} is zero", header)
    cosine = abs(float(row @ column)) / float(lengths[0] * lengths[1])
    if cosine > settings.orthogonal_tolerance:
        angle = math.degrees(math.acos(min(1.0, cosine)))
        raise refuse("invalid-geometry", f"rows and columns of {name} meet at {angle:.0f} degrees", header)


def directions(header: Header) -> tuple[Points, Points]:
    """Unit row and column direction of one image, at exact right angles."""
    orientation = np.array(header.orientation, dtype=np.float64)
    row = orientation[:3] / np.linalg.norm(orientation[:3])
    column = orientation[3:] - (orientation[3:] @ row) * row
    return row, column / np.linalg.norm(column)


def common_plane(headers: Sequence[Header], settings: ReadingSettings) -> Plane:
    """Directions and pixel size shared by all images, or the reason why they share none."""
    require_geometry(headers, settings)
    frames = {h.frame_of_reference for h in headers if h.frame_of_reference}
    if len(frames) > 1 and not frame_per_image(headers):
        odd = next(h for h in headers if h.frame_of_reference != headers[0].frame_of_reference)
        raise refuse("frame-of-reference-differs", f"positions in {len(frames)} frames of reference", odd)
    first = headers[0]
    row, column = directions(first)
    limit = math.cos(math.radians(settings.direction_tolerance_deg))
    for orientation, header in {h.orientation: h for h in headers}.items():
        if orientation == first.orientation:
            continue
        other_row, other_column = directions(header)
        if row @ other_row < limit or column @ other_column < limit:
            cosine = min(float(row @ other_row), float(column @ other_column))
            angle = math.degrees(math.acos(max(-1.0, min(1.0, cosine))))
            raise refuse(
                "mixed-orientations", f"images turned against each other by {angle:.1f} degrees", header
            )
    _require_one_size(headers, settings)
    spacing = first.spacing or (0.0, 0.0)
    lengths = np.linalg.norm(np.array(first.orientation).reshape(2, 3), axis=1)
    repairs: tuple[Repair, ...] = ()
    if np.abs(lengths - 1).max() > settings.unit_tolerance:
        message = f"direction cosines of length {lengths[0]:.2f} and {lengths[1]:.2f} normalised"
        repairs = (Repair("orientation-normalised", message),)
    return Plane(row, column, np.cross(row, column), spacing[1], spacing[0], repairs)


def frame_per_image(headers: Sequence[Header]) -> bool:
    """Whether every image has a frame of reference of its own.

    No scanner writes that: some de-identifiers replace the UID file by file. The positions still prove the
    stack, so the UIDs say nothing and are not believed.
    """
    return len({h.frame_of_reference for h in headers}) == len(headers) > 1


def _require_one_size(headers: Sequence[Header], settings: ReadingSettings) -> None:
    first = headers[0]
    matrices = {(h.format.columns, h.format.rows): h for h in headers}
    if len(matrices) > 1:
        sizes = " and ".join(f"{columns} x {rows}" for columns, rows in matrices)
        raise refuse("mixed-matrix", f"images of {sizes} pixels in one series", list(matrices.values())[-1])
    spacing = np.array(first.spacing)
    for values, header in {h.spacing: h for h in headers}.items():
        if np.abs(np.array(values) / spacing - 1).max() > settings.spacing_tolerance:
            raise refuse("mixed-spacing", f"pixel spacing differs in {header.source.name}", header)
