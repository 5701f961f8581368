"""The proof that images form a regular stack: from positions projected on the normal, never from tags.

Every refusal is `InputRefused` with a code of docs/errors.md; what was mended stands in `Stack.repairs`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spineimg.core.grid import Grid, Points
from spineimg.core.settings.reading import ReadingSettings
from spineimg.core.volume import Repair
from spineimg.dicom.header import Header
from spineimg.dicom.plane import Plane, common_plane
from spineimg.dicom.refusal import refuse


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Images in order along the normal, and the grid they lie on (array axes: column, row, slice)."""

    slices: tuple[Header, ...]
    twins: tuple[tuple[Header, ...], ...]
    """Per slice, further images at the same position; equal pixels or the stack is refused."""
    grid: Grid
    normal: Points
    repairs: tuple[Repair, ...]
    label: str = ""
    """What tells this stack from others of its series."""


def prove(headers: Sequence[Header], settings: ReadingSettings) -> Stack:
    """Order images along their normal and prove one regular stack.

    Parameters
    ----------
    headers : sequence of Header
        Images of one series that should form one stack.
    settings : ReadingSettings
        Tolerances.

    Returns
    -------
    Stack
        With shear kept in the affine, where the planes are parallel but stacked obliquely.

    Raises
    ------
    InputRefused
        missing-geometry, nan-geometry, invalid-geometry, pixel-spacing-unreliable,
        frame-of-reference-differs, mixed-orientations, mixed-matrix, mixed-spacing, not-a-volume,
        too-few-slices, missing-slices, irregular-spacing, irregular-positions.
    """
    plane = common_plane(headers, settings)
    positions = np.array([h.position for h in headers], dtype=np.float64)
    along = positions @ plane.normal
    order = np.argsort(along, kind="stable")
    groups = _by_position(order, along, settings.same_position_mm)
    _require_volume(headers, groups, settings)
    firsts = np.array([group[0] for group in groups])
    _require_same_place(headers, groups, positions, settings)
    points = positions[firsts]
    _require_even_steps(headers, firsts, along[firsts], settings)
    step = (points[-1] - points[0]) / (len(points) - 1)
    off = points - (points[0] + np.arange(len(points))[:, None] * step)
    worst = int(np.argmax(np.linalg.norm(off, axis=1)))
    if np.linalg.norm(off[worst]) > settings.position_tolerance_mm:
        raise refuse(
            "irregular-positions",
            f"image {worst + 1} lies {np.linalg.norm(off[worst]):.2f} mm beside the line through the others",
            headers[int(firsts[worst])],
        )
    affine = np.eye(4)
    affine[:3, 0] = plane.row_direction * plane.column_spacing_mm
    affine[:3, 1] = plane.column_direction * plane.row_spacing_mm
    affine[:3, 2] = step
    affine[:3, 3] = points[0]
    slices = tuple(headers[int(i)] for i in firsts)
    twins = tuple(tuple(headers[int(i)] for i in group[1:]) for group in groups)
    pixel = slices[0].format
    grid = Grid((pixel.columns, pixel.rows, len(slices)), affine)
    repairs = [*plane.repairs, *_step_repairs(slices, step, plane, settings)]
    return Stack(slices, twins, grid, plane.normal, tuple(repairs))


def relabelled(stack: Stack, label: str, repair: Repair) -> Stack:
    """The stack with a label and one more repair."""
    return replace(stack, label=label, repairs=(*stack.repairs, repair))


def _by_position(order: NDArray[np.intp], along: Points, same_mm: float) -> list[list[int]]:
    groups: list[list[int]] = []
    for index in order.tolist():
        if groups and along[index] - along[groups[-1][0]] <= same_mm:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups


def repeats(headers: Sequence[Header], settings: ReadingSettings) -> bool:
    """Whether any position is taken by more than one image."""
    plane = common_plane(headers, settings)
    along = np.array([h.position for h in headers], dtype=np.float64) @ plane.normal
    return bool((np.diff(np.sort(along)) <= settings.same_position_mm).any())


