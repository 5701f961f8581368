"""Pairs of scans of one drawn patient whose changes are known. Used by ``benchmark_followup.py``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import painted
from scipy import ndimage

from spineimg.core.grid import Points
from spineimg.core.labelmap import LabelMap, Part
from spineimg.core.levels import LEVELS, Level
from spineimg.core.volume import Volume
from spineimg.phantom import FractureSpec, LesionSpec, PatientSpec, PhantomSpec, ScanSpec, make_phantom

FIRST_SEED = 950_000
"""Phantoms below are for training and for other tests."""
OFF_BY_ONE_EVERY = 10
"""Every tenth pair has its later names moved by one: 20 of 200."""
PAINTED_EVERY = 3
KINDS: tuple[Literal["wedge", "biconcave", "crush"], ...] = ("wedge", "biconcave", "crush")
LARGEST_LOSS = 60.0
SLICES_MM = ((1.0, 1.5), (1.6, 3.0), (3.2, 5.0))
SLICES_SHARE = (0.6, 0.3, 0.1)


@dataclass(frozen=True, eq=False)
class Drawn:
    """One scan with its true masks."""

    volume: Volume
    labels: LabelMap

    @property
    def centres(self) -> dict[Level, Points]:
        """True centres of the bodies, LPS mm, shape (3,)."""
        if self.labels.parts is None:
            raise ValueError("a drawn scan has its parts")
        body = np.where(self.labels.parts == Part.BODY, self.labels.array, 0)
        found = [
            level for level in self.labels.levels() if level.is_vertebra and (body == level.verse_id).any()
        ]
        middle = ndimage.center_of_mass(body > 0, body, [level.verse_id for level in found])
        return dict(zip(found, self.labels.grid.to_lps_mm(np.array(middle)), strict=True))


@dataclass(frozen=True, eq=False)
class Pair:
    """Two scans of one patient.

    ``old`` are losses on the earlier scan, ``new`` on the later one, percent of the intact height at the site
    that lost most; levels left out lost nothing. ``moved``: later names are wrong by so many levels.
    """

    generator: Literal["phantom", "painted"]
    scans: tuple[Drawn, Drawn]
    old: Mapping[Level, float]
    new: Mapping[Level, float]
    moved: int

    def fall(self, level: Level) -> float:
        """True fall in points of the earlier scan's own height, at the site that fell most."""
        then, now = self.old.get(level, 0.0), self.new.get(level, 0.0)
        return 100 * (now - then) / (100 - then)


def draw(number: int) -> Pair:
    """Draw a pair by its number: every second one without change, every third painted on real anatomy."""
    rng = np.random.default_rng([number, 13])
    moved = int(rng.choice([-1, 1])) if number % OFF_BY_ONE_EVERY == 7 else 0
    return (_painted if number % PAINTED_EVERY == 2 else _phantom)(number, rng, moved)


def _phantom(number: int, rng: np.random.Generator, moved: int) -> Pair:
    """Both scans by the parametric phantom, with lytic lesions that stay as they are."""
    seed, length = FIRST_SEED + number, int(rng.integers(8, 11))
    # Names are moved where no landmark shows the count; elsewhere any stretch down to the sacrum.
    last = LEVELS.index(Level.L4) if moved else LEVELS.index(Level.SACRUM)
    first = int(rng.integers(LEVELS.index(Level.C5), last - length + 2))
    levels = LEVELS[first : first + length]
    later = (levels, levels[1:], levels[:-1])[int(rng.integers(3))]
    inner = [level for level in levels[1:-1] if level.is_vertebra]
    kinds = {level: KINDS[int(rng.integers(3))] for level in inner}
    old = {level: float(rng.uniform(8, 45)) for level in inner if rng.random() < 0.08}
    new = dict(old)
    if number % 2:
        for place in rng.choice(len(inner), int(rng.integers(1, 3)), replace=False):
            before = old.get(inner[int(place)], 0.0)
            new[inner[int(place)]] = before + (LARGEST_LOSS - before) * float(rng.uniform(0.05, 1.0))
    patient = PatientSpec(
        seed=seed,
        size=float(rng.uniform(0.88, 1.12)),
        kyphosis=float(rng.uniform(0.6, 1.2)),
        lordosis=float(rng.uniform(0.6, 1.4)),
        scoliosis_deg=float(abs(rng.normal(0, 3))),
        density_hu=float(rng.uniform(90, 210)),
    )
    ill = [level for level in inner if rng.random() < 0.15]
    lesions = tuple(LesionSpec(level, "lytic", (4.0, 0.0, 0.0), (8.0, 8.0, 6.0)) for level in ill)
    scans = []
    for visit, (seen, losses) in enumerate(((levels, old), (later, new))):
        fractures = tuple(FractureSpec(x, kinds[x], loss) for x, loss in losses.items())
        scan = _scan(rng, 2 * seed + visit)
        phantom = make_phantom(PhantomSpec(patient, scan, seen[0], seen[-1], lesions, fractures))
        scans.append(Drawn(phantom.volume, phantom.labels))
    return Pair("phantom", (scans[0], scans[1]), old, new, moved)


def _scan(rng: np.random.Generator, seed: int) -> ScanSpec:
    """One visit: slices, pixels, kernel, noise, field of view and position are drawn anew."""
    pixel = float(rng.uniform(0.9, 1.25))
    turn, shift = rng.uniform(-5, 5, 3), rng.normal(0, (6, 6, 40))
    return ScanSpec(
        seed=seed,
        spacing_mm=(pixel, pixel, _slices(rng)),
        width_mm=float(rng.uniform(120, 140)),
        depth_mm=float(rng.uniform(140, 160)),
        margin_mm=18.0,
        noise_hu=float(rng.uniform(6, 28)),
        kernel_fwhm_mm=float(rng.uniform(0.8, 1.5)),
        sharpness=float(rng.choice([0.0, rng.uniform(0.2, 1.0)])),
        shift_mm=(float(shift[0]), float(shift[1]), float(shift[2])),
        turn_deg=(float(turn[0]), float(turn[1]), float(turn[2])),
    )


def _slices(rng: np.random.Generator) -> float:
    return float(rng.uniform(*SLICES_MM[int(rng.choice(3, p=SLICES_SHARE))]))


def _painted(number: int, rng: np.random.Generator, moved: int) -> Pair:
    """Both scans by the second generator, in any orientation."""
    loss = float(rng.uniform(0.05, 1.0)) * LARGEST_LOSS if number % 2 else 0.0
    plans = painted.pair_plans(FIRST_SEED + number, loss, int(rng.integers(8, 11)))
    scans = []
    for plan in plans[:2]:
        pixel = float(rng.uniform(0.9, 1.25))
        scan = dataclasses.replace(plan.scan, spacing_mm=(pixel, _slices(rng)))
        found = painted.paint(dataclasses.replace(plan, scan=scan))
        scans.append(Drawn(found.volume, found.labels))
    old, new = ({level: f.loss_percent for level, f in plan.fractures} for plan in plans[:2])
    return Pair("painted", (scans[0], scans[1]), old, new, moved)


def renamed(labels: LabelMap, moved: int) -> LabelMap:
    """The masks under names that are wrong by so many levels; L5 becomes L6, the sacrum keeps its name."""
    if not moved:
        return labels
    table = np.arange(256, dtype=np.uint8)
    row = [level for level in LEVELS if level.is_vertebra]
    row.append(Level.L6)
    for place, level in enumerate(row[:-1]):
        table[level.verse_id] = row[max(place + moved, 0)].verse_id
    return dataclasses.replace(labels, array=table[labels.array], names=())
