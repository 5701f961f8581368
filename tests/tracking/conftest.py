"""A small drawn column whose vertebrae differ in shape, as the tests of tracking need it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from spineimg.core.case import Case, CaseRecord, SeriesRecord
from spineimg.core.estimate import Estimate
from spineimg.core.grid import Grid, axis_aligned_grid
from spineimg.core.labelmap import EngineId, LabelMap, Part
from spineimg.core.levels import LEVELS, Level
from spineimg.core.measurements import Density, Heights, LesionMeasurement, Measurements, VertebraMeasurement
from spineimg.core.scores import LevelScore, PatientScore, SinsScores
from spineimg.core.volume import Modality
from spineimg.tracking import Timepoint

PITCH_MM = 34.0


@dataclass(frozen=True)
class Scan:
    """What a drawn scan shows; ``heights`` are anterior, middle, posterior in mm, +- ``half_mm``."""

    levels: Sequence[Level]
    date: str | None = "2026-01-01"
    path: str = "baseline"
    key: str | None = "key"
    moved: int = 0
    """Names are wrong by so many levels."""
    turn_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    spacing_mm: float = 2.0
    heights: Mapping[Level, tuple[float, float, float]] = field(default_factory=dict)
    half_mm: float = 0.3
    loss: Mapping[Level, tuple[float, float]] = field(default_factory=dict)
    cut: Sequence[Level] = ()
    cemented: Sequence[Level] = ()
    lesions: tuple[LesionMeasurement, ...] = ()
    scores: tuple[LevelScore, ...] = ()
    modality: Modality = Modality.CT


def _inside(p: np.ndarray, level: Level) -> tuple[np.ndarray, np.ndarray]:
    """Body and posterior elements of a level, points in its own frame; each level has its own shape."""
    rng = np.random.default_rng(1000 + LEVELS.index(level))
    x, y, z = p[..., 0], p[..., 1], p[..., 2]
    width = 18.0 + 0.6 * (LEVELS.index(level) - 18)
    body = ((x / width) ** 2 + (y / 15.0) ** 2 < 1) & (np.abs(z) < 12)
    arch = (np.abs(x) < 17 + rng.uniform(-3, 3)) & (np.abs(y - 28) < 5) & (np.abs(z + rng.uniform(-4, 4)) < 7)
    pedicles = (np.abs(np.abs(x) - 13) < 4) & (y > 8) & (y < 28) & (np.abs(z - 3) < 5)
    tilt, length = rng.uniform(0.1, 0.6), rng.uniform(14, 26)
    spine = (
        (np.abs(x) < 3.5) & (y > 28) & (y < 30 + length) & (np.abs(z + tilt * (y - 28)) < rng.uniform(4, 8))
    )
    wing = rng.uniform(24, 34)
    wings = (
        (np.abs(x) < wing) & (np.abs(y - 24 - rng.uniform(0, 6)) < 3.5) & (np.abs(z - rng.uniform(-3, 3)) < 4)
    )
    return body, (arch | pedicles | spine | wings) & ~body


def _renamed(level: Level, moved: int) -> Level:
    return LEVELS[LEVELS.index(level) + moved]


def draw(scan: Scan) -> Timepoint:
    """Masks, measurements and scores of one scan; the whole patient is turned about the origin."""
    turn = Rotation.from_euler("xyz", scan.turn_deg, degrees=True).as_matrix()
    centres = {level: turn @ np.array([0.0, 0.0, -PITCH_MM * LEVELS.index(level)]) for level in scan.levels}
    around = np.array(list(centres.values()))
    grid = axis_aligned_grid(
        around.min(axis=0) - [42, 30, 36], around.max(axis=0) + np.array([42, 66, 30]), scan.spacing_mm
    )
    array = np.zeros(grid.shape, dtype=np.uint8)
    parts = np.zeros(grid.shape, dtype=np.uint8)
    points = grid.to_lps_mm(
        np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape], indexing="ij"), axis=-1)
    )
    for level, centre in centres.items():
        body, posterior = _inside((points - centre) @ turn, level)
        name = _renamed(level, scan.moved)
        array[body | posterior] = name.verse_id
        parts[body], parts[posterior] = Part.BODY, Part.POSTERIOR
    vertebrae = tuple(_vertebra(scan, level, centres[level], turn) for level in sorted(scan.levels))
    return Timepoint(scan.path, _case(scan, vertebrae, grid), LabelMap(array, grid, parts))


def _vertebra(scan: Scan, level: Level, centre: np.ndarray, turn: np.ndarray) -> VertebraMeasurement:
    name = _renamed(level, scan.moved)
    anterior, middle, posterior = (
        Estimate(h, h - scan.half_mm, h + scan.half_mm) for h in scan.heights.get(level, (24.0, 24.0, 24.0))
    )
    low, high = scan.loss.get(level, (0.0, 4.0))
    axes = tuple(tuple(float(x) for x in axis) for axis in turn.T)
    return VertebraMeasurement(
        level=name,
        label=name.verse_id,
        complete=level not in scan.cut,
        name_possible=(name,),
        name_confidence=1.0,
        centre_lps_mm=tuple(float(x) for x in centre),  # type: ignore[arg-type]
        axes_lps=axes,  # type: ignore[arg-type]
        heights_mm=Heights(anterior, middle, posterior),
        expected_heights_mm=Heights(None, None, None),
        height_loss_percent=Estimate((low + high) / 2, low, high),
        loss_site=None,
        genant_grade=(0,),
        deformity=None,
        body_volume_ml=None,
        expected_body_volume_ml=None,
        endplate_step_mm=None,
        lytic_percent=None,
        density=Density(None, None),
        lesion_ids=(),
        not_scorable="cement" if level in scan.cemented else None,
    )


def _case(scan: Scan, vertebrae: tuple[VertebraMeasurement, ...], grid: Grid) -> Case:
    series = SeriesRecord("1.2", "drawn", 1, 1, 1, (1.0, 1.0, 1.0), (1, 0, 0, 0, 1, 0), 1, "")
    record = CaseRecord(
        "0", "", 0, scan.key, scan.date, scan.modality, series, EngineId("drawn", "0"), "", {}, ()
    )
    scores = SinsScores(scan.scores, PatientScore(None, (), None))
    return Case(record, Measurements(vertebrae, scan.lesions, ()), scores)


@pytest.fixture(scope="session")
def drawn() -> Callable[..., Timepoint]:
    """Draw a scan from the fields of `Scan`; a level list is given first."""

    def make(levels: Sequence[Level], **fields: object) -> Timepoint:
        return draw(dataclasses.replace(Scan(levels), **fields))  # type: ignore[arg-type]

    return make
