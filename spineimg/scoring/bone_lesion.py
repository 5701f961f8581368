"""Points for the quality of the bone lesion: lytic, mixed or blastic."""

from __future__ import annotations

from spineimg.core.estimate import Estimate
from spineimg.core.levels import Level
from spineimg.core.measurements import Measurements, Quality
from spineimg.core.scores import Evidence
from spineimg.core.settings.scoring import OURS, ScoringSettings
from spineimg.scoring.finding import Finding, finding
from spineimg.scoring.lesions import LevelLesions, Selection
from spineimg.scoring.table import POINTS, Option
from spineimg.scoring.wording import axial_picture, interval, listed, named, percent, points_text

QUALITY_POINTS: dict[Quality, int] = {
    "lytic": POINTS[Option.LYTIC],
    "mixed": POINTS[Option.MIXED],
    "blastic": POINTS[Option.BLASTIC],
}
ALL_POINTS = frozenset(QUALITY_POINTS.values())


def share_points(share: Estimate, settings: ScoringSettings) -> set[int]:
    """Points that the interval of a lytic share allows."""
    points = set()
    if share.high >= settings.lytic_percent:
        points.add(QUALITY_POINTS["lytic"])
    if share.low < settings.lytic_percent and share.high > settings.blastic_percent:
        points.add(QUALITY_POINTS["mixed"])
    if share.low <= settings.blastic_percent:
        points.add(QUALITY_POINTS["blastic"])
    return points


def pooled_lytic_percent(lesions: Selection) -> Estimate | None:
    """Lytic share of several lesions by volume; None where one of them has none."""
    shares = [(lesion.volume_ml.value, lesion.lytic_percent) for lesion in lesions]
    volume = sum(v for v, _ in shares)
    if not shares or any(share is None for _, share in shares) or volume <= 0:
        return None
    value, low, high = (
        sum(v * getattr(share, end) for v, share in shares) / volume for end in ("value", "low", "high")
    )
    return Estimate(value, min(low, value), max(high, value))


def selection_points(lesions: Selection, settings: ScoringSettings) -> set[int]:
    """Points of one set of lesions, pooled by volume; where a share is missing, by the lesions' qualities."""
    share = pooled_lytic_percent(lesions)
    if share is not None:
        return share_points(share, settings)
    found = [_qualities(lesion.lytic_percent, lesion.quality, settings) for lesion in lesions]
    if not found or any(not points for points in found):
        return set(ALL_POINTS)
    # Volumes of unlike lesions pool to anything between the most blastic and the most lytic of them.
    return set(range(min(min(points) for points in found), max(max(points) for points in found) + 1))


def score_bone_lesion(
    level: Level, measurements: Measurements, lesions: LevelLesions, settings: ScoringSettings
) -> Finding:
    """Points for the bone lesion over all lesions of the level that may be metastases."""
    selections = list(lesions.selections())
    points = (
        set().union(*(selection_points(s, settings) for s in selections)) if selections else set(ALL_POINTS)
    )
    share = pooled_lytic_percent(lesions.counted)
    place, picture = lesions.place, axial_picture(level)
    score = points_text("bone_lesion", sorted(points))
    if not selections:
        text = f"{lesions.why_empty(level)}, so its quality is open: {score}."
        evidence = [Evidence(text, source=OURS, picture=picture)]
    elif share is not None:
        evidence = [
            Evidence(
                f"{_share_sentence(level, measurements, lesions, share, settings)}: {score}.",
                value=share.value,
                threshold=_nearest_limit(share, settings),
                unit="%",
                source=OURS,
                lps_mm=place,
                picture=picture,
            )
        ]
    else:
        kinds = listed(sorted({quality for lesion in lesions.counted for quality in lesion.quality}), "or")
        text = (
            f"The lytic share of the lesion in {named(level)} is not measurable on this image "
            f"(MR and uncalibrated values cannot tell); it may be {kinds or 'of any kind'}: {score}."
        )
        evidence = [Evidence(text, source=OURS, lps_mm=place, picture=picture)]
    who = "A reader who looks at its density" if share is not None else "CT"
    question = f"Is the lesion in {named(level)} {_alternatives(points)}? {who} decides."
    if not selections:
        question = f"Is there a metastasis in {named(level)}, and of which kind? A reader decides."
    return finding("bone_lesion", points, evidence, question)


def _qualities(share: Estimate | None, quality: tuple[Quality, ...], settings: ScoringSettings) -> set[int]:
    return share_points(share, settings) if share is not None else {QUALITY_POINTS[q] for q in quality}


def _alternatives(points: set[int]) -> str:
    return listed([name for name, point in QUALITY_POINTS.items() if point in points], "or")


def _share_sentence(
    level: Level,
    measurements: Measurements,
    lesions: LevelLesions,
    share: Estimate,
    settings: ScoringSettings,
) -> str:
    limits = (settings.blastic_percent, settings.lytic_percent)
    count = len(lesions.counted)
    what = f"The {count} lesions" if count > 1 else "The lesion"
    vertebra = measurements.vertebra(level)
    healthy = vertebra.density.healthy_reference if vertebra is not None else None
    against = (
        f" against the patient's own healthy bone, {interval(healthy, 0, 'HU')}"
        if healthy is not None
        else ""
    )
    rule = f"lytic from {limits[1]:.0f} %, blastic up to {limits[0]:.0f} % (ours)"
    doubt = ""
    if lesions.doubtful and count > 1:
        some = "all" if not lesions.likely else f"{len(lesions.doubtful)} of them"
        doubt = f"; {some} doubtful, so each is counted in and out"
    return (
        f"{what} of {named(level)} {'are' if count > 1 else 'is'} {percent(share, *limits)} lytic by "
        f"volume{against}{doubt}; {rule}"
    )


def _nearest_limit(share: Estimate, settings: ScoringSettings) -> float:
    return min((settings.blastic_percent, settings.lytic_percent), key=lambda limit: abs(limit - share.value))
