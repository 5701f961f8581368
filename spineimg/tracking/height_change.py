"""What happened to a body between two scans: fall of its heights, new fracture, progression."""

from __future__ import annotations

import math
from dataclasses import dataclass

from spineimg.core.case import CaseRecord
from spineimg.core.estimate import Estimate
from spineimg.core.measurements import Heights, VertebraMeasurement
from spineimg.core.settings.tracking import TrackingSettings
from spineimg.core.track import Changed, HeightChange, Verdict

SITES = ("anterior", "middle", "posterior")


@dataclass(frozen=True, slots=True)
class Ruler:
    """What two scans of a site can tell, in points.

    ``detectable``: smallest detectable change, None where none is known. ``own``: so much of the half-width
    of one measurement may be its own; what goes beyond is the same on both scans (an endplate that a lesion
    hides is guessed alike by the same mask) and cancels in the difference. Infinite: nothing is shared.
    """

    detectable: float | None
    own: float = math.inf


def ruler_of(
    then: CaseRecord, now: CaseRecord, detectable: float | None, settings: TrackingSettings
) -> Ruler:
    """Ruler between two cases; only masks of one engine on one modality err alike."""
    alike = then.engine == now.engine and then.modality is now.modality
    return Ruler(detectable, settings.own_half_points if alike else math.inf)


def fall_points(then: Estimate | None, now: Estimate | None, own: float = math.inf) -> Estimate | None:
    """Fall of one height in points of its own earlier value: ``100 * (then - now) / then``; positive = lost.

    The errors of the two measurements are independent but for what both share beyond ``own`` points of the
    height (see `Ruler`).
    """
    if then is None or now is None or then.value <= 0:
        return None
    ratio = now.value / then.value
    down = _together(now.value - now.low, then.high - then.value, ratio, own * then.value / 100)
    up = _together(now.high - now.value, then.value - then.low, ratio, own * then.value / 100)
    value = 100 * (then.value - now.value) / then.value
    return Estimate(value, value - 100 * up / then.value, value + 100 * down / then.value)


def _together(now_mm: float, then_mm: float, ratio: float, own_mm: float) -> float:
    """Half-width (mm) of ``now - ratio * then``; what both share beyond their own part is one error."""
    shared = max(min(now_mm, then_mm) ** 2 - own_mm**2, 0.0)
    return math.sqrt(now_mm**2 + (ratio * then_mm) ** 2 - 2 * min(ratio, 1.0) * shared)


def height_change(then: Heights, now: Heights, own: float = math.inf) -> HeightChange:
    """Fall of the three heights; ``own`` as in `fall_points`."""
    return HeightChange(
        fall_points(then.anterior, now.anterior, own),
        fall_points(then.middle, now.middle, own),
        fall_points(then.posterior, now.posterior, own),
    )


def largest(change: HeightChange) -> tuple[str, Estimate] | None:
    """Site and fall of the height that fell most."""
    falls = [(site, getattr(change, site)) for site in SITES if getattr(change, site) is not None]
    return max(falls, key=lambda item: item[1].value) if falls else None


@dataclass(frozen=True, slots=True)
class Verdicts:
    """New fracture and progression with the sentence that says why.

    ``event``: either; a fall that is certain is one even where the earlier loss leaves its kind open.
    """

    new_fracture: Verdict
    progression: Verdict
    reason: str
    event: Verdict


def fell_by(change: HeightChange, points: float, detectable: float | None) -> Verdict:
    """Whether at least one height fell by that many points, beyond the detectable change.

    ``yes``: one height fell by the points, and its whole interval lies above the detectable change (as
    trial.md defines the events). ``no``: the interval of every height lies below the points. All between is
    ``undetermined``, and a height that was not measured leaves "no" open.
    """
    each = [_one_fell(getattr(change, site), points, detectable) for site in SITES]
    if "yes" in each:
        return "yes"
    return "no" if each == ["no"] * 3 else "undetermined"


def _one_fell(fall: Estimate | None, points: float, detectable: float | None) -> Verdict:
    if fall is None:
        return "undetermined"
    if fall.high < points:
        return "no"
    beyond = detectable is not None and fall.low > detectable
    return "yes" if beyond and fall.value >= points else "undetermined"


def height_verdict(change: HeightChange, detectable: float | None) -> Changed:
    """Whether any height changed, up or down, against the smallest detectable change.

    ``changed``: the whole interval of one height lies beyond it. ``unchanged``: no height was measured to
    change by more. Between, or where a height or the detectable change is not known: ``undetermined``.
    """
    falls = [getattr(change, site) for site in SITES]
    if detectable is None:
        return "undetermined"
    known = [fall for fall in falls if fall is not None]
    if any(fall.low > detectable or fall.high < -detectable for fall in known):
        return "changed"
    if len(known) == len(falls) and all(abs(fall.value) <= detectable for fall in known):
        return "unchanged"
    return "undetermined"


def genant_rose(then: tuple[int, ...], now: tuple[int, ...]) -> bool:
    """Whether the grade rose beyond doubt: every possible grade now is above every possible grade then."""
    return bool(then and now) and min(now) > max(then)


