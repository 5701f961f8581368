"""From a scan with labels to measurements: the table of contents of this room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from spineimg.core.estimate import Estimate
from spineimg.core.labelmap import BODIES_OVERLAP, LabelMap
from spineimg.core.levels import Level
from spineimg.core.measurements import (
    Density,
    Heights,
    LesionMeasurement,
    Measurements,
    Point,
    StructureShares,
    VertebraMeasurement,
)
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.core.volume import Volume
from spineimg.measurement.alignment import Signs, Standing, junctions, measure_segments
from spineimg.measurement.atlas import atlantodental
from spineimg.measurement.body import Body, find_bodies
from spineimg.measurement.density import Core, Healthy, core_of, healthy_bone, mean_density
from spineimg.measurement.destroyed import widened_at_lesions, widened_walls
from spineimg.measurement.disc import canal_ratios, measure_discs
from spineimg.measurement.heights import (
    BodyHeights,
    Expected,
    Loss,
    area_loss,
    endplate_step,
    expected_heights,
    height_loss,
    measure_heights,
)
from spineimg.measurement.lesion_facts import WHOLE, Patient, measure_lesions
from spineimg.measurement.lesions import find_lesions
from spineimg.measurement.lookalikes import artificial
from spineimg.measurement.machine_masks import (
    by_machine,
    implausible,
    widened_angles,
    widened_heights,
)
from spineimg.measurement.missing import missing_bone
from spineimg.measurement.normal import normal_heights_mm
from spineimg.measurement.overlap import overlapping, told
from spineimg.measurement.parts import divide
from spineimg.measurement.shape_caveats import shape_caveats

NOTHING = Heights(None, None, None)


def measure(volume: Volume, labels: LabelMap, settings: MeasurementSettings) -> Measurements:
    """Measure one scan.

    Parameters
    ----------
    volume : Volume
        CT or MR.
    labels : LabelMap
        Vertebrae on the volume's grid; parts and lesions are made here where they are missing (`divide`,
        `find_lesions`).
    settings : MeasurementSettings
        Every threshold.

    Returns
    -------
    Measurements
        Vertebrae, lesions and segments, head to foot.
    """
    labels = labels if labels.parts is not None else divide(labels, settings)
    labels = find_lesions(volume, labels, settings)
    bodies = find_bodies(volume, labels, settings)
    cores = {level: core_of(volume, labels, body.piece, settings) for level, body in bodies.items()}
    healthy = healthy_bone(cores, settings)
    heights = _heights(bodies, labels, settings)
    frames = {level: body.frame for level, body in bodies.items()}
    crossed = overlapping(heights, frames, settings) | (told(labels) & bodies.keys())
    heights = {level: kept for level, kept in heights.items() if level not in crossed}
    affected = _affected(cores, settings)
    machine = by_machine(labels)
    crossed |= implausible(heights, machine, affected, settings)
    heights = widened_heights(
        {level: kept for level, kept in heights.items() if level not in crossed}, machine, settings
    )
    expected = expected_heights(heights, affected, settings)
    losses = {
        level: height_loss(heights[level], expected[level], settings)
        for level in heights
        if level in expected
    }
    body_ml = {level: _expected_body_ml(body, losses.get(level)) for level, body in bodies.items()}
    patient = Patient(volume, labels, bodies, cores, healthy, body_ml)
    lesions = measure_lesions(patient, settings)
    standing = {
        level: Standing(body.frame, body.sagittal, body.coronal, body.step_mm, body.tilts)
        for level, body in bodies.items()
        if (body.piece.body_whole or not level.is_vertebra) and level not in crossed
    }
    segments = measure_segments(standing, _signs(patient, settings), settings)
    segments = widened_angles(widened_walls(segments, labels, settings), machine, settings)
    # A reader who drew the lesions has seen what is missing; a machine's masks are weighed.
    weighed = patient.typed and not labels.lesions_confirmed
    missing = missing_bone(volume, labels, bodies, settings) if weighed else {}
    caveats = shape_caveats({level: body.sagittal for level, body in bodies.items()}, heights, settings)
    caveats |= dict.fromkeys(crossed, (BODIES_OVERLAP,))
    scan = _Scan(patient, heights, expected, losses, lesions, missing, caveats)
    vertebrae = tuple(_vertebra(level, scan, settings) for level in bodies)
    return Measurements(vertebrae, lesions, segments, lesions_searched=labels.lesions is not None)


def _signs(patient: Patient, settings: MeasurementSettings) -> Signs:
    """Degenerative signs, where densities mean something; the gap of C1 and C2, which needs masks only."""
    bodies = patient.bodies
    gap = None
    if Level.C1 in bodies and Level.C2 in bodies:
        gap = atlantodental(bodies[Level.C1], bodies[Level.C2], settings)
    if not patient.typed:
        return Signs({}, {}, gap)
    discs = measure_discs(patient.volume, patient.labels, bodies, junctions(bodies), settings)
    return Signs(discs, canal_ratios(bodies, patient.labels), gap)


@dataclass(frozen=True, slots=True, eq=False)
class _Scan:
    """What is known when the vertebrae are written down."""

    patient: Patient
    heights: Mapping[Level, BodyHeights]
    expected: Mapping[Level, Expected]
    losses: Mapping[Level, Loss]
    lesions: tuple[LesionMeasurement, ...]
    missing: Mapping[Level, StructureShares]
    caveats: Mapping[Level, tuple[str, ...]]


def _heights(
    bodies: Mapping[Level, Body], labels: LabelMap, settings: MeasurementSettings
) -> dict[Level, BodyHeights]:
    """Heights of all bodies in view that the slices resolve; none for C1, C2 and the sacrum."""
    found = {}
    for level, body in bodies.items():
        coarse = body.step_mm[2] >= settings.coarsest_mm
        if coarse or not body.piece.body_whole or normal_heights_mm(level) is None:
            continue
        heights = measure_heights(body.sagittal, body.frame, settings)
        if heights is not None:
            found[level] = widened_at_lesions(heights, labels, body.frame.axes[2], settings)
    return found


def _affected(cores: Mapping[Level, Core], settings: MeasurementSettings) -> frozenset[Level]:
    """Levels whose body is so far replaced that they tell nothing of their neighbours' height."""
    return frozenset(
        level
        for level, core in cores.items()
        if (core.body & (core.lesion > 0)).sum() > settings.lesion_share_affected * max(core.body.sum(), 1)
    )


