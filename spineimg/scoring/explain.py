"""The reasoning behind the score of one level, for a reader who may disagree."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from spineimg.core.errors import UsageError
from spineimg.core.levels import Level
from spineimg.core.measurements import LesionMeasurement, Measurements, VertebraMeasurement
from spineimg.core.scores import LARGEST_TOTAL, Band, Component, Evidence, LevelScore, SinsScores, Total
from spineimg.core.settings.scoring import FISHER_2010
from spineimg.scoring.wording import COMPONENT_WORDS, interval, listed, percent

BAND_WORDS: dict[Band, str] = {
    "stable": "stable (0-6)",
    "potentially_unstable": "potentially unstable (7-12)",
    "unstable": "unstable (13-18)",
}
WIDTH = 100


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
                *_head(score),
                *_vertebra(measurements.vertebra(level)),
                *_lesions(measurements, level),
                *_components(score),
                *_foot(score, scores),
            ]
        )
        + "\n"
    )


def _head(score: LevelScore) -> Iterator[str]:
    bands = listed([BAND_WORDS[band] for band in score.band], "or")
    yield f"{score.level}: SINS {total_text(score.total)} of {LARGEST_TOTAL}, {bands}"
    if score.state != "scored":
        yield f"{'Candidate only' if score.state == 'candidate' else 'Not scored'}: {score.reason}."
    yield f"Table: {FISHER_2010}. Each component lists every number of points that the data allow."


def _vertebra(vertebra: VertebraMeasurement | None) -> Iterator[str]:
    """What the vertebra as a whole measures: every height against its expected one, shape, area, density."""
    if vertebra is None:
        return
    said = []
    heights = [
        f"{site} {interval(now, 1, 'mm')} of {usual.value:.1f}"
        for site in ("anterior", "middle", "posterior")
        if (now := getattr(vertebra.heights_mm, site))
        and (usual := getattr(vertebra.expected_heights_mm, site))
    ]
    if heights:
        said.append(f"heights, measured of expected: {', '.join(heights)} mm")
    if vertebra.deformity is not None and vertebra.genant_grade:
        grades = listed([str(grade) for grade in vertebra.genant_grade], "or")
        shape = "no deformity" if vertebra.deformity == "none" else vertebra.deformity
        area = vertebra.area_loss_percent
        less = f"; mid-sagittal area {percent(area)} below the expected one" if area is not None else ""
        said.append(f"shape: {shape}, Genant grade {grades}{less}; its age is open on one scan")
    reference, mean = vertebra.density.healthy_reference, vertebra.density.mean
    if reference is not None and mean is not None:
        said.append(
            f"density of the body {interval(mean, 0, 'HU')}, healthy here {interval(reference, 0, 'HU')}"
        )
    if said:
        yield ""
        yield f"Vertebra {vertebra.level}"
        for sentence in said:
            yield from _wrapped(sentence)


def _lesions(measurements: Measurements, level: Level) -> Iterator[str]:
    found = [lesion for lesion in measurements.lesions if lesion.level is level]
    if found:
        yield ""
        yield "Lesions"
        for lesion in found:
            yield from _wrapped(_lesion_text(lesion))


def _lesion_text(lesion: LesionMeasurement) -> str:
    body = f", {percent(lesion.body_percent)} of the body" if lesion.body_percent is not None else ""
    like = f", looks like {lesion.look_alike}" if lesion.look_alike else ""
    broken = [*lesion.cortex_broken]
    through = f", cortex broken: {listed([name.replace('_', ' ') for name in broken])}" if broken else ""
    x, y, z = lesion.centre_lps_mm
    kind = listed(list(lesion.quality), "or") or "kind open"
    return (
        f"lesion {lesion.id}: metastasis {lesion.status}{like}; {kind}; {interval(lesion.volume_ml, 1, 'ml')}"
        f"{body}{through}; centre LPS ({x:.0f}, {y:.0f}, {z:.0f}) mm"
    )


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


def _note(fact: Evidence) -> str:
    parts = [fact.source or ""]
    if fact.lps_mm is not None:
        parts.append("LPS ({:.0f}, {:.0f}, {:.0f}) mm".format(*fact.lps_mm))
    parts.append(fact.picture or "")
    return "; ".join(part for part in parts if part)


def _foot(score: LevelScore, scores: SinsScores) -> Iterator[str]:
    parts = " + ".join("|".join(str(p) for p in c.possible) for _, c in score.components.items())
    yield ""
    yield f"Sum: {parts} = {total_text(score.total)}"
    if score.decide:
        spans = {name: c.possible[-1] - c.possible[0] for name, c in score.components.items()}
        ranked = [f"{COMPONENT_WORDS[q.component]} (up to {spans[q.component]})" for q in score.decide]
        yield f"The answer that narrows it most: {listed(ranked, 'then')}."
    if scores.patient.total is not None and scores.patient.level is not None:
        yield ""
        yield (
            f"Patient: {total_text(scores.patient.total)}, from {scores.patient.level}; candidates do not "
            "count."
        )


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  - ", subsequent_indent="    ")
