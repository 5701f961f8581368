"""The exact records of a phantom: measurements and scores by construction, never from its voxels.

Volumes and shares are sums over the implicit solids on a lattice of the vertebra's own frame.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spineimg.core.grid import Grid, Points
from spineimg.core.labelmap import LesionType, Part
from spineimg.core.levels import Level
from spineimg.phantom.column import Stand, column
from spineimg.phantom.counts import bears_ribs
from spineimg.phantom.endplates import MIDLINE_BACK, SITES
from spineimg.phantom.lesions import BLASTIC_HU, LYTIC_HU, lesion_solid
from spineimg.phantom.marrow import trabecular_hu
from spineimg.phantom.near import bone_near
from spineimg.phantom.shapes import Coordinates, Field, cover
from spineimg.phantom.skeleton import SACRUM_BOX
from spineimg.phantom.spec import LesionSpec, LookAlikeSpec, PhantomSpec
from spineimg.phantom.truth_anatomy import anatomy_records
from spineimg.phantom.truth_scores import score_records
from spineimg.phantom.vertebra import bounding_box

_STEP_MM = 0.8
_CELL_ML = _STEP_MM**3 / 1000
_TOUCHES_MM = 1.5
_BROKEN_MM2 = 20.0
_HELPERS = ("body_inside", "mean_hu")
"""Fields of a lesion that only the density of its vertebra needs."""
_STRUCTURES = {
    "pedicle_left": Part.PEDICLE_LEFT,
    "pedicle_right": Part.PEDICLE_RIGHT,
    "facet_left": Part.FACET_LEFT,
    "facet_right": Part.FACET_RIGHT,
    "costovertebral_left": Part.RIB_JOINT_LEFT,
    "costovertebral_right": Part.RIB_JOINT_RIGHT,
}


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A patient in place and the grid that sees him; ``pose`` (4, 4) takes the patient frame to LPS."""

    spec: PhantomSpec
    grid: Grid
    pose: Points
    stands: dict[Level, Stand]


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """A bone on its own lattice: distance, part, and the share of each cell inside."""

    points: Coordinates
    distance: Field
    part: NDArray[np.uint8]
    share: Field


def truth_records(scene: Scene) -> dict[str, Any]:
    """``{measurements, sins}`` with ``value`` only and single-member sets, of the levels in the image."""
    spec = scene.spec
    reach = max((lesion.reach_mm for lesion in spec.lesions), default=0.0)
    lattices = {level: _lattice(stand, reach) for level, stand in scene.stands.items() if _seen(scene, stand)}
    made = [
        _lesion(number, lesion, lattices[lesion.level], scene)
        for number, lesion in enumerate(spec.lesions, 1)
        if lesion.level in lattices
    ]
    lesions = [record for record in made if record is not None]
    vertebrae = [_vertebra(scene, level, lattice, lesions) for level, lattice in lattices.items()]
    lesions = [{k: v for k, v in record.items() if k not in _HELPERS} for record in lesions]
    segments = _segments(scene.stands, tuple(lattices))
    healed = replace(spec, fractures=tuple(f for f in spec.fractures if f.age == "old"))
    before = _segments(column(healed), tuple(lattices))
    found = anatomy_records(spec.patient, scene.stands)
    looks = [look for look in spec.look_alikes if look.level in lattices]
    return {
        "measurements": {
            "schema": "spineimg/measurements/1",
            "vertebrae": vertebrae,
            "lesions": lesions,
            "segments": segments,
        },
        "sins": score_records(vertebrae, lesions, (segments, before), dict(spec.pain)),
        **({"anatomy": found} if found else {}),
        **({"look_alikes": [_look_alike(scene, look) for look in looks]} if looks else {}),
    }


def _look_alike(scene: Scene, look: LookAlikeSpec) -> dict[str, Any]:
    """Where something lies that is no metastasis."""
    centre = scene.stands[look.level].to_patient(np.array(look.centre_mm))
    return {"level": look.level.value, "look_alike": look.kind, "centre_lps_mm": _lps(scene, centre)}


