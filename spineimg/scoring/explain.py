"""The reasoning behind the score of one level, for a reader who may disagree."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from spineimg.core.errors import UsageError
from spineimg.core.estimate import Estimate
from spineimg.core.levels import Level
from spineimg.core.measurements import Measurements, Point, VertebraMeasurement
from spineimg.core.scores import LARGEST_TOTAL, Band, Component, Evidence, LevelScore, SinsScores, Total
from spineimg.core.settings.scoring import FISHER_2010
from spineimg.scoring.lesion_words import lesion_words
from spineimg.scoring.lesions import LevelLesions
from spineimg.scoring.wording import COMPONENT_WORDS, interval, listed, percent

BAND_WORDS: dict[Band, str] = {
    "stable": "stable (0-6)",
    "potentially_unstable": "potentially unstable (7-12)",
    "unstable": "unstable (13-18)",
}
WIDTH = 100
LEGEND = (
    "Intervals are 95 %. Angles: upper endplate to upper endplate, kyphosis positive.\n"
    "LPS: mm to the patient's left, back and head."
)


def total_text(total: Total) -> str:
    """``9`` or ``7-12``."""
    return str(total.low) if total.low == total.high else f"{total.low}-{total.high}"


def explain(measurements: Measurements, scores: SinsScores, level: Level) -> str:
    """Reasoning of one score: total, each component with evidence and citations, and what would decide it.

    Raises
    ------
    UsageError
        ``level-not-scored`` when the level has no score.
    """
    score = scores.of(level)
    if score is None:
        found = listed([str(s.level) for s in scores.levels]) or "none"
        raise UsageError(
            "level-not-scored",
            f"{level} has no score: no lesion was found there",
            f"levels with a score: {found}",
        )
    return (
        "\n".join(
            [
                *_head(score, LevelLesions.of(measurements, level).doubt(level)),
                *_vertebra(measurements.vertebra(level)),
                *_lesions(measurements, level),
                *_components(score),
                *_foot(scores),
            ]
        )
        + "\n"
    )


def _head(score: LevelScore, doubt: str | None) -> Iterator[str]:
    bands = listed([BAND_WORDS[band] for band in score.band], "or")
    would = f"SINS {total_text(score.total)} of {LARGEST_TOTAL}, {bands}"
    if score.state == "scored":
        yield f"{score.level}: {would}"
    elif score.state == "candidate":
        yield f"{score.level}: candidate, would be {would}"
        yield f"Candidate only: {score.reason}."
        if doubt is not None:
            yield f"First to decide: {doubt}"
    else:
        yield f"{score.level}: not scored, {score.reason}"
        yield "What the components would be is no score."
    parts = " + ".join("|".join(str(p) for p in c.possible) for _, c in score.components.items())
    yield f"Sum: {parts} = {total_text(score.total)}"
    if score.decide:
        spans = {name: c.possible[-1] - c.possible[0] for name, c in score.components.items()}
        ranked = [f"{COMPONENT_WORDS[q.component]} (up to {spans[q.component]})" for q in score.decide]
        yield from textwrap.wrap(
            f"Points that an answer can take away: {listed(ranked, 'then')}.", WIDTH, subsequent_indent="  "
        )
    yield f"Table: {FISHER_2010}. Each component lists every number of points that the data allow."


def _vertebra(vertebra: VertebraMeasurement | None) -> Iterator[str]:
    """What the vertebra as a whole measures: every height against its expected one, shape, area, density."""
    if vertebra is None:
        return
    said = list(_heights(vertebra))
    if vertebra.deformity is not None and vertebra.genant_grade:
        grades = listed([str(grade) for grade in vertebra.genant_grade], "or")
        shape = "no deformity" if vertebra.deformity == "none" else vertebra.deformity
        area = vertebra.area_loss_percent
        less = f"; mid-sagittal area {percent(area)} below the expected one" if area is not None else ""
        age = "; one scan cannot tell how old" if max(vertebra.genant_grade) > 0 else ""
        said.append(f"shape: {shape}, Genant grade {grades}{less}{age}")
    reference, mean = vertebra.density.healthy_reference, vertebra.density.mean
    if reference is not None and mean is not None:
        said.append(
            f"mean density of the body {interval(mean, 0, 'HU')}; the patient's own healthy bone of the "
            f"region {interval(reference, 0, 'HU')}"
        )
    if said:
        yield ""
        yield f"Vertebra {vertebra.level}"
        for sentence in said:
            yield from _wrapped(sentence)


def _heights(vertebra: VertebraMeasurement) -> Iterator[str]:
    rows, tall = [], []
    for site in ("anterior", "middle", "posterior"):
        now: Estimate | None = getattr(vertebra.heights_mm, site)
        usual: Estimate | None = getattr(vertebra.expected_heights_mm, site)
        if now is None:
            continue
        rows.append(
            f"{site} {interval(now, 1, 'mm')}" + (f", expected {interval(usual, 1)}" if usual else "")
        )
        if usual is not None and now.value > usual.high:
            tall.append(site)
    if rows:
        unknown = (
            "" if "expected" in rows[0] else "; no expected height: no unaffected neighbour was measured"
        )
        yield f"heights: {'; '.join(rows)}{unknown}"
    if tall:
        yield f"taller than expected ({listed(tall)}): look whether the mask takes in a disc or a neighbour"


def _lesions(measurements: Measurements, level: Level) -> Iterator[str]:
    found = [lesion for lesion in measurements.lesions if lesion.level is level]
    if found:
        yield ""
        yield "Lesions"
        for lesion in found:
            words = lesion_words(lesion, measurements.vertebra(level))
            yield from _wrapped(f"{words}; centre {_place(lesion.centre_lps_mm)}")


def _components(score: LevelScore) -> Iterator[str]:
    questions = {question.component: question.question for question in score.decide}
    for name, component in score.components.items():
        yield ""
        yield f"{COMPONENT_WORDS[name].capitalize()}: {_points(component)}"
        for fact in component.evidence:
            yield from _wrapped(fact.text)
            note = _note(fact)
            if note:
                yield from textwrap.wrap(f"[{note}]", WIDTH, initial_indent="    ", subsequent_indent="    ")
        if name in questions:
            yield from textwrap.wrap(
                f"To decide: {questions[name]}", WIDTH, initial_indent="  ? ", subsequent_indent="    "
            )


def _points(component: Component) -> str:
    if component.decided:
        return f"{component.possible[0]}"
    return f"{listed([str(p) for p in component.possible], 'or')} (open)"


def _place(point: Point) -> str:
    # Rounded to integers, so that nothing is "-0".
    return f"LPS ({', '.join(str(round(x)) for x in point)}) mm"


def _note(fact: Evidence) -> str:
    parts = [fact.source or ""]
    if fact.lps_mm is not None:
        parts.append(_place(fact.lps_mm))
    parts.append(fact.picture or "")
    return "; ".join(part for part in parts if part)


def _foot(scores: SinsScores) -> Iterator[str]:
    yield ""
    if scores.patient.total is not None:
        yield f"Patient: {patient_text(scores)}; candidates do not count."
    yield LEGEND


def patient_text(scores: SinsScores) -> str:
    """The patient's total and where it comes from: ``5-9, at least as T8 (5-7), at most as T10 (1-9)``."""
    total, level = scores.patient.total, scores.patient.level
    top = scores.of(level) if level is not None else None
    if total is None or top is None:
        return "no level is scored"
    if top.total == total:
        return f"{total_text(total)}, from {top.level}"
    scored = [s for s in scores.levels if s.state == "scored"]
    least = max(scored, key=lambda s: s.total.low)
    return (
        f"{total_text(total)}, at least as {least.level} ({total_text(least.total)}), "
        f"at most as {top.level} ({total_text(top.total)})"
    )


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  - ", subsequent_indent="    ")
