"""Masks on a grid, with the vocabulary of the case folder."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spineimg.core.grid import Grid, sealed
from spineimg.core.levels import Level

BODIES_OVERLAP = "bodies-overlap"
"""Code of the caveat that names bodies whose masks take in parts of their neighbours."""


class Part(enum.IntEnum):
    """Ids of ``parts.nii.gz``; left and right are the patient's."""

    BODY = 1
    POSTERIOR = 2
    PEDICLE_LEFT = 3
    PEDICLE_RIGHT = 4
    FACET_LEFT = 5
    FACET_RIGHT = 6
    RIB_JOINT_LEFT = 7
    """Rib joint (T1-T12), elsewhere the transverse process."""
    RIB_JOINT_RIGHT = 8
    LAMINA = 9
    """Lamina and spinous process."""
    CANAL = 10


class LesionType(enum.IntEnum):
    """What a lesion voxel looks like; ids of ``LabelMap.lesion_types``."""

    LYTIC = 1
    BLASTIC = 2


@dataclass(frozen=True, slots=True, eq=False)
class LabelMap:
    """Vertebrae by VerSe id, on the grid of the image.

    Parameters
    ----------
    array : ndarray of uint8, (a, b, c)
        VerSe ids: C1-C7 1-7, T1-T12 8-19, L1-L6 20-25, sacrum (or S1) 26, coccyx 27, T13 28, S2-S5 29-32.
    grid : Grid
        Where the voxels lie.
    parts : ndarray of uint8 or None
        Ids of `Part` on the same grid; canal voxels carry no VerSe id. None: not divided yet.
    lesions : ndarray of uint8 or None
        Lesion candidates' ids (1...), also outside the bone where a lesion grows out. None: not looked for.
    lesion_types : ndarray of uint8 or None
        `LesionType` per lesion voxel as the finder sees it. None: left to the measurement.
    names : tuple of NameDoubt
        Per level what the engine thinks of its name; empty when the labels were given by a reader.
    findings : tuple of Finding
        Caveats of the engine about the whole scan or some levels.
    """

    array: NDArray[np.uint8]
    grid: Grid
    parts: NDArray[np.uint8] | None = None
    lesions: NDArray[np.uint8] | None = None
    lesion_types: NDArray[np.uint8] | None = None
    names: tuple[NameDoubt, ...] = ()
    findings: tuple[Caveat, ...] = ()
    engine: EngineId | None = None
    naming: NamingRecord | None = None
    """How sure the engine is of all names together; None: it does not say."""
    lesions_confirmed: bool = False
    """True when a reader gave the lesion masks: they are lesions, whatever they look like."""

    def __post_init__(self) -> None:
        for name in ("array", "parts", "lesions", "lesion_types"):
            mask = getattr(self, name)
            if mask is None:
                continue
            if mask.shape != self.grid.shape or mask.dtype != np.uint8:
                found = f"{mask.dtype} {mask.shape}"
                raise ValueError(f"{name} must be uint8 of shape {self.grid.shape}, not {found}")
            object.__setattr__(self, name, sealed(mask.view()))

    def levels(self) -> tuple[Level, ...]:
        """Levels present, head to foot."""
        ids = np.flatnonzero(np.bincount(self.array.ravel(), minlength=33))
        return tuple(sorted(Level.from_verse_id(int(i)) for i in ids if i > 0))


@dataclass(frozen=True, slots=True)
class NameDoubt:
    """All names that a vertebra labelled ``level`` may have, and how sure the first is (0-1)."""

    level: Level
    possible: tuple[Level, ...]
    confidence: float


@dataclass(frozen=True, slots=True)
class NamingRecord:
    """Posterior of the whole naming of a column, and the largest of any other name in it (0-1)."""

    best: float
    second: float


@dataclass(frozen=True, slots=True)
class Caveat:
    """A warning that stays with the case, by its code (docs/errors.md)."""

    code: str
    message: str
    levels: tuple[Level, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineId:
    """Which engine made the labels."""

    name: str
    version: str
    weights_sha256: str | None = None
