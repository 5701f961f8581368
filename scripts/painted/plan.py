"""What is painted: anatomy, disease and scan of one case, drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from painted.anatomy import COLUMNS, ODD, load_template
from painted.fracture import Fracture, Kind
from painted.lesion import Lesion, LesionKind
from painted.solid import Solid
from spineimg.core.levels import Level
from spineimg.core.scores import PainKind

Orientation = Literal["axial", "sagittal", "coronal", "oblique"]
ORIENTATIONS: tuple[Orientation, ...] = ("axial", "sagittal", "coronal", "oblique")
SPACINGS = (0.5, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0)
FRACTURES: tuple[Kind, ...] = ("wedge", "biconcave", "crush")
KINDS: tuple[LesionKind, ...] = ("lytic", "blastic", "mixed")
SIDES: tuple[tuple[float, ...], ...] = ((), (1.0,), (-1.0,), (1.0, -1.0))


@dataclass(frozen=True)
class Joint:
    """Motion of a level (and all above it) on the one below: mm and degrees, signs as in the records."""

    anterior_mm: float = 0.0
    left_mm: float = 0.0
    kyphosis_deg: float = 0.0
    scoliosis_deg: float = 0.0


@dataclass(frozen=True)
class Scan:
    """How the case is scanned; ``spacing_mm`` in plane and between slices."""

    seed: int
    spacing_mm: tuple[float, float] = (0.8, 1.0)
    orientation: Orientation = "axial"
    width_mm: float = 90.0
    depth_mm: float = 100.0
    noise_hu: float = 15.0
    kernel_fwhm_mm: float = 1.0
    sharpness: float = 0.0
    turn_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Plan:
    """One painted case; levels head to foot."""

    seed: int
    template: str
    levels: tuple[Level, ...]
    scan: Scan
    lesions: tuple[Lesion, ...] = ()
    fractures: tuple[tuple[Level, Fracture], ...] = ()
    joints: tuple[tuple[Level, Joint], ...] = ()
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    density_hu: float = 150.0
    cortex_hu: float = 800.0
    contrast_hu: float = 0.0
    pain: tuple[tuple[Level, PainKind], ...] = ()

    def fracture(self, level: Level) -> Fracture | None:
        """The fracture of a level."""
        return dict(self.fractures).get(level)

    def joint(self, level: Level) -> Joint:
        """The motion between a level and the one below."""
        return dict(self.joints).get(level, Joint())


def draw_plan(seed: int, length: int = 9, template: str | None = None) -> Plan:
    """A case of up to ``length`` levels from a seed: template, curve, one to three ill levels, scan.

    ``template`` asks for one label map; None: any.
    """
    rng = np.random.default_rng([seed, 4211])
    drawn = COLUMNS[int(rng.integers(len(COLUMNS)))]
    name = template or drawn
    whole = load_template(name).levels
    first = int(rng.integers(0, max(1, len(whole) - length + 1)))
    levels = whole[first : first + length]
    # The frame of the sacrum is not built here: a level that stands on it has no truth of its alignment.
    odd = ODD.get(name, frozenset())
    inner = [m for m in levels[1:-1] if _under(levels, m) is not Level.SACRUM and m not in odd] or [levels[0]]
    joints = _curve(rng, levels)
    ill = [
        inner[int(i)]
        for i in rng.choice(len(inner), size=min(len(inner), int(rng.integers(1, 4))), replace=False)
    ]
    lesions: list[Lesion] = []
    fractures: list[tuple[Level, Fracture]] = []
    pain: list[tuple[Level, PainKind]] = []
    for level in ill:
        lesions += draw_lesions(rng, name, level)
        if rng.random() < 0.5:
            fractures.append((level, draw_fracture(rng)))
        if rng.random() < 0.25:
            joints[level] = replace(joints[level], anterior_mm=float(rng.choice([-1, 1]) * rng.uniform(2, 9)))
        if rng.random() < 0.2:
            joints[level] = replace(joints[level], kyphosis_deg=float(rng.uniform(6, 18)))
        pain.append((level, ("mechanical", "occasional", "none")[int(rng.integers(3))]))
    others = [m for m in inner if m not in ill]
    if others and rng.random() < 0.3:
        fractures.append((others[int(rng.integers(len(others)))], draw_fracture(rng)))
    joints |= {
        level: _follow(joint, dict(fractures).get(_under(levels, level))) for level, joint in joints.items()
    }
    return Plan(
        seed=seed,
        template=name,
        levels=levels,
        scan=draw_scan(rng, seed),
        lesions=tuple(lesions),
        fractures=tuple(fractures),
        joints=tuple(joints.items()),
        scale=tuple(float(x) for x in rng.uniform(0.94, 1.06, 3)),  # type: ignore[arg-type]
        density_hu=float(rng.uniform(90, 220)),
        cortex_hu=float(rng.uniform(600, 1100)),
        contrast_hu=float(rng.choice([0.0, rng.uniform(60, 200)])),
        pain=tuple(sorted(pain)),
    )


def _under(levels: tuple[Level, ...], level: Level) -> Level | None:
    place = levels.index(level) + 1
    return levels[place] if place < len(levels) else None


def _follow(joint: Joint, below: Fracture | None) -> Joint:
    """The column above a wedged body leans forward by part of the wedge's angle."""
    if below is None or below.kind != "wedge":
        return joint
    lean = 0.22 * below.loss_percent * (1 - below.rest)
    return replace(joint, kyphosis_deg=joint.kyphosis_deg + lean)


