"""Points for the place of a level in the column."""

from __future__ import annotations

from collections.abc import Sequence

from spineimg.core.levels import Level
from spineimg.core.measurements import VertebraMeasurement
from spineimg.core.scores import Evidence
from spineimg.core.settings.scoring import FISHER_2010, OURS
from spineimg.scoring.finding import Finding, finding
from spineimg.scoring.lesions import LevelLesions
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


def score_location(level: Level, vertebra: VertebraMeasurement | None, lesions: LevelLesions) -> Finding:
    """Points for location; a doubtful name widens them by the points of every name it may have.

    In an undivided sacrum the places of the lesions tell S1 from S2-S5.
    """
    names = _names(level, vertebra)
    if level is Level.SACRUM and len(names) == 1:
        return _score_sacrum(vertebra, lesions)
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


def sacral_places(lesions: LevelLesions) -> frozenset[Level]:
    """S1, S2 (for S2-S5) or both: where the highest of a sacrum's lesions may lie."""
    if any(lesion.sacral_levels == (Level.S1,) for lesion in lesions.likely):
        return frozenset({Level.S1})
    places = {place for lesion in lesions.counted for place in lesion.sacral_levels}
    unknown = not lesions.counted or any(not lesion.sacral_levels for lesion in lesions.counted)
    return frozenset({Level.S1, Level.S2} if unknown else places)


def _score_sacrum(vertebra: VertebraMeasurement | None, lesions: LevelLesions) -> Finding:
    places = sacral_places(lesions)
    points = sorted({point for place in places for point in location_points(place)})
    where = {
        frozenset({Level.S1}): "The lesion of the sacrum reaches into S1, which is junctional",
        frozenset({Level.S2}): "The lesion of the sacrum lies below S1, in S2-S5, which are rigid",
    }.get(places, "The lesion may lie in S1, which is junctional, or below it in S2-S5, which are rigid")
    text = f"{where} (S1 taken as a usual one's height below its endplate, ours): "
    place = lesions.place if lesions.place is not None or vertebra is None else vertebra.centre_lps_mm
    fact = Evidence(
        f"{text}{points_text('location', points)}.",
        source=f"{FISHER_2010}; {OURS}",
        lps_mm=place,
        picture=sagittal_picture(Level.SACRUM),
    )
    return finding("location", points, [fact], _question(Level.SACRUM, (Level.SACRUM,)))


def _names(level: Level, vertebra: VertebraMeasurement | None) -> Sequence[Level]:
    possible = vertebra.name_possible if vertebra is not None else ()
    return sorted({level, *possible})


def _sentence(level: Level) -> str:
    if level in TRANSITIONAL:
        first, second = TRANSITIONAL[level]
        return f"{level} is transitional and counts as {first}, with the points of {second} where they differ"
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