def verdicts(
    then: VertebraMeasurement, now: VertebraMeasurement, ruler: Ruler, settings: TrackingSettings
) -> Verdicts:
    """Judge one vertebra that is complete and identified on both scans, as trial.md defines the two events.

    Parameters
    ----------
    then, now : VertebraMeasurement
        The same vertebra on the earlier and the later scan.
    ruler : Ruler
        Smallest detectable fall, and what the two scans share.
    settings : TrackingSettings
        Limits.
    """
    detectable = ruler.detectable
    change = height_change(then.heights_mm, now.heights_mm, ruler.own)
    worst = largest(change)
    # A lesion that grows out of the bone makes the mask larger while the body falls: no witness there.
    ill = then.lesion_ids or now.lesion_ids
    volume = None if ill else fall_points(then.body_volume_ml, now.body_volume_ml)
    limit = settings.fractured_percent
    # Whatever broke is a broken vertebra on the later scan: where its neighbours there deny it, a height of
    # the earlier scan was misread (a mask that held part of the next body).
    denied = now.height_loss_percent is not None and now.height_loss_percent.high < limit
    contradicted = denied or volume_contradicts(worst, volume, settings)
    judged = [
        _with_volume(fell_by(change, points, detectable), change, volume, (points, detectable), settings)
        for points in (settings.new_fracture_points, settings.progression_points)
    ]
    new_fall, more_fall = ("undetermined" if denied and fell == "yes" else fell for fell in judged)
    rose = genant_rose(then.genant_grade, now.genant_grade)
    own_change_open = worst is not None and (detectable is None or worst[1].high >= detectable)
    surely_rose = rose and own_change_open and not contradicted
    further: Verdict = "yes" if more_fall == "yes" or surely_rose else more_fall
    if rose and further == "no":
        # The grade rose, the heights did not fall: the expected heights changed, not the vertebra.
        further = "undetermined"
    loss = then.height_loss_percent
    large = worst is not None and worst[1].value >= settings.progression_points
    why = (
        f"Against its neighbours it lacks less than {limit:g} % now: perhaps its earlier height was misread."
        if denied
        else "Its volume did not fall with the height: perhaps a misplaced endplate."
    )
    doubt = f" {why}" * (large and contradicted)
    if loss is not None and loss.high < limit:
        reason = _reason(change, loss, f"below {limit:g} %", settings) + doubt
        return Verdicts(new_fall, "no", reason, new_fall)
    if loss is not None and loss.low >= limit:
        reason = _reason(change, loss, f"already {limit:g} % or more", settings) + doubt
        return Verdicts("no", further, reason, further)
    # The earlier loss does not say whether the vertebra was fractured: an event's kind is open.
    words = "not known" if loss is None else f"on both sides of {limit:g} %: the kind of an event is open"
    new: Verdict = "no" if new_fall == "no" else "undetermined"
    progression: Verdict = "no" if further == "no" else "undetermined"
    either: Verdict = "no" if new == progression == "no" else "undetermined"
    return Verdicts(
        new,
        progression,
        _reason(change, loss, words, settings) + doubt,
        "yes" if new_fall == "yes" else either,
    )


def volume_contradicts(
    worst: tuple[str, Estimate] | None, volume: Estimate | None, settings: TrackingSettings
) -> bool:
    """Whether the body kept the volume that it would have lost with its height.

    A misplaced point of one endplate moves one height, not the volume of the mask.
    """
    if worst is None or volume is None:
        return False
    lost = volume.value + settings.volume_noise_percent
    return lost < settings.least_volume_share * worst[1].value


def _with_volume(
    fell: Verdict,
    change: HeightChange,
    volume: Estimate | None,
    limits: tuple[float, float | None],
    settings: TrackingSettings,
) -> Verdict:
    """A verdict on the heights once the volume of the body is known; limits: points, detectable change.

    A certain fall without loss of volume is open. An open one that reaches the limit is certain when the
    volume fell by more than the detectable change: the mean height fell by as much, one of them by more. An
    open one, smaller than the limit at every height, is none when a fall of the limit would have cost more
    volume than was lost.
    """
    worst = largest(change)
    if fell == "no" or volume is None or worst is None:
        return fell
    if fell == "yes":
        return "undetermined" if volume_contradicts(worst, volume, settings) else "yes"
    points, detectable = limits
    if worst[1].value >= points:
        surely = volume.value - settings.volume_noise_percent
        return "yes" if detectable is not None and surely > detectable else "undetermined"
    known = all(getattr(change, site) is not None for site in SITES)
    lost = volume.value + settings.volume_noise_percent
    return "no" if known and lost < settings.least_volume_share * points else "undetermined"


def _reason(change: HeightChange, loss: Estimate | None, words: str, settings: TrackingSettings) -> str:
    worst = largest(change)
    if worst is None:
        return "No height was measured on both scans."
    site, fall = worst
    limits = f"limits {settings.new_fracture_points:g} (new), {settings.progression_points:g} (progression)"
    moved = "fell by" if fall.value >= 0 else "changed by"
    before = "" if loss is None else f" {loss} %,"
    return f"{site.capitalize()} height {moved} {fall} points ({limits}); earlier loss{before} {words}."
