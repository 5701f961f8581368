"""What lies between and behind the bodies: discs, and the canal with thecal sac and cord."""

from __future__ import annotations

import numpy as np

from spineimg.core.grid import Points
from spineimg.core.levels import Level
from spineimg.phantom.column import Stand
from spineimg.phantom.shapes import Coordinates, Field, oval


def disc(in_upper: Coordinates, in_lower: Coordinates, upper: Stand, lower: Stand) -> Field:
    """Signed distance of the disc between two neighbours; each coordinate set in its vertebra's own frame."""
    _, ceiling = upper.shape.endplates(in_upper.x, in_upper.y)
    floor, _ = lower.shape.endplates(in_lower.x, in_lower.y)
    a, b = upper.shape.size, lower.shape.size
    half_x, half_y = (a.width + b.width) * 0.242, (a.depth + b.depth) * 0.245
    x, y = (in_upper.x + in_lower.x) / 2, (in_upper.y + in_lower.y) / 2
    outline = oval(x, y, np.float32(half_x), np.float32(half_y), 2.3)
    return np.asarray(np.maximum(outline, np.maximum(in_upper.z - ceiling, floor - in_lower.z)))


def canal_path(stands: dict[Level, Stand]) -> tuple[Points, Points]:
    """Middle of the canal from the foramen magnum to S4, patient frame, and its half width and half depth."""
    points, halves = [], []
    for level, stand in stands.items():
        s = stand.shape.size
        if level is Level.C1:
            points.append(stand.to_patient(np.array([0.0, s.depth / 2 + s.canal_depth / 2 + 3.0, 30.0])))
            halves.append((12.0, 10.0))
        shift = 3.0 if level is Level.C1 else 0.0
        points.append(stand.canal + stand.frame[1] * shift)
        halves.append((s.canal_width / 2, s.canal_depth / 2 - (3.0 if level is Level.C1 else 0.0)))
    sacrum = stands[Level.SACRUM]
    s = sacrum.shape.size
    middle = s.depth / 2 + s.canal_depth / 2
    for z in (-30.0, -70.0):
        points.append(sacrum.to_patient(np.array([0.0, middle + 0.13 * z, z])))
        shrink = 1 + z / 170
        halves.append((s.canal_width / 2 * shrink, s.canal_depth / 2 * shrink))
    return np.array(points), np.array(halves)


def tube(p: Coordinates, ends: Points, halves: Points, frame: Points) -> Field:
    """Oval tube between two points; ``halves`` (2, 2) half width and half depth at each end."""
    start, step = ends[0], ends[1] - ends[0]
    length2 = float(step @ step)
    x, y, z = (q - np.float32(s) for q, s in zip(p, start, strict=True))
    along = (x * np.float32(step[0]) + y * np.float32(step[1]) + z * np.float32(step[2])) / np.float32(
        length2
    )
    t = np.clip(along, np.float32(0), np.float32(1))
    x, y, z = (q - t * np.float32(s) for q, s in zip((x, y, z), step, strict=True))
    across = x * np.float32(frame[0, 0]) + y * np.float32(frame[0, 1]) + z * np.float32(frame[0, 2])
    behind = x * np.float32(frame[1, 0]) + y * np.float32(frame[1, 1]) + z * np.float32(frame[1, 2])
    half_x = np.float32(halves[0, 0]) + t * np.float32(halves[1, 0] - halves[0, 0])
    half_y = np.float32(halves[0, 1]) + t * np.float32(halves[1, 1] - halves[0, 1])
    beyond = (np.abs(along - np.float32(0.5)) - np.float32(0.5)) * np.float32(np.sqrt(length2))
    return np.asarray(np.maximum(oval(across, behind, half_x, half_y, 2.4), beyond - np.float32(1.5)))
