"""How numbers, intervals and points are said in evidence."""

from __future__ import annotations

from collections.abc import Sequence

from spineimg.core.estimate import Estimate
from spineimg.core.levels import Level
from spineimg.core.scores import ComponentName

COMPONENT_WORDS: dict[ComponentName, str] = {
    "location": "location",
    "pain": "pain",
    "bone_lesion": "bone lesion",
    "alignment": "alignment",
    "collapse": "collapse",
    "posterolateral": "posterolateral",
}


def sagittal_picture(level: Level) -> str:
    """Name of the sagittal key picture of a level in the case folder."""
    return f"pictures/{level}_sagittal.png"


def axial_picture(level: Level) -> str:
    """Name of the axial key picture of a level in the case folder."""
    return f"pictures/{level}_axial.png"


def named(level: Level) -> str:
    """Name of a level inside a sentence: ``L1``, ``the sacrum``."""
    return "the sacrum" if level is Level.SACRUM else str(level)


def interval(measured: Estimate, decimals: int, unit: str = "") -> str:
    """Value with unit and interval, such as ``17.8 mm (17.1-18.5)``."""
    space = f" {unit}" if unit else ""
    low, high = (f"{_unsigned_zero(x, decimals):.{decimals}f}" for x in (measured.low, measured.high))
    joint = " to " if low.startswith("-") or high.startswith("-") else "-"
    return f"{_unsigned_zero(measured.value, decimals):.{decimals}f}{space} ({low}{joint}{high})"


def percent(measured: Estimate, *limits: float) -> str:
    """Percentage with its interval; a decimal more where rounding would put it on a limit."""
    ends = (measured.low, measured.value, measured.high)
    near = any(abs(end - limit) < 1 and end != limit for end in ends for limit in limits)
    return interval(measured, 1 if near else 0, "%")


def points_text(component: ComponentName, points: Sequence[int]) -> str:
    """Component and its points, such as ``collapse 2 points`` or ``collapse 2 or 3 points``."""
    found = sorted(set(points))
    number = listed([str(p) for p in found], "or")
    return f"{COMPONENT_WORDS[component]} {number} {'point' if found == [1] else 'points'}"


def listed(words: Sequence[str], joint: str = "and") -> str:
    """Words with commas, the last joined by a word."""
    *first, last = words or [""]
    return f"{', '.join(first)} {joint} {last}" if first else last


def _unsigned_zero(number: float, decimals: int) -> float:
    rounded = round(number, decimals)
    return 0.0 if rounded == 0 else rounded