def _curve(rng: np.random.Generator, levels: tuple[Level, ...]) -> dict[Level, Joint]:
    """Small motions everywhere, and in a third of the cases a scoliosis."""
    side = float(rng.choice([0.0, 0.0, rng.uniform(-4, 4)]))
    place = np.linspace(0, np.pi, len(levels))
    return {
        level: Joint(
            float(rng.normal(0, 0.4)),
            float(rng.normal(0, 0.3)),
            float(rng.normal(0, 1.2)),
            float(side * np.cos(2 * p) + rng.normal(0, 0.7)),
        )
        for level, p in zip(levels, place, strict=True)
    }


def draw_fracture(rng: np.random.Generator) -> Fracture:
    """A collapse of 8 to 70 %."""
    kind = FRACTURES[int(rng.integers(3))]
    rest = 1.0 if kind == "crush" else float(rng.choice([0.0, rng.uniform(0.1, 0.5)]))
    return Fracture(kind, float(rng.uniform(8, 70)), rest)


def draw_lesions(rng: np.random.Generator, template: str, level: Level) -> list[Lesion]:
    """Lesions of one level: in the body, over the pedicle and facet of none, one or both sides, or both."""
    bone = load_template(template).bone(level)
    o = Solid(bone, np.eye(4)).outline
    kind = KINDS[int(rng.choice(3, p=[0.45, 0.3, 0.25]))]
    patch = float(rng.uniform(0.35, 0.65))
    found = []

    def blob(centre: np.ndarray, radii: np.ndarray, reach: float) -> Lesion:
        c, r = ((float(v[0]), float(v[1]), float(v[2])) for v in (centre, radii))
        return Lesion(level, kind, c, r, reach, patch, float(rng.uniform(0, 6)))

    size = np.array([o.width, o.wall_y - o.front_y, o.upper_z - o.lower_z])
    middle = np.array([0.0, 0.5 * (o.front_y + o.wall_y), 0.5 * (o.lower_z + o.upper_z)])
    reach = float(rng.choice([-1.5, 0.0, rng.uniform(1.0, 5.0)], p=[0.4, 0.4, 0.2]))
    sides = SIDES[int(rng.choice(4, p=[0.45, 0.2, 0.2, 0.15]))]
    if not sides or rng.random() < 0.75:
        share = float(rng.choice([rng.uniform(0.22, 0.4), rng.uniform(0.55, 0.75)], p=[0.7, 0.3]))
        off = rng.uniform(-0.5, 0.5, 3) * (1 - 2 * share) * size if share < 0.5 else np.zeros(3)
        found.append(blob(middle + off, np.maximum(share * size * rng.uniform(0.85, 1.1, 3), 4.0), reach))
    for side in sides:
        half = o.canal_half_width
        centre = np.array(
            [o.canal_x + side * (half + 3.0), o.wall_y + 0.55 * (o.canal_back - o.wall_y), middle[2]]
        )
        centre[2] += 0.1 * size[2]
        found.append(blob(centre, np.array([8.0, 11.0, 10.0]) * rng.uniform(0.85, 1.15), max(reach, 0.0)))
    return found


def draw_scan(rng: np.random.Generator, seed: int) -> Scan:
    """A scan: slices of 0.5 to 5 mm, four orientations."""
    between = float(SPACINGS[int(rng.integers(len(SPACINGS)))])
    plane = 0.5 if between == SPACINGS[0] else float(rng.uniform(0.75, 1.1))
    return Scan(
        seed=seed,
        spacing_mm=(plane, between),
        orientation=ORIENTATIONS[int(rng.choice(4, p=[0.5, 0.2, 0.1, 0.2]))],
        noise_hu=float(rng.uniform(5, 45)),
        kernel_fwhm_mm=float(rng.uniform(0.7, 1.8)),
        sharpness=float(rng.choice([0.0, rng.uniform(0.2, 1.0)], p=[0.7, 0.3])),
        turn_deg=tuple(float(x) for x in rng.normal(0, 4, 3)),  # type: ignore[arg-type]
        shift_mm=tuple(float(x) for x in rng.normal(0, 15, 3)),  # type: ignore[arg-type]
    )
