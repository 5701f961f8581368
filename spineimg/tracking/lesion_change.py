"""What happened to the lesions and the score of a level between two scans."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from spineimg.core.estimate import Estimate
from spineimg.core.levels import Level
from spineimg.core.measurements import LesionMeasurement, Measurements
from spineimg.core.scores import LevelScore
from spineimg.core.settings.tracking import TrackingSettings
from spineimg.core.track import LesionResponse


@dataclass(frozen=True, slots=True)
class LesionChange:
    """Change of the summed lesion volume (ml) and its name."""

    volume_ml: Estimate | None
    response: LesionResponse


def lesions_of(measurements: Measurements, level: Level) -> tuple[LesionMeasurement, ...]:
    """Lesions of a level that may be metastases (look-alikes judged unlikely left out)."""
    return tuple(x for x in measurements.lesions if x.level is level and x.status != "unlikely")


def summed_volume(lesions: Sequence[LesionMeasurement]) -> Estimate:
    """Sum of the volumes, ml; half-widths in quadrature. No lesion: 0."""
    value = sum(x.volume_ml.value for x in lesions)
    down = math.hypot(*(x.volume_ml.value - x.volume_ml.low for x in lesions))
    up = math.hypot(*(x.volume_ml.high - x.volume_ml.value for x in lesions))
    return Estimate(value, max(value - down, 0.0), value + up)


def difference(then: Estimate, now: Estimate) -> Estimate:
    """Now minus then, half-widths in quadrature."""
    value = now.value - then.value
    down = math.hypot(now.value - now.low, then.high - then.value)
    up = math.hypot(now.high - now.value, then.value - then.low)
    return Estimate(value, value - down, value + up)


def lytic_share(lesions: Sequence[LesionMeasurement]) -> Estimate | None:
    """Lytic percent over all lesions, weighted by volume; None where one is not known."""
    total = sum(x.volume_ml.value for x in lesions)
    shares = [(x.volume_ml.value, x.lytic_percent) for x in lesions]
    known = [(weight, share) for weight, share in shares if share is not None]
    if total <= 0 or len(known) < len(shares):
        return None
    return Estimate(
        sum(weight * share.value for weight, share in known) / total,
        sum(weight * share.low for weight, share in known) / total,
        sum(weight * share.high for weight, share in known) / total,
    )


def lesion_change(
    then: Sequence[LesionMeasurement],
    now: Sequence[LesionMeasurement],
    detectable_percent: float | None,
    settings: TrackingSettings,
) -> LesionChange:
    """Name what happened to the lesions of one level: volume first, then the lytic share.

    Parameters
    ----------
    then, now : sequence of LesionMeasurement
        From `lesions_of`, on scans where the level is complete.
    detectable_percent : float or None
        Smallest detectable change of a volume in percent of the larger one.
    settings : TrackingSettings
        Limits.
    """
    if not then and not now:
        return LesionChange(None, "none")
    before, after = summed_volume(then), summed_volume(now)
    change = difference(before, after)
    if all(x.status == "doubtful" for x in (*then, *now)) or detectable_percent is None:
        return LesionChange(change, "undetermined")
    limit = max(detectable_percent / 100 * max(before.value, after.value), settings.smallest_lesion_change_ml)
    if abs(change.value) > limit:
        if change.low <= 0 <= change.high:
            return LesionChange(change, "undetermined")
        if change.value < 0:
            return LesionChange(change, "smaller")
        if then and _scleroses(then, now, settings):
            return LesionChange(change, "sclerosing")
        return LesionChange(change, "larger" if then else "new")
    if not then:
        return LesionChange(change, "undetermined")
    return LesionChange(change, _by_density(lytic_share(then), lytic_share(now), settings))


def _scleroses(
    then: Sequence[LesionMeasurement], now: Sequence[LesionMeasurement], settings: TrackingSettings
) -> bool:
    """Whether a lesion that grew did so by new bone: its lytic share fell beyond doubt, its lytic volume too.

    A healing lesion often shows a wider rim of sclerosis; new blastic tumour leaves the lytic volume.
    """
    before, after = lytic_share(then), lytic_share(now)
    if before is None or after is None:
        return False
    lytic_ml = [
        summed_volume(lesions).value * share.value / 100 for lesions, share in ((then, before), (now, after))
    ]
    fell = difference(after, before).low >= settings.sclerosing_points
    return fell and lytic_ml[0] - lytic_ml[1] > settings.smallest_lesion_change_ml


def _by_density(then: Estimate | None, now: Estimate | None, settings: TrackingSettings) -> LesionResponse:
    """Sclerosing or stable, for a lesion of unchanged volume. Without densities (MR): stable in volume."""
    if then is None or now is None:
        return "stable"
    fall = difference(now, then)
    if fall.low >= settings.sclerosing_points:
        return "sclerosing"
    return "stable" if fall.high < settings.sclerosing_points else "undetermined"


def crossed(then: LevelScore | None, now: LevelScore | None, settings: TrackingSettings) -> tuple[int, ...]:
    """SINS limits that the whole range of a scored level crossed, up or down."""
    if then is None or now is None or then.state != "scored" or now.state != "scored":
        return ()
    return tuple(
        limit
        for limit in settings.sins_limits
        if (then.total.high < limit <= now.total.low) or (now.total.high < limit <= then.total.low)
    )
