"""Scans of one patient in, one row per level and interval out."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from spineimg.core.errors import InputRefused
from spineimg.core.labelmap import Caveat
from spineimg.core.levels import Level
from spineimg.core.settings.scoring import ScoringSettings
from spineimg.core.settings.tracking import TrackingSettings
from spineimg.core.track import Interval, LevelTrack, Track, TrackedCase, Treatment
from spineimg.tracking.identity import Named, identify, matches
from spineimg.tracking.interval import HEIGHTS_PROVISIONAL, Patient, interval_of, interval_of_fractured
from spineimg.tracking.lesion_change import lesions_of
from spineimg.tracking.rescoring import scores_with_earlier
from spineimg.tracking.timepoint import Timepoint, in_order
from spineimg.tracking.trajectory import events_of, visits_of


def track(
    points: Sequence[Timepoint],
    settings: TrackingSettings,
    override: str | None = None,
    *,
    treatments: Sequence[Treatment] = (),
    scoring: ScoringSettings | None = None,
) -> Track:
    """Follow every vertebra of one patient from scan to scan.

    Parameters
    ----------
    points : sequence of Timepoint
        Two or more cases, any order; they are sorted by date and the track says so.
    settings : TrackingSettings
        Limits, each with its source.
    override : str or None
        Why cases with different patient keys are of one patient.
    treatments : sequence of Treatment
        Surgery, cement and stabilisation end the comparison of a level's images from their date on.
    scoring : ScoringSettings, optional
        Limits by which later scans are scored with the earlier ones known.

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
    scores, score_caveats = scores_with_earlier(ordered, named, scoring or ScoringSettings())
    patient = Patient(ordered, named, scores, tuple(treatments), settings)
    levels = sorted({name for one in named for name in one.own if _of_interest(name, ordered, one)})
    keys = [p.case.record.patient_key for p in ordered if p.case.record.patient_key]
    tracks = tuple(_level_track(patient, level) for level in levels)
    return Track(
        keys[0] if keys else "unknown",
        tuple(TrackedCase(p.path, p.date.isoformat(), p.case.record.revision) for p in ordered),
        matches(ordered, named),
        tracks,
        (*caveats, *name_caveats, *score_caveats, *_comparability(ordered, tracks)),
        tuple(treatments),
    )


def _level_track(patient: Patient, level: Level) -> LevelTrack:
    intervals: list[Interval] = []
    for step in _steps(patient, level):
        # What broke before stays broken, whatever the single scan lets say about its loss.
        broken = any(one.event == "yes" and one.to <= step[0] for one in intervals)
        compare = interval_of_fractured if broken else interval_of
        intervals.append(compare(patient, level, step))
    found = tuple(intervals)
    return LevelTrack(level, found, visits_of(patient, level), events_of(patient, level, found))


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


def _steps(patient: Patient, level: Level) -> list[tuple[int, int]]:
    """Consecutive scans of which one shows the level, and bridges over scans that do not show it complete."""
    shown = [level in one.own for one in patient.named]
    steps = [(k, k + 1) for k in range(len(shown) - 1) if shown[k] or shown[k + 1]]
    whole = [k for k in range(len(shown)) if patient.complete(level, k)]
    bridges = [(i, j) for i, j in itertools.pairwise(whole) if j > i + 1]
    return sorted(steps + bridges)


def _comparability(points: Sequence[Timepoint], levels: Sequence[LevelTrack]) -> list[Caveat]:
    """Caveats about what the scans and the table allow."""
    found: list[Caveat] = []
    if len({p.case.record.modality for p in points}) > 1:
        found.append(
            Caveat(
                "modalities-differ",
                "CT is compared with MR: heights by the coarser detectable change, lesions not at all.",
            )
        )
    assumed = tuple(
        one.level
        for one in levels
        if any(HEIGHTS_PROVISIONAL in note for i in one.intervals for note in i.not_compared)
    )
    if assumed:
        found.append(
            Caveat(
                "smallest-detectable-provisional",
                "The smallest detectable change of height at these levels is provisional (assumed, not "
                "measured) for such scans.",
                assumed,
            )
        )
    return found
