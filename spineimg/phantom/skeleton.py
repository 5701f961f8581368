"""Bones round the column: sacrum, pelvis, ribs, sternum, skull base.

Every bone is a list of `Piece`: a solid with its own box in the patient frame, so that only the voxels near
it are touched.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spineimg.core.grid import Points
from spineimg.core.levels import Level
from spineimg.phantom.column import Stand
from spineimg.phantom.profile import Profile
from spineimg.phantom.shapes import Coordinates, Field, Vector, ellipsoid, intersection, oval, rod, union

RIB, OTHER = 2, 4
"""Tissue ids."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A solid in the patient frame and the box that holds it."""

    tissue: int
    low: Points
    high: Points
    distance: Callable[[Coordinates], Field]


def _rod_piece(tissue: int, start: Points, end: Points, radii: tuple[float, float], squash: Vector) -> Piece:
    reach = max(radii) * max(squash) + 2.0
    first, last = _vector(start), _vector(end)
    return Piece(
        tissue,
        np.minimum(start, end) - reach,
        np.maximum(start, end) + reach,
        lambda p: rod(p, (first, last), radii, squash),
    )


def _vector(point: Points) -> Vector:
    return float(point[0]), float(point[1]), float(point[2])


def ribs(stands: dict[Level, Stand], profile: Profile, pairs: int) -> list[Piece]:
    """Each pair: head at the body's upper rim, tubercle at the transverse process, round the chest."""
    pieces = []
    for number in range(1, pairs + 1):
        stand = stands[Level(f"T{number}")]
        for side in (1.0, -1.0):
            path = _rib_path(stand, number, side, profile)
            for place, (start, end) in enumerate(itertools.pairwise(path)):
                radius = 3.4 if place < 2 else 4.0
                pieces.append(_rod_piece(RIB, start, end, (radius, radius), (0.85, 0.85, 1.35)))
    return pieces


def _rib_path(stand: Stand, number: int, side: float, profile: Profile) -> list[Points]:
    s = stand.shape.size
    on_body = s.height / 2 - 1.0 if number not in (1, 11, 12, 13) else 3.0
    head = stand.to_patient(np.array([side * (s.width / 2 + 4.0), s.depth * 0.36, on_body]))
    tubercle_y = s.depth / 2 + s.canal_depth * 0.78 + 4.5
    tubercle = stand.to_patient(np.array([side * (s.transverse_span / 2 + 1.0), tubercle_y, 5.5]))
    neck = (head + tubercle) / 2 + np.array([0.0, -1.5, 0.5])
    length = {1: 0.55, 2: 0.8, 11: 0.45, 12: 0.3, 13: 0.17}.get(number, 1.0 if number < 9 else 0.82)
    fall = {1: 28.0, 2: 45.0}.get(number, 75.0 if number < 9 else 60.0)
    path = [head, neck, tubercle]
    # From the tubercle the rib swings out to the chest wall, then forward along it while it falls.
    for share in np.linspace(0.10, length, max(4, int(16 * length))):
        angle = np.pi * (0.5 - 0.97 * share)
        z = tubercle[2] - fall * share**1.15 - (6.0 if share > 0.1 else 2.0)
        path.append(profile.on_wall(float(z), side, float(angle), 7.0))
    return path


def sternum(stands: dict[Level, Stand], profile: Profile) -> list[Piece]:
    """A plate before the chest, from T3 to T8."""
    points = []
    for level in (Level.T3, Level.T5, Level.T8):
        z = float(stands[level].centre[2])
        points.append(profile.on_wall(z, 1.0, -np.pi / 2, 9.0))
    return [
        _rod_piece(OTHER, start, end, (5.0, 5.0), (3.0, 1.0, 1.5))
        for start, end in itertools.pairwise(points)
    ]


def sacral_axis(stand: Stand) -> Points:
    """Centres of the five sacral bodies, own frame of S1, curved backward and then forward again."""
    drop = np.array([0.0, -27.0, -51.0, -72.0, -89.0])
    back = np.array([5.5, 4.3, 3.4, 2.5, 0.5])
    return np.stack([np.zeros(5), back, drop], axis=1) * stand.shape.size.width / 50.0


