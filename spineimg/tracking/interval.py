"""One level between two scans: heights, lesions, score, and what could not be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from spineimg.core.estimate import Estimate
from spineimg.core.levels import Level
from spineimg.core.measurements import VertebraMeasurement
from spineimg.core.scores import LevelScore, SinsScores
from spineimg.core.settings.tracking import TrackingSettings
from spineimg.core.track import HeightChange, Interval, Treatment
from spineimg.tracking.detectable import (
    Detectable,
    Quantity,
    craniocaudal_spacing_mm,
    seen,
    smallest_detectable,
)
from spineimg.tracking.height_change import (
    Verdicts,
    fall_points,
    height_change,
    height_verdict,
    largest,
    ruler_of,
    verdicts,
)
from spineimg.tracking.identity import Named
from spineimg.tracking.lesion_change import LesionChange, crossed, lesion_change, lesions_of
from spineimg.tracking.timepoint import Timepoint
from spineimg.tracking.treatment import ended_by

HEIGHTS_PROVISIONAL = "the smallest detectable change is assumed, not measured"


@dataclass(frozen=True, slots=True, eq=False)
class Patient:
    """Everything known about one patient: scans by date, the track's names on each, scores, treatments."""

    points: tuple[Timepoint, ...]
    named: tuple[Named, ...]
    scores: tuple[SinsScores, ...]
    treatments: tuple[Treatment, ...]
    settings: TrackingSettings

    def vertebra(self, level: Level, k: int) -> VertebraMeasurement | None:
        """The vertebra on scan ``k``, or None."""
        own = self.named[k].own.get(level)
        return None if own is None else self.points[k].case.measurements.vertebra(own)

    def score(self, level: Level, k: int) -> LevelScore | None:
        """The level's score on scan ``k``, or None."""
        own = self.named[k].own.get(level)
        return None if own is None else self.scores[k].of(own)

    def complete(self, level: Level, k: int) -> bool:
        """Whether scan ``k`` shows the level whole and fit to be measured."""
        vertebra = self.vertebra(level, k)
        return vertebra is not None and vertebra.complete and vertebra.not_scorable is None


def interval_of(patient: Patient, level: Level, step: tuple[int, int]) -> Interval:
    """Compare one level on two scans (indices, earlier first)."""
    return _interval(patient, level, step, patient.vertebra(level, step[0]))


def interval_of_fractured(patient: Patient, level: Level, step: tuple[int, int]) -> Interval:
    """The same for a level that a still earlier interval showed to break: a further fall is a progression."""
    then, limit = patient.vertebra(level, step[0]), patient.settings.fractured_percent
    loss = None if then is None else then.height_loss_percent
    if then is not None:
        known = Estimate(limit, limit, 100.0) if loss is None else loss.clipped(limit, 100.0)
        then = replace(then, height_loss_percent=known)
    return _interval(patient, level, step, then)


