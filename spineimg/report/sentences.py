"""The one sentence that matters, for a case and for a track."""

from __future__ import annotations

from collections.abc import Sequence

from spineimg.core.case import Case
from spineimg.core.levels import Level
from spineimg.core.measurements import Measurements
from spineimg.core.scores import LevelScore, SinsScores
from spineimg.core.track import Interval, Track
from spineimg.report.palette import band_words, total_words


def case_sentence(case: Case) -> str:
    """Say where the patient stands: the level that matters, its total and band, or that none is scored."""
    scores = case.scores
    patient = scores.patient
    if patient.total is None or patient.level is None:
        return _nothing_scored(case)
    scored = [s for s in scores.levels if s.state == "scored"]
    top = next(s for s in scored if s.level is patient.level)
    said = f"{top.level}: SINS {total_words(top.total)}, {band_words(top.band)}."
    told = {top.level}
    if top.total != patient.total:
        # The least that the patient has comes from another level than the most.
        least = max(scored, key=lambda s: s.total.low)
        told.add(least.level)
        said = (
            f"SINS {total_words(patient.total)}, {band_words(patient.band)}: at least as {least.level} "
            f"({total_words(least.total)}), at most as {top.level} ({total_words(top.total)})."
        )
    words = ", ".join(f"{s.level} (SINS {total_words(s.total)})" for s in scored if s.level not in told)
    more = f" Also scored: {words}." if words else ""
    return f"{said}{more}{_not_counted(case)}"


def cut(case: Case, level: Level) -> bool:
    """Whether a candidate is none for its lesion, which is likely, but because its vertebra is cut."""
    return any(x.level is level and x.status == "likely" for x in case.measurements.lesions)


def unsearched(measurements: Measurements, level: Level) -> bool:
    """Whether nothing looked for lesions of a level and nobody marked one: all is open there."""
    return not measurements.lesions_searched and all(x.level is not level for x in measurements.lesions)


def _not_counted(case: Case) -> str:
    candidates = [s.level for s in case.scores.levels if s.state == "candidate"]
    kinds = (
        ("Doubtful lesions", [x for x in candidates if not cut(case, x)]),
        ("Cut by the edge of the scan", [x for x in candidates if cut(case, x)]),
    )
    return "".join(f" {words}, not counted: {_names(levels)}." for words, levels in kinds if levels)


def _nothing_scored(case: Case) -> str:
    levels = [v.level for v in case.measurements.vertebrae]
    seen = f"{levels[0]} to {levels[-1]}" if levels else "no vertebra"
    candidates = [s.level for s in case.scores.levels if s.state == "candidate"]
    if not case.measurements.lesions_searched and not case.measurements.lesions:
        return f"No level is scored: lesions were not looked for on this image. In view: {seen}."
    if candidates:
        return f"No level is scored.{_not_counted(case)} In view: {seen}."
    not_scored = [s.level for s in case.scores.levels if s.state == "not_scored"]
    if not_scored:
        return f"No level could be scored; not scored: {_names(not_scored)}. In view: {seen}."
    return f"No lesion that is likely a metastasis was found in {seen}: no level is scored."


def question(score: LevelScore | None) -> str | None:
    """Give the question whose answer narrows the total of a level most."""
    return score.decide[0].question if score is not None and score.decide else None


def deciding_score(scores: SinsScores) -> LevelScore | None:
    """Score of the level that decides the patient's total."""
    return None if scores.patient.level is None else scores.of(scores.patient.level)


def track_sentence(track: Track) -> str:
    """Say which level fractured and when; else which progressed, is undetermined, or that none did."""
    kinds = (
        ("New fracture", "new_fracture"),
        ("Progression of a fracture", "progression"),
        ("Fracture, new or progressed,", "event"),
    )
    for words, name in kinds:
        found = [(t.level, i) for t in track.levels for i in t.intervals if getattr(i, name) == "yes"]
        if found:
            return f"{words} at {'; at '.join(_event(track, level, i) for level, i in found)}."
    compared = [t.level for t in track.levels if any(i.new_fracture == "no" for i in t.intervals)]
    events = [t.level for t in track.levels if any(open_event(i) for i in t.intervals)]
    if events:
        return (
            f"A fracture at {_names(events)} can be neither shown nor ruled out; none is certain elsewhere."
        )
    if not compared:
        return "No level could be compared between these scans."
    cut = [t.level for t in track.levels if t.level not in compared]
    missing = f" Not compared: {_names(cut)}." if cut else ""
    count = f"{len(compared)} level{'s' * (len(compared) != 1)}"
    return f"No new fracture and no progression in {count} compared.{missing}"


def open_event(interval: Interval) -> bool:
    """Whether heights were compared and it is left open whether anything broke."""
    measured = interval.height_loss_change_points is not None and interval.event != "yes"
    return measured and "undetermined" in (interval.new_fracture, interval.progression)


def _event(track: Track, level: Level, interval: Interval) -> str:
    fall = interval.height_loss_change_points
    words = "" if fall is None else f" (height fell by {fall} points)"
    dates = f"{track.cases[interval.from_].study_date} and {track.cases[interval.to].study_date}"
    return f"{level} between {dates}{words}"


def _names(levels: Sequence[Level]) -> str:
    return ", ".join(str(level) for level in levels)
