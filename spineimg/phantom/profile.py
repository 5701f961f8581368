"""The outline of trunk, neck and head along the column, relative to the vertebral bodies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spineimg.core.grid import Points
from spineimg.core.levels import Level
from spineimg.phantom.column import Stand
from spineimg.phantom.counts import nearest_above
from spineimg.phantom.shapes import Coordinates, Field, oval

# Half width, whole depth, and distance of the back's skin from the centre of the body, mm.
_KNOTS: tuple[tuple[Level, float, float, float, float], ...] = (
    (Level.C1, 90.0, 78.0, 195.0, 92.0),
    (Level.C1, 0.0, 74.0, 175.0, 82.0),
    (Level.C4, 0.0, 64.0, 125.0, 74.0),
    (Level.C6, 0.0, 66.0, 122.0, 76.0),
    (Level.T1, 0.0, 130.0, 150.0, 82.0),
    (Level.T3, 0.0, 165.0, 185.0, 80.0),
    (Level.T8, 0.0, 158.0, 222.0, 76.0),
    (Level.T12, 0.0, 148.0, 218.0, 76.0),
    (Level.L3, 0.0, 146.0, 212.0, 80.0),
    (Level.L5, 0.0, 162.0, 212.0, 84.0),
    (Level.SACRUM, -60.0, 178.0, 218.0, 76.0),
    (Level.SACRUM, -140.0, 180.0, 215.0, 70.0),
)
_POWER = 2.5


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """The trunk as a function of height (z of the patient frame)."""

    spine_z: Points
    spine_x: Points
    spine_y: Points
    knots_z: Points
    half_width: Points
    depth: Points
    back: Points
    fat_mm: float

    def spine(self, z: Field) -> tuple[Field, Field]:
        """Patient x and y of the middle of the column at heights z."""
        x = np.interp(z, self.spine_z, self.spine_x).astype(np.float32)
        return x, np.interp(z, self.spine_z, self.spine_y).astype(np.float32)

    def _outline(self, z: Field) -> tuple[Field, Field, Field]:
        values = (
            np.interp(z, self.knots_z, knots).astype(np.float32)
            for knots in (self.half_width, self.depth, self.back)
        )
        half_width, depth, back = values
        return half_width, depth / 2, back - depth / 2

    def skin(self, p: Coordinates) -> Field:
        """Signed distance to the skin; coordinates relative to the column (x, y) and z of the patient."""
        half_x, half_y, middle = self._outline(p.z)
        return oval(p.x, p.y - middle, half_x, half_y, _POWER)

    def on_wall(self, z: float, side: float, angle: float, inset_mm: float) -> Points:
        """A point of the chest wall under fat, muscle; angle from the side, back positive; patient frame."""
        height = np.array([z], np.float32)
        half_x, half_y, middle = self._outline(height)
        inset = self.fat_mm + inset_mm
        cos, sin = np.cos(angle), np.sin(angle)
        a, b = float(half_x[0]) - inset, float(half_y[0]) - inset
        radius = (abs(cos / a) ** _POWER + abs(sin / b) ** _POWER) ** (-1 / _POWER)
        x, y = self.spine(height)
        across = side * radius * cos
        along = float(middle[0]) + radius * sin
        # Beside the column the back wall is the muscle's front, not the skin.
        along = min(along, 30.0 + 6.0 * min(1.0, abs(across) / 60.0))
        return np.array([float(x[0]) + across, float(y[0]) + along, z])


def make_profile(stands: dict[Level, Stand], girth: float, fat_mm: float) -> Profile:
    """Outline of one patient."""
    centres = np.array([s.centre for s in stands.values()])
    sacrum = stands[Level.SACRUM]
    tail = sacrum.to_patient(np.array([[0.0, 3.0, -50.0], [0.0, -1.0, -90.0], [0.0, -10.0, -150.0]]))
    head = stands[Level.C1].to_patient(np.array([[0.0, -2.0, 40.0], [0.0, 0.0, 160.0]]))
    line = np.concatenate([head, centres, tail])
    order = np.argsort(line[:, 2])
    z, x, y = line[order, 2], line[order, 0], line[order, 1]
    heights = {level: stands[nearest_above(stands, level)].centre[2] for level, *_ in _KNOTS}
    knots = np.array([(heights[level] + up, w, d, b) for level, up, w, d, b in _KNOTS])[::-1]
    trunk = np.where(knots[:, 0] < stands[Level.C6].centre[2] - 1, girth, 0.5 + 0.5 * girth)
    extra = fat_mm - 16.0
    return Profile(
        z,
        x,
        y,
        knots[:, 0],
        knots[:, 1] * trunk + extra,
        knots[:, 2] * trunk + 2 * extra,
        knots[:, 3] + 0.8 * extra,
        fat_mm,
    )