def _lps(scene: Scene, patient: Points) -> list[float]:
    placed = scene.pose[:3, :3] @ patient + scene.pose[:3, 3]
    return [round(float(v), 3) for v in placed]


def _value(number: float, digits: int = 3) -> dict[str, float]:
    return {"value": round(float(number), digits)}


def _seen(scene: Scene, stand: Stand) -> bool:
    """Whether the centre of the body lies in the image."""
    index = scene.grid.to_index(np.array(_lps(scene, stand.centre)))
    return bool((index > -0.5).all() and (index < np.array(scene.grid.shape) - 0.5).all())


def _lattice(stand: Stand, reach_mm: float = 0.0) -> Lattice:
    low, high = SACRUM_BOX if stand.level is Level.SACRUM else bounding_box(stand.level, stand.shape)
    steps = [np.arange(a, b, _STEP_MM, dtype=np.float32) for a, b in zip(low, high, strict=True)]
    p = Coordinates(*np.meshgrid(*steps, indexing="ij"))
    solid = bone_near(p, stand, reach_mm)
    part = np.full(solid.part.shape, Part.BODY, np.uint8) if stand.level is Level.SACRUM else solid.part
    return Lattice(p, solid.distance, part, cover(solid.distance, _STEP_MM))


def _complete(scene: Scene, stand: Stand, lattice: Lattice) -> bool:
    inside = lattice.distance < 0
    own = np.stack([q[inside] for q in lattice.points], axis=1)[::7].astype(np.float64)
    lps = stand.to_patient(own) @ scene.pose[:3, :3].T + scene.pose[:3, 3]
    index = scene.grid.to_index(lps)
    return bool((index >= -0.5).all() and (index <= np.array(scene.grid.shape) - 0.5).all())


def _vertebra(scene: Scene, level: Level, lattice: Lattice, lesions: list[dict[str, Any]]) -> dict[str, Any]:
    spec, stand = scene.spec, scene.stands[level]
    shape = stand.shape
    own = [record for record in lesions if record["level"] == level.value]
    reference = trabecular_hu(level, spec)
    record: dict[str, Any] = {
        "level": level.value,
        "label": level.verse_id,
        "complete": _complete(scene, stand, lattice),
        "name_possible": [level.value],
        "name_confidence": 1.0,
        "centre_lps_mm": _lps(scene, stand.centre),
        "axes_lps": [[round(float(v), 5) for v in scene.pose[:3, :3] @ row] for row in stand.frame],
        "lesion_ids": [record["id"] for record in own],
    }
    volume = float(lattice.share[lattice.part == Part.BODY].sum()) * _CELL_ML
    healthy = float(sum(record["volume_ml"]["value"] * record["body_inside"] for record in own))
    ill_hu = sum(record["volume_ml"]["value"] * record["body_inside"] * record["mean_hu"] for record in own)
    has_body = level is not Level.C1 and level is not Level.SACRUM
    record["density"] = {
        "healthy_reference": _value(reference, 1),
        "mean": _value((reference * (volume - healthy) + ill_hu) / volume, 1) if has_body else None,
    }
    record["lytic_percent"] = _lytic_of(own)
    heights = shape.heights_mm() if has_body else None
    expected = shape.unfractured().heights_mm() if has_body else None
    record["heights_mm"] = {site: _value(heights[site]) if heights else None for site in SITES}
    record["expected_heights_mm"] = {site: _value(expected[site]) if expected else None for site in SITES}
    loss = {s: 100 * (1 - heights[s] / expected[s]) for s in SITES} if heights and expected else {}
    worst = max(loss, key=lambda s: loss[s]) if loss and shape.fracture else None
    percent = loss[worst] if worst else 0.0
    record["height_loss_percent"] = _value(percent, 2) if has_body else None
    record["loss_site"] = worst
    record["genant_grade"] = [_genant(percent)] if has_body else []
    record["deformity"] = (shape.fracture.kind if shape.fracture else "none") if has_body else None
    record["body_volume_ml"] = _value(volume) if has_body else None
    record["expected_body_volume_ml"] = _value(_expected_volume(stand, volume)) if has_body else None
    record["endplate_step_mm"] = _value(0.0) if has_body else None
    if level in spec.screws or any(cement.level is level for cement in spec.cement):
        record["not_scorable"] = "implant" if level in spec.screws else "cement"
    record["endplates_lps_mm"] = _endplate_points(scene, stand) if has_body else None
    return record


