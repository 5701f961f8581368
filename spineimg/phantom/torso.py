"""Everything soft: skin, fat, muscle, lungs, vessels, organs, and the canal with its cord; painted in HU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spineimg.core.levels import Level
from spineimg.phantom.profile import Profile
from spineimg.phantom.shapes import Coordinates, Field, cover, ellipsoid, intersection, oval
from spineimg.phantom.spec import Phase
from spineimg.phantom.texture import noise


class Fill(Protocol):
    """Paints what lies inside a solid."""

    def __call__(self, distance: Field, value: float, grain: float = 0.0) -> None:
        """Mix ``value`` HU, with some grain, into the voxels that the solid covers."""


_PHASES: dict[Phase, dict[str, float]] = {
    "venous": {"artery": 1.0, "heart": 0.8, "vein": 1.0, "organ": 0.35, "kidney": 0.42, "urine": 0.0},
    "arterial": {"artery": 1.6, "heart": 1.3, "vein": 0.2, "organ": 0.12, "kidney": 0.6, "urine": 0.0},
    "delayed": {"artery": 0.45, "heart": 0.4, "vein": 0.45, "organ": 0.25, "kidney": 0.6, "urine": 3.0},
}
"""Share of the agent's HU by place; by hand, after the look of the three phases."""
AIR, FAT, MUSCLE, LUNG = -1000.0, -98.0, 56.0, -860.0


