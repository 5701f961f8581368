"""The bones of a plan, each moved on the one below, and the scanner's pose."""

from __future__ import annotations

import numpy as np

from painted.anatomy import Template, load_template
from painted.frame import Array
from painted.plan import Joint, Plan
from painted.solid import Solid
from spineimg.core.levels import Level, Region

LEAST_GAP_MM = {Region.CERVICAL: 3.0, Region.THORACIC: 3.2, Region.LUMBAR: 5.5}
"""Narrowest place of a disc space that is left."""


def rotation(degrees: tuple[float, float, float]) -> Array:
    """Turn about the left, posterior and cranial axis, in this order, (3, 3)."""
    matrix = np.eye(3)
    for axis, angle in enumerate(np.radians(degrees)):
        c, s = np.cos(angle), np.sin(angle)
        turn = np.eye(3)
        i, k = (axis + 1) % 3, (axis + 2) % 3
        turn[i, i], turn[i, k], turn[k, i], turn[k, k] = c, -s, s, c
        matrix = turn @ matrix
    result: Array = matrix
    return result


def _motion(joint: Joint, below: Array, pivot: Array) -> Array:
    """Motion (4, 4) in LPS about a pivot, along the axes of the vertebra below (columns of ``below``)."""
    axes = below[:3, :3]
    # Bending to the patient's left makes the curve convex to the right: scoliosis is positive to the left.
    turn = axes @ rotation((joint.kyphosis_deg, -joint.scoliosis_deg, 0.0)) @ axes.T
    motion = np.eye(4)
    motion[:3, :3] = turn
    shift = joint.left_mm * axes[:, 0] - joint.anterior_mm * axes[:, 1]
    motion[:3, 3] = pivot - turn @ pivot + shift
    return motion


def assemble(plan: Plan) -> dict[Level, Solid]:
    """Solids of all levels of a plan, head to foot, in LPS of the scanner.

    The lowest stays; each level above is moved with all that lies under it, then by its own joint, about the
    middle of the disc. A vertebra over a collapsed one sinks by the loss at the posterior wall.
    """
    template = load_template(plan.template)
    scale = np.array(plan.scale)
    size = scale.mean() * (1 + 0.3 * (scale / scale.mean() - 1))
    rng = np.random.default_rng([plan.seed, 4212])
    moved = np.eye(4)
    found: dict[Level, Solid] = {}
    below: Solid | None = None
    for level in reversed(plan.levels):
        bone = template.bone(level)
        own = bone.frame.matrix()
        # Scaling the whole column keeps the gaps of the discs.
        own[:3, 3] = own[:3, 3] * scale.mean()
        if below is not None:
            motion = _motion(plan.joint(level), below.pose, _disc(below, moved @ own))
            moved = motion @ moved
            moved[:3, 3] -= _sunk(below) * below.pose[:3, 2]
            trial = Solid(bone, moved @ own, size)
            moved[:3, 3] += _opened(trial, below) * below.pose[:3, 2]
        wrinkle = np.array([rng.uniform(0, 6, 3), rng.uniform(-0.35, 0.35, 3), np.zeros(3)])
        fracture = plan.fracture(level)
        below = Solid(bone, moved @ own, size, wrinkle, fracture)
        found[level] = below
    middle = found[plan.levels[len(plan.levels) // 2]].pose[:3, 3]
    turn = np.eye(4)
    turn[:3, :3] = rotation(plan.scan.turn_deg)
    turn[:3, 3] = np.array(plan.scan.shift_mm) - turn[:3, :3] @ middle
    return {level: _placed(found[level], turn) for level in plan.levels}


def _placed(solid: Solid, turn: Array) -> Solid:
    return Solid(solid.bone, turn @ solid.pose, solid.scale, solid.wrinkle, solid.fracture)


def _disc(below: Solid, above: Array) -> Array:
    """Middle between the lower body's upper endplate and the upper body's centre, three to one."""
    top = below.to_lps(np.array([0.0, 0.0, below.outline.upper_z]))
    middle: Array = 0.75 * top + 0.25 * above[:3, 3]
    return middle


def _opened(above: Solid, below: Solid) -> float:
    """By how much a disc space is too narrow: automatic label maps let neighbours touch, mm."""
    if below.level is Level.SACRUM:
        return 0.0
    lower, upper = above.endplate(-1), below._points[1]
    to_own = np.linalg.inv(below.pose)
    gaps = []
    for site, point in lower.items():
        own = above.to_lps(point) @ to_own[:3, :3].T + to_own[:3, 3]
        gaps.append(own[2] - below.forward(upper[site])[2])
    least = LEAST_GAP_MM[above.level.region]
    gap = float(np.nanmin(gaps))
    return max(0.0, least - gap) if np.isfinite(gap) else 0.0


def _sunk(below: Solid) -> float:
    """How far the upper endplate of a broken body went down at its posterior wall, mm."""
    if below.fracture is None or below.level is Level.SACRUM:
        return 0.0
    before = below._points[1]["posterior"]
    return float(before[2] - below.forward(before)[2])


def template_of(plan: Plan) -> Template:
    """The label map of a plan."""
    return load_template(plan.template)
