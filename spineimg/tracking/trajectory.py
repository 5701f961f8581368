"""One level over all scans: its heights since the first, and when each event was first seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from spineimg.core.levels import Level
from spineimg.core.measurements import Heights
from spineimg.core.track import EventKind, Interval, LevelEvent, Visit
from spineimg.tracking.height_change import height_change, largest, ruler_of
from spineimg.tracking.interval import Patient
from spineimg.tracking.lesion_change import lesions_of, summed_volume
from spineimg.tracking.treatment import ENDING, ended_by


def kind_open(interval: Interval) -> bool:
    """Whether a fracture is certain, but not whether it is new or progressed."""
    return interval.event == "yes" and "yes" not in (interval.new_fracture, interval.progression)


EVENTS: tuple[tuple[EventKind, Callable[[Interval], bool]], ...] = (
    ("new_fracture", lambda i: i.new_fracture == "yes"),
    ("progression", lambda i: i.progression == "yes"),
    ("fracture_kind_open", kind_open),
    ("new_lesion", lambda i: i.lesion_response == "new"),
    ("sclerosing", lambda i: i.lesion_response == "sclerosing"),
    ("crossed_7", lambda i: 7 in i.crossed),
    ("crossed_13", lambda i: 13 in i.crossed),
)


def visits_of(patient: Patient, level: Level) -> tuple[Visit, ...]:
    """The level on every scan, earliest first."""
    count = len(patient.points)
    first = next((k for k in range(count) if patient.complete(level, k)), None)
    return tuple(_visit(patient, level, k, first) for k in range(count))


def _visit(patient: Patient, level: Level, k: int, first: int | None) -> Visit:
    vertebra, score = patient.vertebra(level, k), patient.score(level, k)
    complete = patient.complete(level, k) and level not in patient.named[k].doubts
    if vertebra is None or not complete:
        return Visit(k, complete, Heights(None, None, None), None, None, None, ())
    start = None if first is None else patient.vertebra(level, first)
    fall = None
    ended = ended_by(level, patient.treatments, patient.points[k].date) is not None
    if start is not None and first is not None and k != first and not ended:
        records = [patient.points[n].case.record for n in (first, k)]
        own = ruler_of(records[0], records[1], None, patient.settings).own
        worst = largest(height_change(start.heights_mm, vertebra.heights_mm, own))
        fall = None if worst is None else worst[1]
    lesions = lesions_of(patient.points[k].case.measurements, patient.named[k].own[level])
    scored = None if score is None or score.state == "not_scored" else score
    return Visit(
        case=k,
        complete=complete,
        heights_mm=vertebra.heights_mm,
        fall_points=fall,
        lesion_volume_ml=summed_volume(lesions) if lesions else None,
        total=None if scored is None else scored.total,
        band=() if scored is None else scored.band,
    )


def events_of(patient: Patient, level: Level, intervals: Sequence[Interval]) -> tuple[LevelEvent, ...]:
    """First occurrence of each event with the two scans between which it fell, by date.

    Treatments that end the comparison stand among them with their own date.
    """
    found = []
    for kind, happened in EVENTS:
        seen = [interval for interval in intervals if happened(interval)]
        if seen:
            # The earliest scan that shows it; of several intervals that end there, the narrowest.
            first = min(seen, key=lambda i: (i.to, -i.from_))
            after, by = (patient.points[k].date.isoformat() for k in (first.from_, first.to))
            found.append(LevelEvent(kind, after, by, first.to, competing=False))
    for one in patient.treatments:
        if one.level is level and one.kind in ENDING:
            found.append(LevelEvent(one.kind, one.date, one.date, None, competing=True))  # type: ignore[arg-type]
    return tuple(sorted(found, key=lambda event: (event.by, event.kind)))