def _require_volume(headers: Sequence[Header], groups: list[list[int]], settings: ReadingSettings) -> None:
    count = len(groups)
    if count == 1 and len(headers) >= settings.min_slices:
        raise refuse("not-a-volume", f"all {len(headers)} images lie at one position", headers[0])
    if count < settings.min_slices:
        noun = "image" if count == 1 else "images"
        raise refuse("too-few-slices", f"{count} {noun}, a volume needs {settings.min_slices}", headers[0])


def _require_same_place(
    headers: Sequence[Header], groups: list[list[int]], positions: Points, settings: ReadingSettings
) -> None:
    """Images at one height must also lie at one place in the plane."""
    for group in groups:
        shift = np.linalg.norm(positions[group] - positions[group[0]], axis=1).max()
        if shift > settings.position_tolerance_mm:
            raise refuse(
                "irregular-positions", f"two images in one plane, {shift:.1f} mm apart", headers[group[0]]
            )


def _require_even_steps(
    headers: Sequence[Header], firsts: NDArray[np.intp], along: Points, settings: ReadingSettings
) -> None:
    """Refuse holes and uneven steps, saying where and how large."""
    steps = np.diff(along)
    even = (along[-1] - along[0]) / len(steps)
    if np.abs(along - along[0] - even * np.arange(len(along))).max() <= settings.position_tolerance_mm:
        return
    usual = float(np.median(steps))
    holes = np.flatnonzero(steps > settings.hole_ratio * usual)
    others = np.delete(steps, holes)
    slack = 2 * settings.position_tolerance_mm
    if len(holes) and len(others) and np.abs(others - np.median(others)).max() <= slack:
        at = int(holes[0])
        absent = steps[at] / usual - 1
        count = f"about {absent:.1f}" if abs(absent - round(absent)) > 0.1 else f"{round(absent)}"
        raise refuse(
            "missing-slices",
            f"a hole of {steps[at] - usual:.2f} mm ({count} missing at {usual:.2f} mm) after "
            f"{headers[int(firsts[at])].source.name}"
            + (f", and {len(holes) - 1} more holes" if len(holes) > 1 else ""),
            headers[int(firsts[at])],
        )
    raise refuse(
        "irregular-spacing",
        f"steps between images vary from {steps.min():.2f} to {steps.max():.2f} mm",
        headers[int(firsts[0])],
    )


def _step_repairs(
    slices: tuple[Header, ...], step: Points, plane: Plane, settings: ReadingSettings
) -> list[Repair]:
    repairs = []
    distance = float(step @ plane.normal)
    aside = step - distance * plane.normal
    angle = math.degrees(math.atan2(float(np.linalg.norm(aside)), distance))
    drift = float(np.linalg.norm(aside)) * (len(slices) - 1)
    if angle > settings.tilt_from_deg and drift > settings.tilt_drift_mm:
        repairs.append(_shear(slices[0], aside, angle, plane))
    declared = slices[0].declared_spacing
    if declared and math.isfinite(declared):
        off = abs(abs(declared) - float(np.linalg.norm(step))), abs(abs(declared) - distance)
        if min(off) > settings.declared_spacing_tolerance * distance:
            repairs.append(
                Repair(
                    "header-contradicts-geometry",
                    f"SpacingBetweenSlices says {abs(declared):g} mm, the positions (used) {distance:.3f} mm",
                )
            )
    if distance >= settings.coarse_slices_mm:
        repairs.append(
            Repair(
                "coarse-slices", f"slices {distance:.2f} mm apart: no height may be claimed along this axis"
            )
        )
    declared_images = slices[0].declared_images
    if declared_images is not None and declared_images > len(slices):
        repairs.append(
            Repair(
                "fewer-images-than-declared",
                f"the header announces {declared_images} images, {len(slices)} came",
            )
        )
    return repairs


def _shear(first: Header, aside: Points, angle: float, plane: Plane) -> Repair:
    """Name the shear: along the columns of the image it is a gantry's, along the rows it is not."""
    tag = "" if first.tilt_tag is None else f" (the tag says {first.tilt_tag:g})"
    if first.modality == "CT" and abs(aside @ plane.column_direction) >= abs(aside @ plane.row_direction):
        return Repair(
            "gantry-tilt-corrected", f"planes stacked {angle:.1f} degrees obliquely{tag}; kept in the grid"
        )
    return Repair("shear-corrected", f"planes stacked {angle:.1f} degrees sideways; kept in the grid")