def _endplate_points(scene: Scene, stand: Stand) -> dict[str, dict[str, list[float]]]:
    """The measured points of both endplates."""
    result: dict[str, dict[str, list[float]]] = {"upper": {}, "lower": {}}
    for site, share in SITES.items():
        y = share * stand.shape.size.depth / 2
        for end, z in zip(result, stand.shape.endplates(np.float32(0), np.float32(y)), strict=True):
            result[end][site] = _lps(scene, stand.to_patient(np.array([0.0, y, float(z)])))
    return result


def _expected_volume(stand: Stand, volume: float) -> float:
    if stand.shape.fracture is None:
        return volume
    whole = _lattice(replace(stand, shape=stand.shape.unfractured()))
    return float(whole.share[whole.part == Part.BODY].sum()) * _CELL_ML


def _genant(loss: float) -> int:
    """Grade of Genant 1993: from 20, 25 and above 40 percent."""
    return 3 if loss > 40 else 2 if loss >= 25 else 1 if loss >= 20 else 0


def _lytic_of(own: list[dict[str, Any]]) -> dict[str, float] | None:
    total = sum(record["volume_ml"]["value"] for record in own)
    if not own or total == 0:
        return None
    lytic = sum(record["volume_ml"]["value"] * record["lytic_percent"]["value"] for record in own)
    return _value(lytic / total, 2)


def _lesion(number: int, lesion: LesionSpec, lattice: Lattice, scene: Scene) -> dict[str, Any] | None:
    """The record of one lesion; none where it misses the bone (its place may lie behind a small spine)."""
    stand = scene.stands[lesion.level]
    ribs = bears_ribs(lesion.level, scene.spec.patient.anatomy)
    present = [name for name in _STRUCTURES if ribs or not name.startswith("costovertebral")]
    solid = lesion_solid(lattice.points, lattice.distance, lesion, scene.spec.patient.seed * 31 + number)
    share = cover(solid.distance, _STEP_MM)
    total = float(share.sum())
    if total == 0:
        return None
    in_bone = share * (lattice.distance < 0)
    in_body = float(in_bone[lattice.part == Part.BODY].sum())
    body = float(lattice.share[lattice.part == Part.BODY].sum())
    expected = _expected_volume(stand, body * _CELL_ML)
    lytic = 100 * float(share[solid.kind == LesionType.LYTIC].sum()) / total
    shares = {}
    for name, part in _STRUCTURES.items():
        there = lattice.part == part
        size = float(lattice.share[there].sum())
        shares[name] = (
            None if size == 0 or name not in present else _value(100 * float(in_bone[there].sum()) / size, 2)
        )
    weights = share / total
    middle = np.array([float((q * weights).sum()) for q in lattice.points])
    return {
        "id": number,
        "level": lesion.level.value,
        "status": "likely",
        "look_alike": None,
        "quality": ["lytic" if lytic >= 80 else "blastic" if lytic <= 20 else "mixed"],
        "volume_ml": _value(total * _CELL_ML),
        "lytic_percent": _value(lytic, 2),
        "body_percent": _value(100 * in_body * _CELL_ML / expected, 2),
        "structures_percent": shares,
        "cortex_broken": _broken(lattice, share, solid.kind, stand, present),
        "touches": _touches(lattice, share, stand),
        "centre_lps_mm": _lps(scene, stand.to_patient(middle)),
        "body_inside": round(in_body / total, 4),
        "mean_hu": round(LYTIC_HU * lytic / 100 + BLASTIC_HU * (1 - lytic / 100), 1),
    }


