"""Scans of one patient in, one row per level and interval out."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from spineimg.core.errors import InputRefused
from spineimg.core.labelmap import Caveat
from spineimg.core.levels import Level
from spineimg.core.measurements import VertebraMeasurement
from spineimg.core.settings.tracking import TrackingSettings
from spineimg.core.track import HeightChange, Interval, LevelTrack, Track, TrackedCase
from spineimg.tracking.detectable import Detectable, Quantity, craniocaudal_spacing_mm, smallest_detectable
from spineimg.tracking.height_change import Verdicts, height_change, largest, verdicts
from spineimg.tracking.identity import Named, identify, matches
from spineimg.tracking.lesion_change import LesionChange, crossed, lesion_change, lesions_of
from spineimg.tracking.timepoint import Timepoint, in_order


def track(points: Sequence[Timepoint], settings: TrackingSettings, override: str | None = None) -> Track:
    """Follow every vertebra of one patient from scan to scan.

    Parameters
    ----------
    points : sequence of Timepoint
        Two or more cases, any order; they are sorted by date and the track says so.
    settings : TrackingSettings
        Limits, each with its source.
    override : str or None
        Why cases with different patient keys are of one patient.

    Returns
    -------
    Track
        Levels under the names of the first scan. A level that a scan between does not show complete has one
        further interval, from the last scan that does to the next one.

    Raises
    ------
    UsageError
        ``too-few-cases``.
    InputRefused
        ``patients-differ``, ``study-date-missing``, ``same-date``, ``no-common-level``.
    """
    ordered, caveats = in_order(points, override)
    named, name_caveats = identify(ordered, settings)
    _common_level(ordered, named)
    levels = sorted({name for one in named for name in one.own if _of_interest(name, ordered, one)})
    tracks = tuple(
        LevelTrack(
            level,
            tuple(
                _interval(level, (i, j), ordered, named, settings) for i, j in _steps(level, ordered, named)
            ),
        )
        for level in levels
    )
    keys = [p.case.record.patient_key for p in ordered if p.case.record.patient_key]
    return Track(
        keys[0] if keys else "unknown",
        tuple(TrackedCase(p.path, p.date.isoformat(), p.case.record.revision) for p in ordered),
        matches(ordered, named),
        tracks,
        (*caveats, *name_caveats, *_comparability(ordered)),
    )


def _common_level(points: Sequence[Timepoint], named: Sequence[Named]) -> None:
    for k in range(1, len(points)):
        earlier = {name for one in named[:k] for name in one.own if name.is_vertebra}
        if not earlier & set(named[k].own):
            raise InputRefused(
                "no-common-level",
                f"{points[k].path} shows no vertebra that an earlier case shows",
                "compare scans whose fields of view overlap",
            )


def _of_interest(name: Level, points: Sequence[Timepoint], named: Named) -> bool:
    """Vertebrae always; sacral levels, which have no heights, where a lesion or score stands."""
    own = named.own[name]
    return name.is_vertebra or any(
        lesions_of(p.case.measurements, own) or p.case.scores.of(own) for p in points
    )


def _steps(level: Level, points: Sequence[Timepoint], named: Sequence[Named]) -> list[tuple[int, int]]:
    """Consecutive scans of which one shows the level, and bridges over scans that do not show it complete."""
    steps = [(k, k + 1) for k in range(len(points) - 1) if level in named[k].own or level in named[k + 1].own]
    whole = [k for k in range(len(points)) if _complete(_vertebra(level, points[k], named[k]))]
    bridges = [(i, j) for i, j in itertools.pairwise(whole) if j > i + 1]
    return sorted(steps + bridges)


def _vertebra(level: Level, point: Timepoint, named: Named) -> VertebraMeasurement | None:
    own = named.own.get(level)
    return None if own is None else point.case.measurements.vertebra(own)


def _complete(vertebra: VertebraMeasurement | None) -> bool:
    return vertebra is not None and vertebra.complete and vertebra.not_scorable is None


def _interval(
    level: Level,
    step: tuple[int, int],
    points: Sequence[Timepoint],
    named: Sequence[Named],
    settings: TrackingSettings,
) -> Interval:
    i, j = step
    scans = points[i], points[j]
    then, now = _vertebra(level, points[i], named[i]), _vertebra(level, points[j], named[j])
    scores = [
        p.case.scores.of(named[k].own[level]) if level in named[k].own else None
        for p, k in ((points[i], i), (points[j], j))
    ]
    doubt = _doubt(level, step, points, named)
    detectable = _detectable("height", scans, level, then, now, settings)
    change = HeightChange(None, None, None)
    judged = Verdicts("undetermined", "undetermined", f"Undetermined: {doubt}.")
    lesions = LesionChange(None, "undetermined")
    if doubt is None and then is not None and now is not None:
        change = height_change(then.heights_mm, now.heights_mm)
        judged = verdicts(then, now, None if detectable is None else detectable.value, settings)
        lesions = _lesions(level, scans, (then, now), settings)
    worst = largest(change)
    before, after = scores
    return Interval(
        from_=i,
        to=j,
        days=(points[j].date - points[i].date).days,
        height_change_points=change,
        height_loss_change_points=None if worst is None else worst[1],
        smallest_detectable_points=None if detectable is None else detectable.value,
        new_fracture=judged.new_fracture,
        progression=judged.progression,
        genant_from=() if then is None else then.genant_grade,
        genant_to=() if now is None else now.genant_grade,
        lesion_volume_change_ml=lesions.volume_ml,
        lesion_response=lesions.response,
        sins_from=None if before is None or before.state == "not_scored" else before.total,
        sins_to=None if after is None or after.state == "not_scored" else after.total,
        band_from=() if before is None or before.state == "not_scored" else before.band,
        band_to=() if after is None or after.state == "not_scored" else after.band,
        crossed=() if doubt is not None else crossed(before, after, settings),
        reason=judged.reason,
    )


def _doubt(
    level: Level, step: tuple[int, int], points: Sequence[Timepoint], named: Sequence[Named]
) -> str | None:
    """Why the level cannot be compared over this interval, or None."""
    for k in step:
        date = points[k].date.isoformat()
        vertebra = _vertebra(level, points[k], named[k])
        if vertebra is None:
            return f"{level} is not in view on {date}"
        if not level.is_vertebra:
            return f"{level} has no body heights"
        if vertebra.not_scorable is not None:
            return f"{vertebra.not_scorable} at {level} on {date}"
        if not vertebra.complete:
            return f"{level} is cut by the field of view on {date}"
    for k in step:
        if level in named[k].doubts:
            return f"identity of {level} in doubt: {named[k].doubts[level]}"
    return None


def _detectable(
    quantity: Quantity,
    scans: tuple[Timepoint, Timepoint],
    level: Level,
    then: VertebraMeasurement | None,
    now: VertebraMeasurement | None,
    settings: TrackingSettings,
) -> Detectable | None:
    losses = [v.height_loss_percent for v in (then, now) if v is not None]
    collapsed = any(loss is not None and loss.high >= settings.fractured_percent for loss in losses)
    kinds = [(p.case.record.modality, craniocaudal_spacing_mm(p.labels.grid)) for p in scans]
    return smallest_detectable(quantity, kinds, level, collapsed=collapsed)


def _lesions(
    level: Level,
    scans: tuple[Timepoint, Timepoint],
    vertebrae: tuple[VertebraMeasurement, VertebraMeasurement],
    settings: TrackingSettings,
) -> LesionChange:
    then, now = (lesions_of(p.case.measurements, v.level) for p, v in zip(scans, vertebrae, strict=True))
    limit = _detectable("lesion_volume", scans, level, *vertebrae, settings)
    if scans[0].case.record.modality is not scans[1].case.record.modality and (then or now):
        return LesionChange(None, "undetermined")
    return lesion_change(then, now, None if limit is None else limit.value, settings)


def _comparability(points: Sequence[Timepoint]) -> list[Caveat]:
    """Caveats about the pair of scans as a whole."""
    found: list[Caveat] = []
    modalities = {p.case.record.modality for p in points}
    if len(modalities) > 1:
        found.append(
            Caveat(
                "modalities-differ",
                "CT is compared with MR: heights by the coarser detectable change, lesions not at all.",
            )
        )
    measured = [
        smallest_detectable(
            "height",
            [(p.case.record.modality, craniocaudal_spacing_mm(p.labels.grid))],
            Level.L1,
            collapsed=False,
        )
        for p in points
    ]
    if any(one is None or not one.measured for one in measured):
        found.append(
            Caveat(
                "smallest-detectable-provisional",
                "The smallest detectable changes for these scans are provisional (assumed, not measured).",
            )
        )
    return found
