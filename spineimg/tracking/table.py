"""A track as a flat table: one row per level and interval, names as in ``track.json``."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from spineimg.core.estimate import Estimate
from spineimg.core.levels import Level
from spineimg.core.scores import Total
from spineimg.core.track import Interval, Track


def track_rows(track: Track) -> list[dict[str, str]]:
    """One row per level and interval; sets joined with ``|``, empty cells are unknown."""
    return [_row(track, one.level, interval) for one in track.levels for interval in one.intervals]


def track_csv(track: Track) -> str:
    """Write the rows of `track_rows` as CSV text with a header."""
    text = io.StringIO()
    rows = track_rows(track)
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["level"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _row(track: Track, level: Level, interval: Interval) -> dict[str, str]:
    change = interval.height_change_points
    row = {
        "patient_key": track.patient_key,
        "level": level.value,
        "from": track.cases[interval.from_].study_date,
        "to": track.cases[interval.to].study_date,
        "days": str(interval.days),
    }
    for name, estimate in (
        ("height_change_points_anterior", change.anterior),
        ("height_change_points_middle", change.middle),
        ("height_change_points_posterior", change.posterior),
        ("height_loss_change_points", interval.height_loss_change_points),
    ):
        row |= _estimate(name, estimate)
    row["smallest_detectable_points"] = (
        "" if interval.smallest_detectable_points is None else f"{interval.smallest_detectable_points:g}"
    )
    row |= {
        "new_fracture": interval.new_fracture,
        "progression": interval.progression,
        "genant_from": _joined(interval.genant_from),
        "genant_to": _joined(interval.genant_to),
    }
    row |= _estimate("lesion_volume_change_ml", interval.lesion_volume_change_ml)
    row["lesion_response"] = interval.lesion_response
    row |= _total("sins_from", interval.sins_from) | _total("sins_to", interval.sins_to)
    row |= {
        "band_from": _joined(interval.band_from),
        "band_to": _joined(interval.band_to),
        "crossed": _joined(interval.crossed),
        "reason": interval.reason or "",
        "event": interval.event,
        "height_verdict": interval.height_verdict,
    }
    row |= _estimate("area_change_points", interval.area_change_points)
    return row | {
        "alignment_from": _joined(interval.alignment_from),
        "alignment_to": _joined(interval.alignment_to),
        "posterolateral_from": _joined(interval.posterolateral_from),
        "posterolateral_to": _joined(interval.posterolateral_to),
        "not_compared": "; ".join(interval.not_compared),
    }


def _estimate(name: str, estimate: Estimate | None) -> dict[str, str]:
    if estimate is None:
        return {name: "", f"{name}_low": "", f"{name}_high": ""}
    return {
        name: f"{estimate.value:.3f}",
        f"{name}_low": f"{estimate.low:.3f}",
        f"{name}_high": f"{estimate.high:.3f}",
    }


def _total(name: str, total: Total | None) -> dict[str, str]:
    return {
        f"{name}_low": "" if total is None else str(total.low),
        f"{name}_high": "" if total is None else str(total.high),
    }


def _joined(values: Iterable[object]) -> str:
    return "|".join(str(value) for value in values)
