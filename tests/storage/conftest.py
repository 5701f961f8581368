"""A small case, built by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from spineimg.core.case import Case, CaseRecord, SeriesRecord
from spineimg.core.estimate import Estimate
from spineimg.core.grid import Grid
from spineimg.core.labelmap import Caveat, EngineId, LabelMap
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
    Pain,
    PatientScore,
    Question,
    SinsScores,
    Total,
)
from spineimg.core.track import HeightChange, Interval, LevelTrack, Match, Track, TrackedCase
from spineimg.core.volume import Modality, Volume

ABOUT = Estimate(25.123456789, 24.9, 25.5)


def a_vertebra(level: Level) -> VertebraMeasurement:
    points = EndplatePoints((0.0, -10.0, 1.0), (0.0, 0.0, 1.0), (0.0, 10.0, 1.0))
    return VertebraMeasurement(
        level=level,
        label=level.verse_id,
        complete=True,
        name_possible=(level, Level.L2),
        name_confidence=0.8,
        centre_lps_mm=(1.25, -2.5, 300.0),
        axes_lps=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
        heights_mm=Heights(ABOUT, None, ABOUT),
        expected_heights_mm=Heights(ABOUT, ABOUT, ABOUT),
        height_loss_percent=None,
        loss_site=None,
        genant_grade=(0, 1),
        deformity="wedge",
        body_volume_ml=ABOUT,
        expected_body_volume_ml=None,
        endplate_step_mm=None,
        lytic_percent=ABOUT,
        density=Density(None, ABOUT),
        lesion_ids=(1,),
        endplates_lps_mm=Endplates(points, points),
        not_scorable=None,
    )


def some_measurements() -> Measurements:
    lesion = LesionMeasurement(
        id=1,
        level=Level.L1,
        status="doubtful",
        look_alike="haemangioma",
        quality=("lytic", "mixed"),
        volume_ml=ABOUT,
        lytic_percent=None,
        body_percent=ABOUT,
        structures_percent=StructureShares(pedicle_left=ABOUT),
        cortex_broken=("posterior_wall",),
        touches=("upper_endplate",),
        centre_lps_mm=(1.0, 2.0, 3.0),
    )
    segment = SegmentMeasurement(
        upper=Level.L1,
        lower=Level.SACRUM,
        translation_ap_mm=None,
        translation_lateral_mm=Estimate(-0.5, -1.0, 0.0),
        kyphosis_deg=ABOUT,
        scoliosis_deg=None,
        listhesis_cause="pars-defect",
        caudal_depth_mm=33.3,
        posterior_walls_lps_mm=((0.0, 1.0, 2.0), (0.0, 1.0, 1.0)),
    )
    return Measurements((a_vertebra(Level.L1),), (lesion,), (segment,))


def some_scores() -> SinsScores:
    fact = Evidence("Loss 30 %.", 30.0, 20.0, "%", "Genant 1993", (1.0, 2.0, 3.0), "pictures/L1_sagittal.png")
    one, two = Component((3,), (fact,)), Component((0, 1), (Evidence("Unknown."),))
    parts = Components(
        location=one,
        pain=one,
        bone_lesion=two,
        alignment=Component((0,), ()),
        collapse=two,
        posterolateral=two,
    )
    level = LevelScore(
        level=Level.L1,
        state="candidate",
        reason="the lesion of L1 is doubtful",
        pain=Pain("mechanical", "2026-01-01", "command line"),
        components=parts,
        total=Total(6, 9),
        band=("stable", "potentially_unstable"),
        decide=(Question("collapse", "Is it collapsed?"),),
    )
    return SinsScores((level,), PatientScore(None, (), None))


def a_record() -> CaseRecord:
    return CaseRecord(
        spineimg_version="0.1.0",
        created="2026-11-25T12:00:00+00:00",
        revision=1,
        patient_key="abc",
        study_date="2026-01-01",
        modality=Modality.CT,
        series=SeriesRecord(
            "1.2.3", "Spine", 512, 512, 300, (0.5, 0.5, 1.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), 300, "d1"
        ),
        engine=EngineId("spineimg-ct", "1", "ab" * 32),
        settings_digest="cd" * 32,
        files={},
        caveats=(Caveat("level-name-uncertain", "L1 may be L2", (Level.L1,)),),
        timings_s={"load": 1.5},
        peak_memory_mb=900.25,
    )


def a_track() -> Track:
    interval = Interval(
        from_=0,
        to=1,
        days=90,
        height_change_points=HeightChange(ABOUT, None, ABOUT),
        height_loss_change_points=ABOUT,
        smallest_detectable_points=4.5,
        new_fracture="yes",
        progression="no",
        genant_from=(0,),
        genant_to=(1, 2),
        lesion_volume_change_ml=None,
        lesion_response="larger",
        sins_from=Total(7, 8),
        sins_to=None,
        band_from=("potentially_unstable",),
        band_to=(),
        crossed=(13,),
        reason=None,
    )
    cases = (TrackedCase("a", "2026-01-01", 1), TrackedCase("b", "2026-04-01", 2))
    matches = (Match(0, Level.L1, Level.L1, 0.0, 1.0), Match(1, Level.L1, None, None, None))
    return Track("abc", cases, matches, (LevelTrack(Level.L1, (interval,)),), ())


def some_labels() -> LabelMap:
    affine = np.array(
        [[0.0, 0.0, 1.5, -20.0], [0.8, 0.0, 0.0, 10.0], [0.0, 0.9, 0.0, 300.0], [0.0, 0.0, 0.0, 1.0]]
    )
    grid = Grid((6, 5, 4), affine)
    array = np.zeros(grid.shape, np.uint8)
    array[1:5, 1:4, 1:3] = Level.L1.verse_id
    parts = (array > 0).astype(np.uint8)
    lesions = np.zeros_like(array)
    lesions[2, 2, 1] = 1
    return LabelMap(array, grid, parts, lesions, lesions.copy(), engine=EngineId("e", "1"))


class Samples:
    """One of each."""

    measurements = staticmethod(some_measurements)
    scores = staticmethod(some_scores)
    record = staticmethod(a_record)
    track = staticmethod(a_track)
    labels = staticmethod(some_labels)

    @staticmethod
    def case(**changes: Any) -> Case:
        return Case(replace(a_record(), **changes), some_measurements(), some_scores())

    @staticmethod
    def image() -> Volume:
        grid = some_labels().grid
        return Volume(np.arange(120, dtype=np.int16).reshape(grid.shape) - 50, grid, Modality.CT)


@pytest.fixture(scope="session")
def samples() -> type[Samples]:
    """Samples of every record."""
    return Samples
