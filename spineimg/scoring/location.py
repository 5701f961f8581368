"""Points for the place of a level in the column."""

from __future__ import annotations

from collections.abc import Sequence

from spineimg.core.levels import Level
from spineimg.core.measurements import VertebraMeasurement
from spineimg.core.scores import Evidence
from spineimg.core.settings.scoring import FISHER_2010, OURS
from spineimg.scoring.finding import Finding, finding
from spineimg.scoring.table import LOCATIONS, POINTS, Option
from spineimg.scoring.wording import listed, points_text, sagittal_picture

TRANSITIONAL: dict[Level, tuple[Level, Level]] = {
    Level.T13: (Level.T12, Level.L1),
    Level.L6: (Level.L5, Level.S1),
}
"""Level that is scored as the first, with the points of the second where they differ (ours)."""


def location_points(level: Level) -> tuple[int, ...]:
    """Points of one level by the table; several for the undivided sacrum, none excluded for the coccyx."""
    if level in TRANSITIONAL:
        return tuple(sorted({point for name in TRANSITIONAL[level] for point in location_points(name)}))
    if level is Level.SACRUM:
        return (POINTS[Option.RIGID], POINTS[Option.JUNCTIONAL])
    if level in LOCATIONS:
        return (POINTS[LOCATIONS[level]],)
    return tuple(sorted({POINTS[option] for option in set(LOCATIONS.values())}))


def score_location(level: Level, vertebra: VertebraMeasurement | None) -> Finding:
    """Points for location; a doubtful name widens them by the points of every name it may have."""
    names = _names(level, vertebra)
    points = sorted({point for name in names for point in location_points(name)})
    place = vertebra.centre_lps_mm if vertebra is not None else None
    picture = sagittal_picture(level)
    evidence = [
        Evidence(
            f"{_sentence(level)}: {points_text('location', location_points(level))}.",
            source=FISHER_2010,
            lps_mm=place,
            picture=picture,
        )
    ]
    if len(names) > 1:
        confidence = vertebra.name_confidence if vertebra is not None else None
        sure = f", {confidence * 100:.0f} % sure" if confidence is not None else ""
        text = (
            f"This vertebra may be {listed([str(n) for n in names], 'or')} (named {level}{sure}): "
            f"{points_text('location', points)}."
        )
        evidence.append(Evidence(text, value=confidence, source=OURS, lps_mm=place, picture=picture))
    return finding("location", points, evidence, _question(level, names))


def _names(level: Level, vertebra: VertebraMeasurement | None) -> Sequence[Level]:
    possible = vertebra.name_possible if vertebra is not None else ()
    return sorted({level, *possible})


def _sentence(level: Level) -> str:
    if level in TRANSITIONAL:
        first, second = TRANSITIONAL[level]
        return f"{level} is transitional and counts as {first}, with the points of {second} where they differ"
    if level is Level.SACRUM:
        return "The sacrum is not divided: S1 is junctional, S2-S5 are rigid"
    if level in LOCATIONS:
        return f"{level} is {LOCATIONS[level].finding}"
    return f"The published table has no {level}"


def _question(level: Level, names: Sequence[Level]) -> str:
    if len(names) > 1:
        return (
            f"Is this vertebra {listed([str(n) for n in names], 'or')}? Count from a landmark: C2, the "
            "last rib or the sacrum."
        )
    if level is Level.SACRUM:
        return "Does the lesion lie in S1, or below it in S2-S5?"
    return f"Which vertebra is the one named {level}?"