def _interval(
    patient: Patient, level: Level, step: tuple[int, int], then: VertebraMeasurement | None
) -> Interval:
    i, j = step
    settings = patient.settings
    now = patient.vertebra(level, j)
    scores = patient.score(level, i), patient.score(level, j)
    before, after = (None if s is None or s.state == "not_scored" else s for s in scores)
    doubt = _doubt(patient, level, step)
    detectable = _detectable("height", patient, level, step)
    change, area = HeightChange(None, None, None), None
    judged = Verdicts("undetermined", "undetermined", f"Undetermined: {doubt}.", "undetermined")
    lesions = LesionChange(None, "undetermined")
    limit = None if detectable is None else detectable.value
    ruler = ruler_of(patient.points[i].case.record, patient.points[j].case.record, limit, settings)
    if doubt is None and then is not None and now is not None:
        lesions = _lesions(patient, level, step)
        if level.is_vertebra:
            change = height_change(then.heights_mm, now.heights_mm, ruler.own)
            area = fall_points(then.body_area_mm2, now.body_area_mm2)
            judged = verdicts(then, now, ruler, settings)
        else:
            judged = replace(judged, reason=f"Undetermined: {level} has no body heights.")
    worst = largest(change)
    return Interval(
        from_=i,
        to=j,
        days=(patient.points[j].date - patient.points[i].date).days,
        height_change_points=change,
        height_loss_change_points=None if worst is None else worst[1],
        smallest_detectable_points=limit,
        new_fracture=judged.new_fracture,
        progression=judged.progression,
        genant_from=() if then is None else then.genant_grade,
        genant_to=() if now is None else now.genant_grade,
        lesion_volume_change_ml=lesions.volume_ml,
        lesion_response=lesions.response,
        sins_from=None if before is None else before.total,
        sins_to=None if after is None else after.total,
        band_from=() if before is None else before.band,
        band_to=() if after is None else after.band,
        crossed=() if doubt is not None else crossed(before, after, settings),
        reason=judged.reason,
        event=judged.event,
        height_verdict=height_verdict(change, limit),
        area_change_points=area,
        alignment_from=() if before is None else before.components.alignment.possible,
        alignment_to=() if after is None else after.components.alignment.possible,
        posterolateral_from=() if before is None else before.components.posterolateral.possible,
        posterolateral_to=() if after is None else after.components.posterolateral.possible,
        not_compared=() if doubt is not None else _not_compared(patient, step, detectable),
    )


def _doubt(patient: Patient, level: Level, step: tuple[int, int]) -> str | None:
    """Why the level cannot be compared over this interval, or None."""
    ended = ended_by(level, patient.treatments, patient.points[step[1]].date)
    if ended is not None:
        return f"{ended.kind} at {level} on {ended.date} ends the comparison of images"
    for k in step:
        date = patient.points[k].date.isoformat()
        vertebra = patient.vertebra(level, k)
        if vertebra is None:
            return f"{level} is not in view on {date}"
        if vertebra.not_scorable is not None:
            return f"{vertebra.not_scorable} at {level} on {date}"
        if not vertebra.complete:
            return f"{level} is cut by the field of view on {date}"
    for k in step:
        if level in patient.named[k].doubts:
            return f"identity of {level} in doubt: {patient.named[k].doubts[level]}"
    return None


def _detectable(
    quantity: Quantity, patient: Patient, level: Level, step: tuple[int, int]
) -> Detectable | None:
    limit = patient.settings.fractured_percent
    scans = [
        seen(
            patient.points[k].case.record.modality,
            craniocaudal_spacing_mm(patient.points[k].labels.grid),
            patient.vertebra(level, k),
            limit,
        )
        for k in step
    ]
    return smallest_detectable(quantity, scans, level)


def _lesions(patient: Patient, level: Level, step: tuple[int, int]) -> LesionChange:
    scans = [patient.points[k] for k in step]
    then, now = (lesions_of(patient.points[k].case.measurements, patient.named[k].own[level]) for k in step)
    if _lesions_not_compared(scans) is not None:
        searched = all(p.case.measurements.lesions_searched for p in scans)
        return LesionChange(None, "undetermined" if then or now or not searched else "none")
    limit = _detectable("lesion_volume", patient, level, step)
    return lesion_change(then, now, None if limit is None else limit.value, patient.settings)


def _lesions_not_compared(scans: Sequence[Timepoint]) -> str | None:
    if len({p.case.record.modality for p in scans}) > 1:
        return "lesion volume and density: CT and MR show another border, and MR has no densities"
    if not all(p.case.measurements.lesions_searched for p in scans):
        return "lesions: nobody looked for them on one of the scans"
    return None


def _not_compared(patient: Patient, step: tuple[int, int], detectable: Detectable | None) -> tuple[str, ...]:
    """What of a level that can be compared could not be, each with its reason."""
    scans = [patient.points[k] for k in step]
    found = []
    lesions = _lesions_not_compared(scans)
    if lesions is not None:
        found.append(lesions)
    if detectable is not None and not detectable.measured:
        found.append(f"heights are compared, but {HEIGHTS_PROVISIONAL}")
    return tuple(found)
