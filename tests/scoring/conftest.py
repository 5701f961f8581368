"""A column of healthy vertebrae, built by hand, into which each test puts one finding."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from spineimg.core.estimate import Estimate
from spineimg.core.levels import Level
from spineimg.core.measurements import (
    Density,
    Heights,
    LesionMeasurement,
    Measurements,
    SegmentMeasurement,
    StructureShares,
    VertebraMeasurement,
)
from spineimg.core.scores import Pain, SinsScores
from spineimg.core.settings.scoring import ScoringSettings
from spineimg.scoring import score


def est(low: float, high: float, value: float | None = None) -> Estimate:
    """Estimate with its value in the middle unless told."""
    return Estimate((low + high) / 2 if value is None else value, low, high)


def near(value: float, half: float = 0.2) -> Estimate:
    """Estimate with a small interval."""
    return Estimate(value, value - half, value + half)


@dataclass(frozen=True)
class Column:
    """Measurements in the making: a run of healthy levels, then changes."""

    vertebrae: tuple[VertebraMeasurement, ...]
    segments: tuple[SegmentMeasurement, ...]
    lesions: tuple[LesionMeasurement, ...] = ()
    pain: dict[Level, Pain] = field(default_factory=dict)

    def vertebra(self, level: Level, **changes: Any) -> Column:
        """Change one vertebra."""
        return replace(
            self, vertebrae=tuple(replace(v, **changes) if v.level is level else v for v in self.vertebrae)
        )

    def segment(self, upper: Level, **changes: Any) -> Column:
        """Change the junction below a level."""
        return replace(
            self, segments=tuple(replace(s, **changes) if s.upper is upper else s for s in self.segments)
        )

    def lesion(self, level: Level, **changes: Any) -> Column:
        """Add a lesion: likely, 90 % lytic, in the body, 20 % of it, no posterior structure touched."""
        return replace(
            self, lesions=(*self.lesions, replace(healthy_lesion(level, len(self.lesions) + 1), **changes))
        )

    def with_pain(self, level: Level, value: Any) -> Column:
        """Give pain at a level."""
        return replace(self, pain={**self.pain, level: Pain(value)})

    def measured(self) -> Measurements:
        return Measurements(self.vertebrae, self.lesions, self.segments)

    def scored(self, settings: ScoringSettings | None = None) -> SinsScores:
        return score(self.measured(), self.pain, settings or ScoringSettings())


def healthy_vertebra(level: Level) -> VertebraMeasurement:
    height = Heights(near(25.0), near(24.0), near(26.0))
    return VertebraMeasurement(
        level=level,
        label=level.verse_id,
        complete=True,
        name_possible=(level,),
        name_confidence=0.99,
        centre_lps_mm=(0.0, 0.0, -30.0 * level.verse_id),
        axes_lps=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
        heights_mm=height,
        expected_heights_mm=height,
        height_loss_percent=est(-3, 5),
        loss_site="anterior",
        genant_grade=(0,),
        deformity="none",
        body_volume_ml=near(30.0),
        expected_body_volume_ml=near(30.0),
        endplate_step_mm=est(0.0, 0.6),
        lytic_percent=None,
        density=Density(near(180.0, 8.0), near(178.0, 5.0)),
        lesion_ids=(),
    )


def healthy_segment(upper: Level, lower: Level) -> SegmentMeasurement:
    normal = ScoringSettings().normal_angle(str(upper))
    return SegmentMeasurement(
        upper=upper,
        lower=lower,
        translation_ap_mm=near(0.3, 0.5),
        translation_lateral_mm=near(-0.2, 0.5),
        kyphosis_deg=near(normal.mean_deg, 1.0) if normal else None,
        scoliosis_deg=near(1.0, 1.0),
        listhesis_cause="none",
        caudal_depth_mm=33.0,
        posterior_walls_lps_mm=(
            (0.0, 15.0, -30.0 * upper.verse_id - 12.0),
            (0.0, 15.0, -30.0 * upper.verse_id - 18.0),
        ),
    )


def healthy_lesion(level: Level, number: int) -> LesionMeasurement:
    thoracic = str(level) in {f"T{n}" for n in range(1, 13)}
    none = est(0.0, 4.0)
    return LesionMeasurement(
        id=number,
        level=level,
        status="likely",
        look_alike=None,
        quality=("lytic",),
        volume_ml=near(6.0),
        lytic_percent=est(85, 95),
        body_percent=est(17, 23),
        structures_percent=StructureShares(none, none, none, none, *((none, none) if thoracic else ())),
        cortex_broken=(),
        touches=(),
        centre_lps_mm=(3.0, 2.0, -30.0 * level.verse_id),
    )


def healthy_column(levels: Iterable[Level]) -> Column:
    run = list(levels)
    segments = tuple(healthy_segment(a, b) for a, b in itertools.pairwise(run))
    return Column(tuple(healthy_vertebra(level) for level in run), segments)


class Build:
    """What the tests build with."""

    est = staticmethod(est)
    near = staticmethod(near)
    column = staticmethod(healthy_column)

    @staticmethod
    def usual() -> Column:
        """C1 to S1 in usual anatomy, the sacrum divided."""
        return healthy_column(
            [m for m in Level if m not in (Level.T13, Level.L6, Level.SACRUM, Level.COCCYX)]
        )


@pytest.fixture(scope="session")
def build() -> type[Build]:
    """Builder of measurements."""
    return Build