def _behind(lattice: Lattice, stand: Stand) -> NDArray[np.bool_]:
    """Cells of the body at its posterior wall, between the pedicles."""
    s = stand.shape.size
    behind = lattice.points.y > np.float32(s.depth / 2 - 4.0)
    between = np.abs(lattice.points.x) < np.float32(s.canal_width / 2 - 2.0)
    return np.asarray((lattice.part == Part.BODY) & behind & between)


def _broken(
    lattice: Lattice, share: Field, kind: NDArray[np.uint8], stand: Stand, present: list[str]
) -> list[str]:
    """Structures whose cortex a lytic part has destroyed over more than 20 mm2."""
    gone = (share > 0.5) & (kind == LesionType.LYTIC) & (np.abs(lattice.distance) < _STEP_MM / 2)
    least = _BROKEN_MM2 / _STEP_MM**2
    names = [name for name in present if (gone & (lattice.part == _STRUCTURES[name])).sum() > least]
    if (gone & _behind(lattice, stand)).sum() > least:
        names.append("posterior_wall")
    return names


def _touches(lattice: Lattice, share: Field, stand: Stand) -> list[str]:
    if stand.level in (Level.C1, Level.SACRUM):
        return []
    upper, lower = stand.shape.endplates(lattice.points.x, lattice.points.y)
    at_rim = (share > 0.5) & (lattice.distance < 0) & (lattice.distance > -_TOUCHES_MM)
    in_body = at_rim & (lattice.part == Part.BODY)
    result = ["posterior_wall"] if (at_rim & _behind(lattice, stand)).any() else []
    if (in_body & (upper - lattice.points.z < _TOUCHES_MM)).any():
        result.append("upper_endplate")
    if (in_body & (lattice.points.z - lower < _TOUCHES_MM)).any():
        result.append("lower_endplate")
    return result


def _upper_tilt(stand: Stand) -> tuple[Points, float]:
    """Cranial normal of the upper endplate (patient frame) through its points at 10 and 90 % of the depth."""
    half = stand.shape.size.depth / 2
    front, _ = stand.shape.endplates(np.float32(0), np.float32(SITES["anterior"] * half))
    back, _ = stand.shape.endplates(np.float32(0), np.float32(SITES["posterior"] * half))
    slope = float(back - front) / ((SITES["posterior"] - SITES["anterior"]) * half)
    normal = np.array([0.0, -slope, 1.0]) / np.hypot(1.0, slope)
    return normal @ stand.frame, slope


def _corner(stand: Stand, end: int) -> Points:
    """Posterior corner of the body in the midline, at the endplate's height; patient frame."""
    half = stand.shape.size.depth / 2
    upper, lower = stand.shape.endplates(np.float32(0), np.float32(SITES["posterior"] * half))
    wall = half if stand.level is Level.SACRUM else half * MIDLINE_BACK
    return stand.to_patient(np.array([0.0, wall, float(upper if end > 0 else lower)]))


def _segments(stands: dict[Level, Stand], levels: tuple[Level, ...]) -> list[dict[str, Any]]:
    """Neighbours: upper to upper endplate angles, and the walls' shift in the lower one's frame."""
    records = []
    for upper, lower in itertools.pairwise(levels):
        above, below = stands[upper], stands[lower]
        if upper is Level.C1:
            continue
        lean = [below.frame @ _upper_tilt(stand)[0] for stand in (above, below)]
        forward = [np.degrees(np.arctan2(-n[1], n[2])) for n in lean]
        left = [np.degrees(np.arctan2(n[0], n[2])) for n in lean]
        shift = below.to_own(_corner(above, -1)) - below.to_own(_corner(below, 1))
        records.append(
            {
                "upper": upper.value,
                "lower": lower.value,
                "translation_ap_mm": _value(-shift[1], 2),
                "translation_lateral_mm": _value(shift[0], 2),
                "kyphosis_deg": _value(forward[0] - forward[1], 2),
                "scoliosis_deg": _value(left[1] - left[0], 2),
                "listhesis_cause": "none",
                "caudal_depth_mm": round(below.shape.size.depth, 2),
            }
        )
    return records