def sacrum(p: Coordinates, stand: Stand) -> Field:
    """The sacrum in its own frame: five bodies, wings, crest, canal and foramina."""
    s = stand.shape.size
    axis = sacral_axis(stand)
    upper, _ = stand.shape.endplates(p.x, p.y)
    narrow = np.clip(1 - (np.float32(s.height / 2) - p.z) / np.float32(95), 0.6, 1.0)
    plate = oval(
        p.x,
        p.y - (1 - narrow) * np.float32(16),
        np.float32(s.width / 2) * narrow,
        np.float32(s.depth / 2) * narrow,
        2.3,
    )
    first = intersection(plate, np.maximum(p.z - upper, -p.z - np.float32(s.height / 2 + 4)), 2.0)
    q = Coordinates(np.abs(p.x), p.y, p.z)
    whole = first
    for place in range(4):
        half_x = (0.44 - 0.055 * place) * s.width
        half_y = (0.32 - 0.06 * place) * s.depth
        ends = (_vector(axis[place]), _vector(axis[place + 1]))
        whole = union(whole, rod(p, ends, (half_y, half_y * 0.82), (half_x / half_y, 1.0, 1.0)), 3.0)
    wing = rod(q, ((14.0, 2.0, -2.0), (44.0, 13.0, -12.0)), (12.0, 15.0), (1.0, 0.85, 1.2))
    flank = rod(q, ((38.0, 14.0, -18.0), (19.0, 10.0, -62.0)), (13.0, 6.0), (1.0, 0.75, 1.0))
    lowest = rod(q, ((19.0, 10.0, -62.0), (6.0, 4.0, -92.0)), (6.0, 5.0), (1.3, 0.8, 1.0))
    whole = union(union(union(whole, wing, 6.0), flank, 4.0), lowest, 3.0)
    rear = s.depth / 2 + s.canal_depth
    roof = rod(q, ((10.0, rear + 1.0, -12.0), (7.0, rear - 9.0, -68.0)), (4.5, 3.5), (2.2, 1.0, 1.0))
    crest = rod(p, ((0.0, rear + 5.0, -14.0), (0.0, rear - 7.0, -64.0)), (4.0, 3.0), (1.0, 1.6, 1.0))
    facet = rod(
        q,
        (
            (s.canal_width / 2 + 6.0, rear - 3.0, 2.0),
            (s.canal_width / 2 + 7.0, rear - 1.0, s.height / 2 + 5.0),
        ),
        (5.5, 4.4),
        (0.9, 1.0, 1.0),
    )
    stalk = rod(
        q, ((s.canal_width / 2 + 3.0, 12.0, 0.0), (s.canal_width / 2 + 6.0, rear - 2.0, 0.0)), (7.5, 6.5)
    )
    whole = union(union(union(union(whole, roof, 4.0), crest, 2.0), stalk, 4.0), facet, 2.0)
    shrink = np.clip(1 + p.z / np.float32(170), 0.45, 1.0)
    tunnel_y = p.y - np.float32(s.depth / 2 - 0.4 + s.canal_depth / 2) - p.z * np.float32(0.13)
    tunnel = oval(
        p.x, tunnel_y, np.float32(s.canal_width / 2) * shrink, np.float32(s.canal_depth / 2) * shrink
    )
    whole = intersection(whole, -np.maximum(tunnel, -p.z - np.float32(82)), 1.0)
    for place in range(4):
        z = float((axis[place, 2] + axis[place + 1, 2]) / 2)
        x = 0.42 * s.width - 2.0 * place
        hole = rod(q, ((x, -30.0, z - 3.0), (x - 2.0, 40.0, z - 1.0)), (4.6, 4.0))
        whole = intersection(whole, -hole, 1.0)
    return whole


SACRUM_BOX = ((-66.0, -30.0, -112.0), (66.0, 48.0, 32.0))


