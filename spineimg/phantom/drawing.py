"""Every bone of the patient into the canvas: vertebrae with marrow and lesions, ribs, pelvis, skull."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spineimg.core.grid import Points
from spineimg.core.levels import Level
from spineimg.phantom.canvas import Canvas, Window, frame_affine, full_coordinates, window_of
from spineimg.phantom.column import Stand
from spineimg.phantom.counts import rib_pairs
from spineimg.phantom.lesions import lesion_cover, lesion_solid
from spineimg.phantom.marrow import marrow_hu
from spineimg.phantom.near import bone_near
from spineimg.phantom.profile import Profile
from spineimg.phantom.shapes import Coordinates, Field
from spineimg.phantom.skeleton import SACRUM_BOX, pelvis, ribs, skull, sternum
from spineimg.phantom.spec import PhantomSpec
from spineimg.phantom.vertebra import bounding_box

OTHER_BONE = 100
"""Owner ids of the canvas from here on: this plus the tissue."""


class Drawn(NamedTuple):
    """One vertebra on its window of the canvas."""

    window: Window
    points: Coordinates
    won: NDArray[np.bool_]
    distance: Field


def draw_vertebrae(canvas: Canvas, spec: PhantomSpec, stands: dict[Level, Stand], to_patient: Points) -> None:
    """All vertebrae that reach into the canvas, with their marrow and lesions."""
    reach = max((lesion.reach_mm for lesion in spec.lesions), default=0.0)
    for level, stand in stands.items():
        affine = frame_affine(to_patient, stand.centre, stand.frame)
        low, high = SACRUM_BOX if level is Level.SACRUM else bounding_box(level, stand.shape)
        window = window_of(affine, np.array(low), np.array(high), canvas.grid.shape)
        if window is None:
            continue
        p = full_coordinates(affine, window)
        solid = bone_near(p, stand, reach)
        distance, part = solid.distance, solid.part
        if solid.fused is not None:
            canvas.fuse(window, solid.fused < 0)
        won = canvas.draw(window, level.verse_id, distance)
        canvas.part[window][won] = part[won]
        near = won & (distance < 1.0)
        if near.any():
            inner, shell = marrow_hu(p, part, near, stand, spec)
            canvas.marrow[window][near] = inner
            canvas.shell[window][near] = shell
        _draw_lesions(canvas, Drawn(window, p, won, distance), level, spec)


def _draw_lesions(canvas: Canvas, drawn: Drawn, level: Level, spec: PhantomSpec) -> None:
    window, p, won, distance = drawn
    for number, lesion in enumerate(spec.lesions, 1):
        if lesion.level is not level:
            continue
        reach = np.array(lesion.radii_mm) * 1.35
        centre = np.array(lesion.centre_mm)
        inside = np.all([np.abs(q - c) < r for q, c, r in zip(p, centre, reach, strict=True)], axis=0)
        if not inside.any():
            continue
        where = np.nonzero(inside)
        box = tuple(slice(int(i.min()), int(i.max()) + 1) for i in where)
        part = Coordinates(p.x[box], p.y[box], p.z[box])
        solid = lesion_solid(part, distance[box], lesion, spec.patient.seed * 31 + number)
        share = (lesion_cover(solid, float(canvas.grid.spacing_mm.mean())) * 255).astype(np.uint8)
        # A lesion stays in its own bone and the soft tissue round it.
        share = np.where(won[box] | (distance[box] > 0), share, 0)
        better = share > canvas.lesion_share[window][box]
        canvas.lesion_share[window][box][better] = share[better]
        canvas.lesion_hu[window][box][better] = solid.hu[better]
        canvas.lesion_kind[window][box][better] = solid.kind[better]
        canvas.lesion[window][box][better] = number


def draw_other_bones(
    canvas: Canvas, spec: PhantomSpec, stands: dict[Level, Stand], to_patient: Points, profile: Profile
) -> None:
    """Ribs, sternum, pelvis and skull."""
    density = spec.patient.density_hu
    pieces = [
        *ribs(stands, profile, rib_pairs(spec.patient.anatomy)),
        *sternum(stands, profile),
        *pelvis(stands[Level.SACRUM]),
        *skull(stands),
    ]
    for piece in pieces:
        window = window_of(to_patient, piece.low, piece.high, canvas.grid.shape)
        if window is None:
            continue
        distance = piece.distance(full_coordinates(to_patient, window))
        won = canvas.draw(window, OTHER_BONE + piece.tissue, distance)
        canvas.part[window][won] = 0
        canvas.marrow[window][won] = int(density * 0.9 + 20)
        canvas.shell[window][won] = 110
