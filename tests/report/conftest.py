"""A case drawn by hand: two box-shaped vertebrae with a lesion on the patient's left of the lower one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from spineimg.core.case import Case, CaseRecord, SeriesRecord
from spineimg.core.estimate import Estimate
from spineimg.core.grid import Grid, axis_aligned_grid
from spineimg.core.labelmap import Caveat, EngineId, LabelMap, Part
from spineimg.core.levels import Level
from spineimg.core.measurements import (
    Density,
    EndplatePoints,
    Endplates,
    Heights,
    LesionMeasurement,
    Measurements,
    SegmentMeasurement,
    StructureShares,
    VertebraMeasurement,
)
from spineimg.core.scores import (
    Component,
    Components,
    Evidence,
    LevelScore,
    PatientScore,
    Question,
    SinsScores,
    Total,
)
from spineimg.core.volume import Modality, Volume

CENTRES = {Level.T12: 17.0, Level.L1: -17.0}
"""Height of the body centres, mm; both lie at x = y = 0."""


def estimate(value: float, half: float = 1.0) -> Estimate:
    return Estimate(value, value - half, value + half)


def _vertebra(level: Level, heights: tuple[float, float, float]) -> VertebraMeasurement:
    z = CENTRES[level]
    upper = [(0.0, y, z - 12 + h) for y, h in zip((-12.0, 0.0, 12.0), heights, strict=True)]
    lower = [(0.0, y, z - 12) for y in (-12.0, 0.0, 12.0)]
    return VertebraMeasurement(
        level, level.verse_id, True, (level,), 0.9, (0.0, 0.0, z), ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
        Heights(*map(estimate, heights)), Heights(*map(estimate, (24.0, 24.0, 24.0))),
        estimate(100 * (1 - min(heights) / 24)), "anterior", (0,), "none", estimate(30), estimate(30),
        None, None,
        Density(None, None), (1,) if level is Level.L1 else (),
        Endplates(EndplatePoints(*upper), EndplatePoints(*lower)),
    )  # fmt: skip


@pytest.fixture(scope="session")
def measurements() -> Measurements:
    lesion = LesionMeasurement(
        1, Level.L1, "likely", None, ("lytic",), estimate(3.0), estimate(90.0), estimate(20.0),
        StructureShares(pedicle_left=estimate(40.0)), ("pedicle_left",), (), (10.0, 2.0, -19.0),
    )  # fmt: skip
    segment = SegmentMeasurement(
        Level.T12,
        Level.L1,
        estimate(2.0),
        None,
        None,
        None,
        "none",
        30.0,
        ((0.0, 14.0, 5.0), (0.0, 16.0, -5.0)),
    )
    vertebrae = (_vertebra(Level.T12, (24, 24, 24)), _vertebra(Level.L1, (18, 21, 24)))
    return Measurements(vertebrae, (lesion,), (segment,))


@pytest.fixture(scope="session")
def labels() -> LabelMap:
    grid = axis_aligned_grid(np.array([-45.0, -40.0, -45.0]), np.array([45.0, 60.0, 45.0]), 2.0)
    p = _points(grid)
    array = np.zeros(grid.shape, dtype=np.uint8)
    parts = np.zeros(grid.shape, dtype=np.uint8)
    for level, z in CENTRES.items():
        body = (np.abs(p[..., 0]) < 20) & (np.abs(p[..., 1]) < 15) & (np.abs(p[..., 2] - z) < 12)
        back = (np.abs(p[..., 0]) < 20) & (np.abs(p[..., 1] - 35) < 8) & (np.abs(p[..., 2] - z) < 8)
        array[body | back] = level.verse_id
        parts[body], parts[back] = Part.BODY, Part.LAMINA
    lesions = (((p - np.array([10.0, 2.0, -19.0])) ** 2).sum(axis=-1) < 64).astype(np.uint8)
    return LabelMap(array, grid, parts, lesions)


@pytest.fixture(scope="session")
def volume(labels: LabelMap) -> Volume:
    array = np.where(labels.array > 0, 250, 40) - 200 * labels.lesions.astype(np.int16)
    return Volume(array.astype(np.int16), labels.grid, Modality.CT)


def _points(grid: Grid) -> np.ndarray:
    return grid.to_lps_mm(np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape], indexing="ij"), axis=-1))


@pytest.fixture(scope="session")
def level_score() -> Callable[..., LevelScore]:
    """A score of one level from its total; ``state`` and ``reason`` may be given."""

    def make(
        level: Level, low: int, high: int, state: str = "scored", reason: str | None = None
    ) -> LevelScore:
        evidence = Evidence(f"Loss at {level} 25 % (24-26).", 25.0, 20.0, "%", "Genant 1993", (0.0, 0.0, 0.0))
        one, open_one = Component((2,), (evidence,)), Component((0, 1, 3), (Evidence("Pain was not given."),))
        three = Component((3,), (evidence,))
        bands = [(0, 6, "stable"), (7, 12, "potentially_unstable"), (13, 18, "unstable")]
        band = tuple(name for a, b, name in bands if low <= b and high >= a)
        question = (Question("pain", f"Is the pain at {level} mechanical?"),)
        return LevelScore(
            level,
            state,
            reason,
            None,
            Components(one, open_one, one, one, one, three),
            Total(low, high),
            band,
            question,  # type: ignore[arg-type]
        )

    return make


@pytest.fixture(scope="session")
def make_case(measurements: Measurements) -> Callable[..., Case]:
    """A case from the scores of its levels; the first scored one with the largest total decides."""

    def make(*scores: LevelScore, caveats: tuple[Caveat, ...] = (), date: str = "2026-01-05") -> Case:
        scored = [s for s in scores if s.state == "scored"]
        worst = max(scored, key=lambda s: s.total.high) if scored else None
        patient = (
            PatientScore(None, (), None)
            if worst is None
            else PatientScore(worst.total, worst.band, worst.level)
        )
        series = SeriesRecord("1.2.3", "Spine", 46, 51, 46, (2.0, 2.0, 2.0), (1, 0, 0, 0, 1, 0), 46, "d" * 64)
        record = CaseRecord(
            "0.1.0", "2026-01-06T10:00:00Z", 0, "k" * 64, date, Modality.CT, series,
            EngineId("spine-ct", "0.1", "w" * 64), "s" * 64, {}, caveats, {"load": 1.0},
        )  # fmt: skip
        return Case(record, measurements, SinsScores(scores, patient))

    return make
