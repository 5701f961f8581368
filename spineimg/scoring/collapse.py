"""Points for collapse of the vertebral body, and for its involvement."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from spineimg.core.estimate import Estimate
from spineimg.core.levels import Level
from spineimg.core.measurements import VertebraMeasurement
from spineimg.core.scores import Evidence
from spineimg.core.settings.scoring import FISHER_2010, GENANT_1993, OURS, ScoringSettings
from spineimg.scoring.finding import Finding, finding
from spineimg.scoring.lesions import LevelLesions, summed_percent
from spineimg.scoring.table import POINTS, Option
from spineimg.scoring.wording import (
    axial_picture,
    interval,
    listed,
    named,
    percent,
    points_text,
    sagittal_picture,
)

Collapse = Literal["excluded", "beside", "possible", "certain"]
"""Collapse of a level; ``beside``: not its own, but its neighbour is or may be collapsed."""
LIKE_COLLAPSE = {
    "schmorl-node": "An endplate of {level} has a narrow dent like a Schmorl's node, which is no collapse",
    "scheuermann": "{level} stands in a row of wedged neighbours as in Scheuermann's, which is no collapse",
    "bodies-overlap": "The masks of {level} and a neighbour overlap, as bodies cannot: heights are left out",
}
ENDPLATES = ("upper_endplate", "lower_endplate")
ABOVE, BELOW = POINTS[Option.COLLAPSE_ABOVE_HALF], POINTS[Option.COLLAPSE_BELOW_HALF]
INVOLVED, FREE = POINTS[Option.BODY_INVOLVED], POINTS[Option.NO_COLLAPSE]


def loss_points(loss: Estimate | None, settings: ScoringSettings) -> set[int | None]:
    """Points that the interval of the height loss allows; None stands for "below the limit of a fracture".

    Exactly 50 % is unassigned in the paper: a measured 50 allows both sides.
    """
    if loss is None:
        return {ABOVE, BELOW, None}
    points: set[int | None] = set()
    if loss.high > settings.half_percent or loss.value >= settings.half_percent:
        points.add(ABOVE)
    if loss.low <= settings.half_percent and loss.high >= settings.fracture_percent:
        points.add(BELOW)
    if loss.low < settings.fracture_percent:
        points.add(None)
    return points


def body_points(share: Estimate | None, settings: ScoringSettings) -> set[int]:
    """Points of an uncollapsed body by the share of it that the lesions take."""
    points = set()
    if share is None or share.high > settings.body_involved_percent:
        points.add(INVOLVED)
    if share is None or share.low <= settings.body_involved_percent:
        points.add(FREE)
    return points


def collapse_state(vertebra: VertebraMeasurement | None, settings: ScoringSettings) -> Collapse:
    """Whether a level is collapsed, may be, or is not: by its height loss."""
    by_loss = loss_points(vertebra.height_loss_percent if vertebra is not None else None, settings)
    if None not in by_loss:
        return "certain"
    return "excluded" if by_loss == {None} else "possible"


def score_collapse(
    level: Level, vertebra: VertebraMeasurement | None, lesions: LevelLesions, settings: ScoringSettings
) -> Finding:
    """Points for collapse: height loss, a broken endplate, and the involvement of an uncollapsed body."""
    loss = vertebra.height_loss_percent if vertebra is not None else None
    by_loss = loss_points(loss, settings)
    points = {point for point in by_loss if point is not None}
    evidence = [_loss_evidence(level, vertebra, by_loss, settings)]
    like = _like_collapse(level, vertebra, points)
    evidence.extend(like)
    if None in by_loss or like:
        body, body_evidence = _body(level, lesions, settings)
        points |= body
        evidence.append(body_evidence)
        step = None if like else _step_evidence(level, vertebra, lesions, settings)
        if step is not None:
            evidence.append(step)
            points.add(BELOW)
    score = points_text("collapse", sorted(points))
    ends = [".", f": {score}."] if len(evidence) == 1 else [".", f". Together: {score}."]
    said = [replace(fact, text=fact.text + ends[fact is evidence[-1]]) for fact in evidence]
    return finding("collapse", points, said, _question(level, loss, by_loss, points, settings))


def _like_collapse(level: Level, vertebra: VertebraMeasurement | None, points: set[int]) -> list[Evidence]:
    """What else may have lowered the body; it leaves a loss of less than half open."""
    names = vertebra.collapse_caveats if vertebra is not None else ()
    if BELOW not in points or vertebra is None:
        return []
    return [
        Evidence(
            LIKE_COLLAPSE[name].format(level=level),
            None,
            None,
            None,
            OURS,
            vertebra.centre_lps_mm,
            sagittal_picture(level),
        )
        for name in names
        if name in LIKE_COLLAPSE
    ]


def _loss_evidence(
    level: Level, vertebra: VertebraMeasurement | None, by_loss: set[int | None], settings: ScoringSettings
) -> Evidence:
    picture = sagittal_picture(level)
    place = vertebra.centre_lps_mm if vertebra is not None else None
    loss = vertebra.height_loss_percent if vertebra is not None else None
    if loss is None:
        why = (
            "it is cut by the edge of the scan"
            if vertebra is not None and not vertebra.complete and level.is_vertebra
            else _why_no_loss(vertebra)
        )
        text = f"Height loss of {named(level)} is unknown ({why}): collapse is not excluded"
        return Evidence(
            text,
            threshold=settings.fracture_percent,
            unit="%",
            source=FISHER_2010,
            lps_mm=place,
            picture=picture,
        )
    fracture, half = settings.fracture_percent, settings.half_percent
    threshold = min((fracture, half), key=lambda limit: abs(limit - loss.value))
    text = (
        f"{_heights(level, vertebra)}loss {percent(loss, fracture, half)}, "
        f"{_verdict(loss, by_loss, settings)}"
    )
    source = FISHER_2010 if threshold == half else f"{GENANT_1993}; {FISHER_2010}"
    return Evidence(text, loss.value, threshold, "%", source, _height_place(vertebra), picture)


def _why_no_loss(vertebra: VertebraMeasurement | None) -> str:
    if vertebra is not None and vertebra.heights_mm.anterior is not None:
        return "its heights are measured, but no unaffected neighbour tells the expected ones"
    return "no height could be measured"


def _heights(level: Level, vertebra: VertebraMeasurement | None) -> str:
    site = vertebra.loss_site if vertebra is not None else None
    if vertebra is None or site is None:
        return f"Height of {level}: "
    height, expected = getattr(vertebra.heights_mm, site), getattr(vertebra.expected_heights_mm, site)
    if height is None or expected is None:
        return f"{site.capitalize()} height of {level}: "
    return (
        f"{site.capitalize()} height of {level} {interval(height, 1, 'mm')}, "
        f"expected {interval(expected, 1, 'mm')} from unaffected neighbours: "
    )


def _height_place(vertebra: VertebraMeasurement | None) -> tuple[float, float, float] | None:
    """Middle of the measured height, or of the body."""
    if vertebra is None:
        return None
    if vertebra.endplates_lps_mm is None or vertebra.loss_site is None:
        return vertebra.centre_lps_mm
    upper = getattr(vertebra.endplates_lps_mm.upper, vertebra.loss_site)
    lower = getattr(vertebra.endplates_lps_mm.lower, vertebra.loss_site)
    x, y, z = ((a + b) / 2 for a, b in zip(upper, lower, strict=True))
    return (x, y, z)


def _verdict(loss: Estimate, by_loss: set[int | None], settings: ScoringSettings) -> str:
    fracture = f"{settings.fracture_percent:.0f} % (Genant 1993)"
    half = f"{settings.half_percent:.0f} % (Fisher 2010)"
    if by_loss == {ABOVE}:
        return f"above {half}"
    if by_loss == {BELOW}:
        lower = "at" if loss.low == settings.fracture_percent else "above"
        upper = "at most" if loss.high == settings.half_percent else "below"
        return f"{lower} {fracture}, {upper} {half}"
    if by_loss == {None}:
        return f"below {fracture}: no collapse"
    astride = [name for name, open_ in ((fracture, None in by_loss), (half, ABOVE in by_loss)) if open_]
    return f"astride {listed(astride)}"


def _body(level: Level, lesions: LevelLesions, settings: ScoringSettings) -> tuple[set[int], Evidence]:
    selections = list(lesions.selections())
    shares = [summed_percent([lesion.body_percent for lesion in chosen]) for chosen in selections]
    points = set().union(*(body_points(share, settings) for share in shares)) if shares else {FREE, INVOLVED}
    limit = settings.body_involved_percent
    share = summed_percent([lesion.body_percent for lesion in lesions.counted])
    place, picture = lesions.place, axial_picture(level)
    if share is None:
        text = f"The share of the body of {named(level)} that is involved is unknown"
        return points, Evidence(
            text, threshold=limit, unit="%", source=FISHER_2010, lps_mm=place, picture=picture
        )
    side = "astride" if len(points) > 1 else "above" if INVOLVED in points else "not above"
    text = (
        f"Lesion fills {percent(share, limit)} of the expected body of {named(level)}, {side} {limit:.0f} % "
        "(Fisher 2010)"
    )
    return points, Evidence(text, share.value, limit, "%", FISHER_2010, place, picture)


def _step_evidence(
    level: Level, vertebra: VertebraMeasurement | None, lesions: LevelLesions, settings: ScoringSettings
) -> Evidence | None:
    """Evidence for an endplate that is, or may be, stepped or broken; None where it is intact."""
    limit, picture = settings.endplate_step_mm, sagittal_picture(level)
    step = vertebra.endplate_step_mm if vertebra is not None else None
    place = vertebra.centre_lps_mm if vertebra is not None else None
    broken = sorted(
        {name for lesion in lesions.counted for name in lesion.cortex_broken if name in ENDPLATES}
    )
    if broken:
        text = (
            f"The {listed([name.replace('_', ' ') for name in broken])} of {level} is broken: a fracture "
            "with little loss is possible"
        )
        return Evidence(text, None, limit, "mm", OURS, place, picture)
    if step is None:
        text = (
            f"No endplate of {named(level)} could be searched for a step: a fracture with little loss is not "
            "excluded"
        )
        return Evidence(text, None, limit, "mm", OURS, place, picture)
    if step.high < limit:
        return None
    side = "at least" if step.low >= limit else "astride"
    text = (
        f"An endplate of {level} is stepped by {interval(step, 1, 'mm')}, {side} {limit:.0f} mm (ours): a "
        "fracture with little loss is possible"
    )
    return Evidence(text, step.value, limit, "mm", OURS, place, picture)


def _question(
    level: Level, loss: Estimate | None, by_loss: set[int | None], points: set[int], settings: ScoringSettings
) -> str:
    half, fracture = settings.half_percent, settings.fracture_percent
    if loss is None:
        return (
            f"Has the body of {named(level)} lost height, and more than {half:.0f} % of it? A reader, or a "
            "scan that shows it whole, decides."
        )
    if ABOVE in by_loss and len(by_loss) > 1:
        return (
            f"Has the body of {level} lost more than {half:.0f} % of its height? Thinner slices or an "
            "earlier scan decide."
        )
    if BELOW in by_loss and None in by_loss:
        return (
            f"Has the body of {level} lost {fracture:.0f} % of its height or more? Thinner slices or an "
            "earlier scan decide."
        )
    if BELOW in by_loss:
        return f"Is the loss of height of {level} a collapse, or an old change of shape? A reader decides."
    if BELOW in points:
        return f"Is an endplate of {level} broken? Thinner slices, or a reader, decide."
    return f"Is more than {settings.body_involved_percent:.0f} % of the body of {level} involved?"