def pelvis(stand: Stand) -> list[Piece]:
    """Iliac wings with the sacro-iliac joints, hip sockets and the heads of the femora."""
    pieces: list[Piece] = []
    for side in (1.0, -1.0):
        # The wing: a curved plate, a patch of a large shell, in patient axes beside the sacrum.
        joint = stand.to_patient(np.array([side * 60.0, 16.0, -16.0]))
        hip = joint + np.array([side * 24.0, -38.0, -85.0])
        pieces.append(_wing(side, joint, hip))
        pieces.append(
            _rod_piece(OTHER, joint + np.array([side * 2.0, 4.0, -22.0]), hip, (9.0, 15.0), (1.0, 1.0, 1.0))
        )
        ball = hip + np.array([side * 12.0, -2.0, -14.0])
        pieces.append(
            _rod_piece(OTHER, ball, ball + np.array([side * 28.0, 4.0, -24.0]), (24.0, 15.0), (1.0, 1.0, 1.0))
        )
        pubis = hip + np.array([side * -70.0, -48.0, -26.0])
        pieces.append(_rod_piece(OTHER, hip, pubis, (11.0, 8.0), (1.0, 1.0, 1.0)))
    return pieces


def _wing(side: float, joint: Points, hip: Points) -> Piece:
    centre = joint + np.array([side * -54.0, -60.0, 18.0])

    def distance(p: Coordinates) -> Field:
        x = (p.x - np.float32(centre[0])) * np.float32(side)
        y, z = p.y - np.float32(centre[1]), p.z - np.float32(centre[2])
        shell = ellipsoid(Coordinates(x, y, z), (0.0, 0.0, 0.0), (82.0, 96.0, 130.0))
        plate = np.abs(shell) - np.float32(4.2)
        edge = ellipsoid(Coordinates(x, y, z), (66.0, 32.0, -24.0), (46.0, 66.0, 62.0))
        return intersection(plate, edge, 4.0)

    low = np.array([centre[0] + side * 10 - 4, joint[1] - 100, hip[2] - 5])
    high = np.array([centre[0] + side * 120 + 4, joint[1] + 45, joint[2] + 65])
    return Piece(OTHER, np.minimum(low, high), np.maximum(low, high), distance)


def skull(stands: dict[Level, Stand]) -> list[Piece]:
    """Skull base and vault as a shell over C1, with the occipital condyles and the jaw."""
    atlas = stands[Level.C1]
    centre = atlas.to_patient(np.array([0.0, -8.0, 78.0]))

    def vault(p: Coordinates) -> Field:
        outer = ellipsoid(p, _vector(centre), (74.0, 92.0, 68.0))
        shell = np.maximum(outer, -(outer + np.float32(6.5)))
        foramen = atlas.to_patient(np.array([0.0, 16.0, 12.0]))
        hole = ellipsoid(p, _vector(foramen), (15.0, 18.0, 16.0))
        return intersection(shell, -hole, 2.0)

    reach = np.array([80.0, 98.0, 74.0])
    pieces = [Piece(OTHER, centre - reach, centre + reach, vault)]
    for side in (1.0, -1.0):
        condyle = atlas.to_patient(np.array([side * 17.0, 9.0, 15.0]))
        pieces.append(
            _rod_piece(OTHER, condyle, condyle + np.array([0.0, -2.0, 8.0]), (7.0, 9.0), (1.0, 1.3, 1.0))
        )
        angle = atlas.to_patient(np.array([side * 46.0, -32.0, -8.0]))
        chin = atlas.to_patient(np.array([side * 8.0, -92.0, -22.0]))
        joint = atlas.to_patient(np.array([side * 50.0, -22.0, 42.0]))
        pieces.append(_rod_piece(OTHER, joint, angle, (5.5, 6.0), (0.7, 1.6, 1.0)))
        pieces.append(_rod_piece(OTHER, angle, chin, (6.5, 8.0), (0.8, 0.8, 1.7)))
    return pieces
