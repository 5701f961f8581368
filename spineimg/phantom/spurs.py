"""Osteophytes at the rims of a body, and bridges to the one below."""

from __future__ import annotations

import numpy as np

from spineimg.phantom.endplates import BodyShape
from spineimg.phantom.shapes import Coordinates, Field, Vector, rod, union
from spineimg.phantom.spec import SpurSpec

_FAN_DEG = (-22.0, 0.0, 22.0)
"""An osteophyte is a lip along the rim: this far to each side."""


def with_spurs(p: Coordinates, body: Field, shape: BodyShape) -> tuple[Field, Field | None]:
    """The body with its osteophytes, and the bridges alone (None without any)."""
    bridges: Field | None = None
    for spur in shape.spurs:
        for turn in _FAN_DEG:
            solid = _rods(p, shape, spur, spur.angle_deg + turn)
            body = union(body, solid, 3.0)
            if spur.kind == "bridge":
                bridges = solid if bridges is None else np.minimum(bridges, solid)
    return body, bridges


def _rods(p: Coordinates, shape: BodyShape, spur: SpurSpec, angle_deg: float) -> Field:
    s = shape.size

    def at(out_mm: float, z: float) -> Vector:
        a = np.radians(angle_deg)
        x, y = np.sin(a) * (s.width / 2 + out_mm), -np.cos(a) * (s.depth / 2 + out_mm)
        return float(x), float(y), z

    if spur.kind == "bridge":
        below = -s.height / 2 - s.disc_below
        points = (at(-2.0, -s.height / 2 + 4.0), at(spur.length_mm, below / 2 - s.height / 4))
        end = at(-1.0, below - 4.0)
        return np.minimum(rod(p, points, (3.2, 3.0)), rod(p, (points[1], end), (3.0, 3.2)))
    up = 1.0 if spur.kind == "upper" else -1.0
    rim = up * (s.height / 2 - 2.6)
    return rod(
        p, (at(-2.5, rim), at(spur.length_mm - 1.2, rim + up * (1.2 + 0.2 * spur.length_mm))), (2.6, 1.3)
    )
