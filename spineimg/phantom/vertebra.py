"""The solid of one vertebra in its own frame, part by part (signed distances)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spineimg.core.labelmap import Part
from spineimg.core.levels import Level, Region
from spineimg.phantom.endplates import HOLLOW, BodyShape
from spineimg.phantom.shapes import Coordinates, Field, Vector, ellipsoid, intersection, oval, rod, union
from spineimg.phantom.spurs import with_spurs


@dataclass(frozen=True, slots=True, eq=False)
class Solid:
    """Signed distance of a bone, mm, and the part that each voxel belongs to."""

    distance: Field
    part: NDArray[np.uint8]
    fused: Field | None = None
    """Signed distance of what grows into the next bone: no joint space stays open there."""


def bounding_box(level: Level, shape: BodyShape) -> tuple[Vector, Vector]:
    """Lowest and highest corner of the box that holds the vertebra, own frame."""
    s = shape.size
    out = max((spur.length_mm for spur in shape.spurs), default=0.0)
    half = max(s.transverse_span / 2, s.width / 2 + out) + 8
    back = s.depth / 2 + s.canal_depth + 12
    drop = s.spinous_length * np.sin(np.radians(s.spinous_droop_deg))
    if level is Level.C1:
        return (-half, -22.0, -16.0), (half, 42.0, 16.0)
    low = (-half, -s.depth / 2 - max(5.0, out + 5.0), -s.height / 2 - max(drop + 10, s.disc_below + 16))
    high = (half, back + s.spinous_length, s.height / 2 + (24 if level is Level.C2 else 16))
    return low, high


def body(p: Coordinates, shape: BodyShape, rim_mm: float = 2.2) -> Field:
    """The vertebral body: waisted, concave behind, with its endplates."""
    s = shape.size
    half_x, half_y = s.width / 2, s.depth / 2
    y_share = p.y / np.float32(half_y)
    middle = np.clip(p.z / np.float32(s.height / 2), -1, 1)
    flare = 1 - np.float32(shape.waist) * (1 - middle * middle)
    narrow = 1 + np.float32(shape.taper) * np.clip(y_share, -1.2, 0.3)
    hollow = np.maximum(1 - (p.x / np.float32(half_x * 0.55)) ** 2, np.float32(0)) * np.clip(y_share, 0, 1)
    y = p.y + np.float32(HOLLOW * s.depth) * hollow
    outline = oval(p.x, y, np.float32(half_x) * flare * narrow, np.float32(half_y) * flare, 2.4)
    upper, lower = shape.endplates(p.x, p.y)
    return intersection(outline, np.maximum(p.z - upper, lower - p.z), rim_mm)


def canal(p: Coordinates, shape: BodyShape) -> Field:
    """The vertebral canal as an oval tube along the vertebra."""
    s = shape.size
    y = p.y - np.float32(s.depth / 2 - 0.4 + s.canal_depth / 2)
    return oval(p.x, y, np.float32(s.canal_width / 2), np.float32(s.canal_depth / 2), 2.4)


def _arch_parts(p: Coordinates, level: Level, shape: BodyShape) -> dict[str, Field]:
    """Pedicle, facets, transverse process and lamina of one side, folded by |x|."""
    s = shape.size
    back, wall = s.depth / 2, s.canal_width / 2
    q = Coordinates(np.abs(p.x), p.y, p.z)
    cervical, lumbar = level.region is Region.CERVICAL, level.region is Region.LUMBAR
    deep = back + s.canal_depth
    pedicle_x = wall + s.pedicle_width / 2 - 0.5
    pedicle_z = 0.0 if cervical else s.height / 2 - s.pedicle_height / 2 - 0.8
    pillar_y = back + s.canal_depth * (0.45 if cervical else 0.78)
    root = (s.width / 2 - 2.0, back - 3.5, 0.0) if cervical else (pedicle_x, back - 5.0, pedicle_z)
    pedicle = rod(
        q,
        (root, (wall + 3.5 if cervical else pedicle_x, pillar_y, pedicle_z - 0.5)),
        (s.pedicle_width / 2, s.pedicle_width / 2),
        (1.0, 1.0, s.pedicle_height / s.pedicle_width),
    )
    up, down = s.height / 2, -s.height / 2 - s.disc_below
    if cervical:
        x = wall + 5.5
        facets = rod(
            q, ((x, pillar_y - 0.5, up - 1.0), (x, pillar_y + 4.5, down + 3.5)), (5.4, 5.2), (1.0, 1.0, 1.0)
        )
        process = union(
            rod(
                q,
                ((s.width / 2 - 1.0, back - 8.0, 0.0), (s.transverse_span / 2 - 2.5, back - 3.0, -2.5)),
                (2.6, 2.8),
            ),
            rod(
                q,
                ((x + 1.5, pillar_y - 1.0, 0.0), (s.transverse_span / 2 - 2.5, back + 0.5, -2.5)),
                (2.8, 2.6),
            ),
            1.5,
        )
        hole = rod(q, ((wall + 5.6, back - 4.6, 30.0), (wall + 5.6, back - 4.6, -30.0)), (2.9, 2.9))
        process = np.maximum(process, -hole)
        pedicle = np.maximum(pedicle, -hole)
    elif lumbar:
        superior = rod(
            q,
            ((pedicle_x + 1.5, pillar_y, pedicle_z - 2.0), (wall + 5.5, pillar_y + 1.5, up + 6.5)),
            (5.6, 4.6),
            (0.85, 1.0, 1.0),
        )
        inferior = rod(
            q,
            ((wall - 1.5, deep + 4.0, pedicle_z - 9.0), (wall - 2.0, deep + 4.5, down - 4.5)),
            (5.2, 4.6),
            (1.0, 0.95, 1.0),
        )
        isthmus = rod(
            q,
            ((pedicle_x, pillar_y + 1.0, pedicle_z - 2.0), (wall - 0.5, deep + 3.0, pedicle_z - 12.0)),
            (5.0, 4.6),
        )
        facets = union(union(superior, inferior, 1.0), isthmus, 2.0)
        process = rod(
            q,
            (
                (pedicle_x + 2.0, pillar_y - 2.0, pedicle_z - 2.0),
                (s.transverse_span / 2 - 4.0, pillar_y + 5.0, pedicle_z + 0.5),
            ),
            (3.4, 3.0),
            (1.0, 0.9, 1.6),
        )
    else:
        x = max(wall + 2.2, 0.36 * s.width)
        superior = rod(
            q,
            ((x, pillar_y - 0.2, pedicle_z - 1.0), (x, pillar_y - 0.4, up + 5.5)),
            (3.0, 2.6),
            (1.7, 0.9, 1.0),
        )
        inferior = rod(
            q,
            ((x - 1.0, deep + 2.6, pedicle_z - 6.0), (x - 1.0, deep + 2.2, down - 4.0)),
            (2.8, 2.6),
            (1.7, 0.95, 1.0),
        )
        isthmus = rod(q, ((x, pillar_y, pedicle_z - 2.0), (x - 0.5, deep + 2.0, pedicle_z - 7.0)), (4.2, 4.0))
        facets = union(union(superior, inferior, 1.0), isthmus, 2.0)
        process = rod(
            q,
            (
                (x + 2.0, pillar_y + 2.5, pedicle_z - 2.0),
                (s.transverse_span / 2 - 4.0, pillar_y + 11.0, pedicle_z + 1.5),
            ),
            (4.2, 4.6),
            (1.0, 1.0, 1.15),
        )
    lamina_z = (
        -1.0
        if cervical
        else (pedicle_z - s.pedicle_height * 0.75 if lumbar else pedicle_z - s.pedicle_height * 0.55)
    )
    tall = {Region.CERVICAL: 2.0, Region.THORACIC: 2.6}.get(level.region, 2.5)
    lamina = rod(
        q,
        ((wall - 1.0, deep + 0.6, lamina_z), (0.0, deep + 4.0, lamina_z - 2.0)),
        (2.9, 3.2),
        (1.0, 1.0, tall),
    )
    return {
        "pedicle": pedicle,
        "facets": facets,
        "process": process,
        "lamina": union(lamina, _spine(q, level, shape, lamina_z), 3.0),
    }


def _spine(q: Coordinates, level: Level, shape: BodyShape, lamina_z: float) -> Field:
    """The spinous process; forked from C2 to C6."""
    s = shape.size
    deep = s.depth / 2 + s.canal_depth
    droop = np.radians(s.spinous_droop_deg)
    tip_y = deep + 3.0 + s.spinous_length * np.cos(droop)
    tip_z = lamina_z - 3.0 - s.spinous_length * np.sin(droop)
    root = (0.0, deep + 4.0, lamina_z - 3.0)
    if level.region is Region.CERVICAL and level is not Level.C7:
        fork = rod(q, ((0.0, tip_y - 6.0, tip_z + 2.0), (5.0, tip_y, tip_z)), (3.0, 2.6))
        return union(rod(q, (root, (0.0, tip_y - 5.0, tip_z + 1.5)), (3.0, 2.8), (1.0, 1.0, 1.3)), fork, 2.0)
    tall = {Region.CERVICAL: 1.5, Region.THORACIC: 1.8}.get(level.region, 3.2)
    return rod(q, (root, (0.0, tip_y - 3.0, tip_z)), (2.9, 3.1), (1.0, 1.0, tall))


def _sides(inner: NDArray[np.intp], x: Field) -> NDArray[np.uint8]:
    """Part ids from the index of the nearest part and the side."""
    left = np.array(
        [Part.BODY, Part.PEDICLE_LEFT, Part.FACET_LEFT, Part.RIB_JOINT_LEFT, Part.LAMINA], np.uint8
    )
    right = np.array(
        [Part.BODY, Part.PEDICLE_RIGHT, Part.FACET_RIGHT, Part.RIB_JOINT_RIGHT, Part.LAMINA], np.uint8
    )
    return np.where(x > 0, left[inner], right[inner])


def vertebra(p: Coordinates, level: Level, shape: BodyShape) -> Solid:
    """The whole vertebra."""
    if level is Level.C1:
        return _atlas(p, shape)
    main = body(p, shape, 1.3 if level.region is Region.CERVICAL else 2.2)
    if level is Level.C2:
        main = union(main, _dens(p, shape), 3.0)
    elif level.region is Region.CERVICAL:
        main = union(main, _uncinate(p, shape), 2.0)
    main, bridges = with_spurs(p, main, shape)
    for dent in shape.dents:
        main = intersection(main, -ellipsoid(p, dent.centre_mm, dent.radii_mm), 1.0)
    arch = _arch_parts(p, level, shape)
    wings = _wings(p, shape)
    if wings is not None:
        arch["process"] = union(arch["process"], wings, 4.0)
    fused = [solid for solid in (wings, bridges) if solid is not None]
    hollow = canal(p, shape)
    whole = main
    for part in arch.values():
        whole = union(whole, part, 2.5)
    whole = intersection(whole, -hollow, 1.0)
    # Behind the posterior wall nothing is body; the seam of body and pedicle lies there.
    behind = p.y - np.float32(shape.size.depth / 2 - 2.0)
    nearest = np.argmin(np.stack([np.maximum(main, behind), *arch.values()]), axis=0)
    return Solid(whole, _sides(nearest, p.x), np.minimum.reduce(fused) if fused else None)


def _wings(p: Coordinates, shape: BodyShape) -> Field | None:
    """Broad transverse processes of a sacralised vertebra, down to the wing of the sacrum."""
    s = shape.size
    drop = -s.height / 2 - s.disc_below - 9.0
    whole = None
    for side in shape.wings:
        q = Coordinates(p.x * np.float32(side), p.y, p.z)
        root = (s.canal_width / 2 + s.pedicle_width * 0.7, s.depth / 2 - 1.0, s.height / 2 - 9.0)
        wing = rod(q, (root, (s.width * 0.74, s.depth * 0.4, drop)), (7.0, 10.0), (1.0, 0.8, 1.1))
        whole = wing if whole is None else np.minimum(whole, wing)
    return whole


def _uncinate(p: Coordinates, shape: BodyShape) -> Field:
    s = shape.size
    x = s.width / 2 - 1.0
    q = Coordinates(np.abs(p.x), p.y, p.z)
    return rod(q, ((x, -2.0, s.height / 2 + 1.0), (x, s.depth / 2 - 3.0, s.height / 2 + 1.8)), (2.0, 2.0))


def _dens(p: Coordinates, shape: BodyShape) -> Field:
    s = shape.size
    y = s.depth / 2 - 6.5
    return rod(p, ((0.0, y, s.height / 2 - 2.0), (0.0, y + 1.0, s.height / 2 + 14.0)), (6.0, 4.6))


def _atlas(p: Coordinates, shape: BodyShape) -> Solid:
    """The ring of C1; it has no body, so all of it is posterior elements."""
    s = shape.size
    half, middle = s.canal_width / 2 + 3.0, s.depth / 2 - 0.4 + s.canal_depth / 2
    # The front of the ring lies 1.5 mm before the dens (normal atlanto-dental interval up to 3 mm).
    y = p.y - np.float32(middle - 4.7)
    ring = oval(p.x, y, np.float32(half), np.float32(s.canal_depth / 2 + 8.2))
    ring = np.sqrt(ring * ring + (p.z * np.float32(0.62)) ** 2) - np.float32(3.2)
    q = Coordinates(np.abs(p.x), p.y, p.z)
    mass = ellipsoid(q, (half + 2.5, middle - 8.0, 0.0), (7.0, 10.0, 8.5))
    process = rod(
        q, ((half + 5.0, middle - 6.0, -1.0), (s.transverse_span / 2 - 3.0, middle - 3.0, -2.0)), (3.2, 3.4)
    )
    hole = rod(q, ((half + 12.0, middle - 6.0, 20.0), (half + 12.0, middle - 6.0, -20.0)), (3.0, 3.0))
    whole = union(union(ring, mass, 3.0), np.maximum(process, -hole), 2.0)
    return Solid(whole, np.full(whole.shape, Part.POSTERIOR, np.uint8))
