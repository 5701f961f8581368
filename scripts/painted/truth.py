"""Exact records of a painted case, from its solids: the shape of ``truth.json`` (``value`` only)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painted.anatomy import FINE_MM, ODD
from painted.canvas import FAR
from painted.frame import Array
from painted.lesion import Lesion
from painted.plan import Plan
from painted.solid import SITES, Solid
from spineimg.core.labelmap import LesionType, Part
from spineimg.core.levels import Level, Region

STEP_MM = 1.0
CELL_ML = STEP_MM**3 / 1000
STRUCTURES = {
    "pedicle_left": Part.PEDICLE_LEFT,
    "pedicle_right": Part.PEDICLE_RIGHT,
    "facet_left": Part.FACET_LEFT,
    "facet_right": Part.FACET_RIGHT,
    "costovertebral_left": Part.RIB_JOINT_LEFT,
    "costovertebral_right": Part.RIB_JOINT_RIGHT,
}


def records(plan: Plan, solids: Mapping[Level, Solid]) -> dict[str, Any]:
    """Vertebrae, lesions and segments in the form of ``measurements.json``.

    Lesions tell besides, as ``broken_mm2``, how much surface of each structure a lytic part has taken away.
    Volumes of a body are given for levels with a lesion only. The sacrum has no records.
    """
    lattices = {level: Lattice(solids[level], plan.lesions) for level in {x.level for x in plan.lesions}}
    lesions = [lattices[x.level].lesion(n, x) for n, x in enumerate(plan.lesions, 1)]
    odd = ODD.get(plan.template, frozenset())
    vertebrae = []
    for level, solid in solids.items():
        if level is not Level.SACRUM:
            record = _vertebra(solid, [x for x in lesions if x["level"] == str(level)], lattices.get(level))
            unknown = {"height_loss_percent": None, "loss_site": None, "expected_heights_mm": None}
            vertebrae.append(record | unknown if level in odd else record)
    return {"vertebrae": vertebrae, "lesions": lesions, "segments": segments(solids)}


def value(number: float, digits: int = 3) -> dict[str, float] | None:
    """``{"value": number}``; None for nan."""
    return {"value": round(float(number), digits)} if np.isfinite(number) else None


def _vertebra(solid: Solid, own: list[dict[str, Any]], lattice: Lattice | None) -> dict[str, Any]:
    whole = Solid(solid.bone, solid.pose, solid.scale, solid.wrinkle)
    now, before = solid.heights(), whole.heights()
    losses = {site: 100 * (1 - now[site] / before[site]) for site in SITES if np.isfinite(now[site])}
    worst = max(losses, key=lambda site: losses[site]) if losses else None
    total = sum(x["volume_ml"]["value"] for x in own)
    lytic = (
        sum(x["volume_ml"]["value"] * x["lytic_percent"]["value"] for x in own) / total if total else np.nan
    )
    return {
        "level": str(solid.level),
        "label": solid.level.verse_id,
        "complete": True,
        "centre_lps_mm": [round(float(v), 3) for v in solid.pose[:3, 3]],
        "axes_lps": [[round(float(v), 5) for v in row] for row in solid.pose[:3, :3].T],
        "heights_mm": {site: value(now[site]) for site in SITES},
        "expected_heights_mm": {site: value(before[site]) for site in SITES},
        "height_loss_percent": value(losses[worst], 2) if worst else None,
        "loss_site": worst,
        "deformity": solid.fracture.kind if solid.fracture else "none",
        "body_volume_ml": value(lattice.body_ml) if lattice else None,
        "expected_body_volume_ml": value(lattice.expected_ml) if lattice else None,
        "lytic_percent": value(lytic, 2),
        "lesion_ids": [x["id"] for x in own],
    }


class Lattice:
    """A bone and its lesions on a lattice of its own coordinates."""

    def __init__(self, solid: Solid, lesions: tuple[Lesion, ...]) -> None:
        bone = solid.bone
        size = (np.array(bone.distance.shape) - 1) * FINE_MM
        corners = np.array(np.meshgrid(*[(0.0, s) for s in size])).reshape(3, -1).T + bone.start_mm
        own = bone.frame.to_own(corners) * solid.scale
        axes = [np.arange(a, b, STEP_MM) for a, b in zip(own.min(axis=0), own.max(axis=0), strict=True)]
        self.solid = solid
        self.points: Array = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).astype(np.float32)
        self.distance = solid.distance(self.points)
        self.part = solid.part(self.points)
        self.share = cover(self.distance)
        self.taken = np.full(self.distance.shape, FAR, np.float32)
        self.owner = np.zeros(self.distance.shape, np.uint8)
        for number, lesion in enumerate(lesions, 1):
            if lesion.level is solid.level:
                inside = lesion.distance(self.points, self.distance, solid)
                nearer = inside < self.taken
                self.taken[nearer], self.owner[nearer] = inside[nearer], number
        body = self.part == Part.BODY
        self.body_ml = float(self.share[body].sum()) * CELL_ML
        self.expected_ml = self.body_ml
        if solid.fracture is not None:
            left = solid.fracture.left(solid.intact(self.points), solid.outline)
            self.expected_ml = float((self.share / left)[body].sum()) * CELL_ML

    def lesion(self, number: int, lesion: Lesion) -> dict[str, Any]:
        """Record of one lesion."""
        share = np.where(self.owner == number, cover(self.taken), 0.0)
        kinds = lesion.kinds(self.points, self.solid)
        total = float(share.sum())
        in_bone = share * (self.distance < 0)
        lytic = 100 * float(share[kinds == LesionType.LYTIC].sum()) / total
        # Cells within half a step of the surface make a sheet one cell thick.
        surface = np.abs(self.distance) < STEP_MM / 2
        gone = surface & (share > 0.5) & (kinds == LesionType.LYTIC)
        ribs = lesion.level.region is Region.THORACIC
        shares, broken = {}, {}
        for name, part in STRUCTURES.items():
            there = self.part == part
            size = float(self.share[there].sum())
            known = size > 0 and (ribs or not name.startswith("costo"))
            shares[name] = value(100 * float(in_bone[there].sum()) / size, 2) if known else None
            broken[name] = round(float((gone & there).sum()) * STEP_MM**2, 1) if known else None
        inside = float(in_bone[self.part == Part.BODY].sum()) * CELL_ML
        middle = (self.points * share[..., None]).sum(axis=(0, 1, 2)) / total
        return {
            "id": number,
            "level": str(lesion.level),
            "status": "likely",
            "look_alike": None,
            "quality": [quality(lytic)],
            "volume_ml": value(total * CELL_ML),
            "lytic_percent": value(lytic, 2),
            "body_percent": value(100 * inside / self.expected_ml, 2),
            "structures_percent": shares,
            "broken_mm2": broken,
            "centre_lps_mm": [round(float(v), 3) for v in self.solid.to_lps(middle)],
        }


def cover(distance: NDArray[np.float32]) -> NDArray[np.float32]:
    """Share of a lattice cell on the inner side of a surface."""
    found: NDArray[np.float32] = np.clip(0.5 - distance / STEP_MM, 0.0, 1.0)
    return found


def quality(lytic_percent: float) -> str:
    """Lytic from 80 %, blastic up to 20 %, else mixed."""
    return "lytic" if lytic_percent >= 80 else "blastic" if lytic_percent <= 20 else "mixed"


def segments(solids: Mapping[Level, Solid]) -> list[dict[str, Any]]:
    """Shift of the upper posterior corner in the lower one's frame, and angles of both upper endplates."""
    found = []
    for upper, lower in itertools.pairwise(sorted(solids)):
        if lower is Level.SACRUM:
            continue
        above, below = solids[upper], solids[lower]
        to_own = np.linalg.inv(below.pose)
        corner = above.to_lps(above.corner(-1)) @ to_own[:3, :3].T + to_own[:3, 3]
        shift = corner - below.corner(1)
        middles = [stand.to_lps(_lateral_middle(stand, end)) for stand, end in ((above, -1), (below, 1))]
        sideways = (middles[0] - middles[1]) @ below.pose[:3, 0]
        lean = [to_own[:3, :3] @ stand.pose[:3, :3] @ stand.normal(1) for stand in (above, below)]
        forward = [np.degrees(np.arctan2(-n[1], n[2])) for n in lean]
        left = [np.degrees(np.arctan2(n[0], n[2])) for n in lean]
        ends = below.endplate(1)
        found.append(
            {
                "upper": str(upper),
                "lower": str(lower),
                "translation_ap_mm": value(-shift[1], 2),
                "translation_lateral_mm": value(sideways, 2),
                "kyphosis_deg": value(forward[0] - forward[1], 2),
                "scoliosis_deg": value(left[1] - left[0], 2),
                "caudal_depth_mm": value((ends["posterior"][1] - ends["anterior"][1]) / 0.8, 2),
            }
        )
    return found


def _lateral_middle(solid: Solid, end: int) -> Array:
    """Middle of the body between left and right, over rows 3 to 9 mm from an endplate (own coordinates)."""
    o = solid.outline
    y0 = 0.5 * (o.front_y + o.wall_y)
    plate = solid.endplate(end)["middle"][2]
    z = plate - end * np.linspace(3.0, min(9.0, 0.45 * abs(o.upper_z - o.lower_z)), 7)
    starts = np.stack([np.zeros(7), np.full(7, y0), z], axis=1)
    right, left = (solid.rays(starts, np.array([s, 0.0, 0.0])) for s in (-1.0, 1.0))
    return np.array([float(np.nanmedian(left - right)) / 2, y0, plate])