def _expected_body_ml(body: Body, loss: Loss | None) -> float:
    """Volume of the body before any loss: the measured one over the mean share of height that is left."""
    if loss is None:
        return body.body_ml
    left = 1.0 - np.clip(loss.percent, 0.0, WHOLE * 0.9) / WHOLE
    return float(body.body_ml / left.mean()) if loss.deformity != "none" else body.body_ml


def _vertebra(level: Level, scan: _Scan, settings: MeasurementSettings) -> VertebraMeasurement:
    patient = scan.patient
    body = patient.bodies[level]
    doubt = next((d for d in patient.labels.names if d.level is level), None)
    loss, heights = scan.losses.get(level), scan.heights.get(level)
    expected = scan.expected.get(level)
    own = [lesion for lesion in scan.lesions if lesion.level is level]
    rows = [_point(axis) for axis in body.frame.axes]
    return VertebraMeasurement(
        level=level,
        label=level.verse_id,
        complete=body.piece.complete,
        name_possible=doubt.possible if doubt else (level,),
        name_confidence=doubt.confidence if doubt else None,
        centre_lps_mm=_point(body.frame.origin),
        axes_lps=(rows[0], rows[1], rows[2]),
        heights_mm=heights.estimates() if heights else NOTHING,
        expected_heights_mm=expected.estimates() if expected and heights else NOTHING,
        height_loss_percent=loss.worst if loss else None,
        loss_site=loss.site if loss else None,
        genant_grade=loss.grades if loss else (),
        deformity=loss.deformity if loss else None,
        body_volume_ml=_volume(body.body_ml, settings) if body.piece.body_whole else None,
        expected_body_volume_ml=_volume(patient.body_ml[level], settings) if body.piece.body_whole else None,
        endplate_step_mm=endplate_step(body.sagittal, settings) if heights else None,
        lytic_percent=_pooled_lytic(own),
        density=_density(patient.healthy.get(level), patient.cores[level], patient, settings),
        lesion_ids=tuple(lesion.id for lesion in own),
        endplates_lps_mm=heights.points if heights else None,
        not_scorable=artificial(patient.cores[level], settings) if patient.typed else None,
        body_area_mm2=heights.area() if heights else None,
        area_loss_percent=area_loss(heights, expected) if heights and expected else None,
        collapse_caveats=scan.caveats.get(level, ()),
        structures_missing_percent=scan.missing.get(level),
    )


def _point(row: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Point:
    return float(row[0]), float(row[1]), float(row[2])


def _volume(volume_ml: float, settings: MeasurementSettings) -> Estimate:
    return Estimate.from_sd(volume_ml, settings.body_volume_sd * volume_ml)


def _density(healthy: Healthy | None, core: Core, patient: Patient, settings: MeasurementSettings) -> Density:
    if not patient.typed:
        return Density(None, None)
    return Density(healthy.estimate() if healthy else None, mean_density(core, settings))


def _pooled_lytic(lesions: list[LesionMeasurement]) -> Estimate | None:
    """Lytic share by volume over all lesions of a level that may be metastases."""
    counted = [x for x in lesions if x.status != "unlikely" and x.lytic_percent is not None]
    total = sum(x.volume_ml.value for x in counted)
    if not counted or total <= 0.0:
        return None
    shares = [x.lytic_percent for x in counted if x.lytic_percent is not None]
    weights = [x.volume_ml.value / total for x in counted]
    value, low, high = (
        sum(w * getattr(s, end) for w, s in zip(weights, shares, strict=True))
        for end in ("value", "low", "high")
    )
    return Estimate(value, min(low, value), max(high, value))