@dataclass(frozen=True, slots=True, eq=False)
class Torso:
    """A patient's soft parts; heights of the levels that borders refer to."""

    profile: Profile
    level_z: dict[Level, float]
    contrast_hu: float
    seed: int
    phase: Phase = "venous"

    def _plus(self, place: str) -> float:
        """What the agent adds at a place, HU."""
        return _PHASES[self.phase][place] * self.contrast_hu

    def paint(self, p: Coordinates, width_mm: float) -> tuple[Field, NDArray[np.bool_]]:
        """HU without bone, discs, canal, and what lies inside the skin; coordinates in the patient frame."""
        spine_x, spine_y = self.profile.spine(p.z)
        q = Coordinates(p.x - spine_x, p.y - spine_y, p.z)
        skin = self.profile.skin(q)
        shape = skin.shape
        rough = noise(Coordinates(*np.broadcast_arrays(q.x, q.y, p.z)), self.seed + 11, 3.0)
        hu = np.full(shape, AIR, np.float32)

        def fill(distance: Field, value: float, grain: float = 0.0) -> None:
            share = cover(distance, width_mm)
            target = np.float32(value) if grain == 0.0 else np.float32(value) + np.float32(grain) * rough
            np.add(hu, share * (target - hu), out=hu)

        wall = self.profile.fat_mm
        fill(skin, 25.0)
        fill(skin + np.float32(1.6), FAT, 7.0)
        folds = skin + np.float32(wall) + rough * np.float32(0.6)
        fill(folds, MUSCLE, 6.0)
        inside = skin + np.float32(wall + 15.0)
        self._neck(q, fill)
        self._cavity(q, inside, rough, fill)
        self._muscles(q, fill)
        self._vessels(q, fill)
        return hu, skin < 0

    def _z(self, level: Level) -> float:
        return self.level_z[level]

    def _cavity(self, q: Coordinates, inside: Field, rough: Field, fill: Fill) -> None:
        """Chest and belly: the space before and beside the column."""
        column = oval(q.x, q.y - np.float32(14.0), np.float32(27.0), np.float32(36.0))
        behind = q.y - np.float32(30.0) + np.float32(10.0) * np.exp(-((q.x / np.float32(45.0)) ** 2))
        space = np.maximum(np.maximum(inside, behind), -column)
        dome = np.float32(self._z(Level.T10) - 4) + np.float32(26.0) * np.cos(
            np.clip((np.abs(q.x) - 72.0) / 75.0, -1.4, 1.4)
        )
        gutter = np.float32(46.0) * np.clip((q.y + 30.0) / 55.0, 0, 1)
        floor = dome - gutter
        apex = np.float32(self._z(Level.T1) - 2)
        bottom = np.float32(self._z(Level.SACRUM) - 150.0)
        belly = np.maximum(np.maximum(space, q.z - floor + 2), bottom - q.z)
        fill(belly, FAT, 8.0)
        self._organs(q, belly, fill)
        chest = np.maximum(np.maximum(space, floor - q.z), q.z - apex)
        fill(chest, FAT, 10.0)
        mediastinum = oval(q.x - np.float32(10.0), q.y + np.float32(62.0), np.float32(40.0), np.float32(66.0))
        lung = np.maximum(np.maximum(chest + np.float32(2.0), -mediastinum), q.z - apex)
        fill(lung, LUNG, 22.0)
        vessel = np.maximum(
            lung, np.float32(1.0) - (rough - np.float32(1.55)) * np.float32(1.5) - np.float32(1.0)
        )
        fill(vessel, 20.0)
        heart = ellipsoid(q, (22.0, -95.0, self._z(Level.T8)), (56.0, 42.0, 52.0))
        fill(np.maximum(heart, chest), 48.0 + self._plus("heart"), 4.0)

    def _organs(self, q: Coordinates, belly: Field, fill: Fill) -> None:
        plus = self._plus("organ")
        slow = noise(Coordinates(*np.broadcast_arrays(q.x, q.y, q.z)), self.seed + 12, 14.0)
        gut = np.maximum(belly, np.float32(4.0) - np.float32(9.0) * slow)
        lower = np.maximum(gut, q.z - np.float32(self._z(Level.L1)))
        fill(lower, 34.0, 10.0)
        gas = np.maximum(belly, np.float32(13.0) - np.float32(9.0) * slow)
        fill(np.maximum(np.maximum(gas, q.z - np.float32(self._z(Level.L1))), q.y + np.float32(55.0)), -820.0)
        liver = ellipsoid(q, (-72.0, -48.0, self._z(Level.T11)), (82.0, 82.0, 82.0))
        fill(
            np.maximum(np.maximum(liver, belly), np.float32(18.0) + q.x * np.float32(0.8) + q.y * 0.25),
            58.0 + plus,
            4.0,
        )
        spleen = ellipsoid(q, (98.0, -4.0, self._z(Level.T11)), (32.0, 46.0, 52.0))
        fill(np.maximum(spleen, belly), 50.0 + plus, 4.0)
        stomach = ellipsoid(q, (52.0, -82.0, self._z(Level.T12)), (42.0, 36.0, 52.0))
        fill(np.maximum(stomach, belly), 22.0, 10.0)
        for side, level in ((1.0, Level.L1), (-1.0, Level.L2)):
            kidney = ellipsoid(q, (side * 62.0, 2.0, self._z(level) + 6.0), (25.0, 27.0, 55.0))
            fill(np.maximum(kidney, belly), 33.0 + self._plus("kidney"), 4.0)
        bladder = ellipsoid(q, (0.0, -92.0, self._z(Level.SACRUM) - 105.0), (44.0, 36.0, 34.0))
        fill(bladder, 8.0 + self._plus("urine"))

    def _neck(self, q: Coordinates, fill: Fill) -> None:
        """Airway and fat planes of the neck, the brain above."""
        low, high = self._z(Level.T4), self._z(Level.C3)
        airway = oval(q.x, q.y + np.float32(34.0), np.float32(8.5), np.float32(7.5))
        fill(np.maximum(np.maximum(airway, np.float32(low) - q.z), q.z - np.float32(high + 40)), -970.0)
        for side in (1.0, -1.0):
            carotid = oval(
                q.x - np.float32(side * 30.0), q.y + np.float32(20.0), np.float32(5.0), np.float32(5.0)
            )
            fill(np.maximum(carotid, np.float32(self._z(Level.T1)) - q.z), 45.0 + self._plus("artery"))

    def _muscles(self, q: Coordinates, fill: Fill) -> None:
        sacrum, crown = self._z(Level.SACRUM), self._z(Level.C2)
        for side in (1.0, -1.0):
            thick = np.interp(
                q.z,
                [sacrum - 60, sacrum + 20, self._z(Level.L3), self._z(Level.T10), self._z(Level.T4), crown],
                [8.0, 20.0, 23.0, 15.0, 13.0, 16.0],
            ).astype(np.float32)
            bulk = oval(q.x - np.float32(side * 33.0), q.y - np.float32(44.0), np.float32(31.0), thick, 2.5)
            fill(bulk, MUSCLE, 16.0)
            grow = np.clip((np.float32(self._z(Level.T12)) - q.z) / np.float32(110.0), 0.0, 1.0)
            away = np.clip((np.float32(self._z(Level.L5)) - q.z) / np.float32(90.0), 0.0, 1.0)
            psoas = oval(
                q.x - np.float32(side) * (np.float32(30.0) + 9 * grow + 24 * away),
                q.y - np.float32(6.0) + 12 * grow + 42 * away,
                np.float32(4.0) + 15 * grow,
                np.float32(5.0) + 19 * grow,
            )
            ends = np.maximum(q.z - np.float32(self._z(Level.T12)), np.float32(sacrum - 160) - q.z)
            fill(np.maximum(psoas, ends), MUSCLE + 4, 5.0)
            square = oval(
                q.x - np.float32(side * 68.0), q.y - np.float32(20.0), np.float32(24.0), np.float32(8.0)
            )
            fill(np.maximum(np.maximum(square, ends), np.float32(self._z(Level.L5)) - q.z), MUSCLE, 6.0)

    def _vessels(self, q: Coordinates, fill: Fill) -> None:
        blood, venous = 44.0 + self._plus("artery"), 44.0 + self._plus("vein")
        fork, arch, top = self._z(Level.L4) - 12, self._z(Level.T4), self._z(Level.T8)
        drift = np.clip((np.float32(top) - q.z) / np.float32(180.0), 0.0, 1.0)
        aorta = oval(
            q.x - (np.float32(22.0) - 16 * drift),
            q.y + np.float32(26.0) + 8 * drift,
            11.5 - 2.5 * drift,
            11.5 - 2.5 * drift,
        )
        fill(intersection(aorta, np.maximum(np.float32(fork) - q.z, q.z - np.float32(arch)), 4.0), blood, 3.0)
        cava = oval(q.x + np.float32(18.0), q.y + np.float32(30.0), np.float32(12.0), np.float32(9.0))
        fill(
            intersection(cava, np.maximum(np.float32(fork) - q.z, q.z - np.float32(self._z(Level.T10))), 4.0),
            venous - 4,
            3.0,
        )
        for side in (1.0, -1.0):
            out = np.clip((np.float32(fork) - q.z) / np.float32(120.0), 0.0, 1.0)
            iliac = oval(
                q.x - np.float32(side) * (np.float32(9.0) + 42 * out),
                q.y + 34 + 26 * out,
                np.float32(7.5),
                np.float32(7.5),
            )
            fill(np.maximum(iliac, q.z - np.float32(fork)), blood, 3.0)
