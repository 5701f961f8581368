"""Specifications drawn from a seed: varied patients, diseases and scans."""

from __future__ import annotations

import numpy as np

from spineimg.core.levels import LEVELS, Level, Region
from spineimg.phantom.random_findings import with_findings
from spineimg.phantom.sizes import vertebra_size
from spineimg.phantom.spec import (
    FractureKind,
    FractureSpec,
    LesionKind,
    LesionSpec,
    PatientSpec,
    PhantomSpec,
    ScanSpec,
    SlipSpec,
)

_KINDS: tuple[LesionKind, ...] = ("lytic", "blastic", "mixed")
_FRACTURES: tuple[FractureKind, ...] = ("wedge", "biconcave", "crush")


def random_spec(seed: int) -> PhantomSpec:
    """A patient, diseases and a scan, all from one seed."""
    return with_findings(plain_spec(seed))


def plain_spec(seed: int) -> PhantomSpec:
    """As `random_spec`, of the usual column and without anything but tumour, fractures and slips."""
    rng = np.random.default_rng([seed, 107])
    patient = PatientSpec(
        seed=seed,
        size=float(np.clip(rng.normal(1.0, 0.07), 0.84, 1.16)),
        girth=float(np.clip(rng.normal(1.0, 0.1), 0.82, 1.3)),
        kyphosis=float(np.clip(rng.normal(1.0, 0.3), 0.3, 1.9)),
        lordosis=float(np.clip(rng.normal(1.0, 0.3), 0.2, 1.7)),
        scoliosis_deg=float(abs(rng.normal(0.0, 3.5))),
        density_hu=float(rng.uniform(70, 240)),
        cortex_hu=float(rng.uniform(650, 1200)),
        fat_mm=float(rng.uniform(7, 34)),
        contrast_hu=float(rng.choice([0.0, rng.uniform(60, 220)])),
    )
    length = int(rng.integers(4, 14))
    start = int(rng.integers(0, len(LEVELS) - 3))
    levels = LEVELS[start : start + length]
    scan = ScanSpec(
        seed=seed,
        spacing_mm=_spacing(rng),
        width_mm=float(
            rng.choice(
                [rng.uniform(120, 190), rng.uniform(200, 300), rng.uniform(320, 400)], p=[0.4, 0.35, 0.25]
            )
        ),
        depth_mm=float(rng.uniform(140, 230)),
        margin_mm=float(rng.uniform(-12, 18)),
        noise_hu=float(rng.uniform(4, 45)),
        kernel_fwhm_mm=float(rng.uniform(0.6, 1.8)),
        sharpness=float(rng.choice([0.0, rng.uniform(0.2, 1.2)], p=[0.65, 0.35])),
        shift_mm=(float(rng.normal(0, 12)), float(rng.normal(0, 10)), float(rng.normal(0, 40))),
        turn_deg=(float(rng.normal(0, 5)), float(rng.normal(0, 4)), float(rng.normal(0, 4))),
    )
    return PhantomSpec(
        patient=patient,
        scan=scan,
        top=levels[0],
        bottom=levels[-1],
        lesions=_lesions(rng, levels),
        fractures=_fractures(rng, levels),
        slips=_slips(rng, levels),
    )


def _spacing(rng: np.random.Generator) -> tuple[float, float, float]:
    plane = float(rng.uniform(1.0, 1.6))
    return plane, plane, float(rng.uniform(1.0, 3.0))


def _lesions(rng: np.random.Generator, levels: tuple[Level, ...]) -> tuple[LesionSpec, ...]:
    result = []
    for level in levels:
        if level is Level.C1 or rng.random() > 0.3:
            continue
        s = vertebra_size(level)
        scale = s.height / 2
        radii = scale * rng.uniform(0.3, 1.15) * rng.uniform(0.75, 1.3, 3)
        if rng.random() < 0.65:
            spread = np.array([s.width, s.depth, s.height]) * 0.36
            centre = rng.uniform(-1, 1, 3) * spread
        else:
            side = rng.choice([-1.0, 1.0])
            x, y = s.canal_width / 2 + 3, s.depth / 2 + s.canal_depth * rng.uniform(0.0, 1.0)
            centre = np.array([side * x, y, s.height * rng.uniform(-0.2, 0.35)])
            if rng.random() < 0.2:
                centre = np.array([0.0, s.depth / 2 + s.canal_depth + 12.0, -s.height * 0.4])
        reach = float(rng.choice([-1.2, 0.0, rng.uniform(1.0, 6.0)], p=[0.4, 0.45, 0.15]))
        kind = _KINDS[int(rng.choice(3, p=[0.5, 0.3, 0.2]))]
        place = (float(centre[0]), float(centre[1]), float(centre[2]))
        result.append(
            LesionSpec(level, kind, place, (float(radii[0]), float(radii[1]), float(radii[2])), reach)
        )
    return tuple(result)


def _fractures(rng: np.random.Generator, levels: tuple[Level, ...]) -> tuple[FractureSpec, ...]:
    result = []
    for level in levels:
        prone = {Region.THORACIC: 0.12, Region.LUMBAR: 0.12}.get(level.region, 0.0)
        if level in (Level.T7, Level.T8, Level.T12, Level.L1):
            prone = 0.22
        if rng.random() < prone:
            kind = _FRACTURES[int(rng.integers(3))]
            result.append(FractureSpec(level, kind, float(rng.uniform(15, 65))))
    return tuple(result)


def _slips(rng: np.random.Generator, levels: tuple[Level, ...]) -> tuple[SlipSpec, ...]:
    able = [level for level in levels if level in (Level.C4, Level.C5, Level.L3, Level.L4, Level.L5)]
    if able and rng.random() < 0.2:
        return (
            SlipSpec(able[int(rng.integers(len(able)))], float(rng.uniform(-4, 9)), float(rng.normal(0, 1))),
        )
    return ()
