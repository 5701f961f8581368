"""Which series is best for a spine analysis, and in words why."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from spineimg.core.settings.reading import ReadingSettings

if TYPE_CHECKING:
    from spineimg.dicom.series import Series

SPINE = re.compile(r"spine|wirbel|rachis|column|\b[clt]-?sp\b|\b[lbh]ws\b|sacr|lumb|thorac|cervic", re.I)
HEAD = re.compile(r"\b(head|brain|skull|neuro|schaedel|cranium|sella|iac|orbit)\b", re.I)
SHARP_WORDS = re.compile(r"bone|edge|sharp|lung|hres|detail|ultra|y-?[cdeg]\b", re.I)
SIEMENS = re.compile(r"^[BHDUIJQ][a-z]?\.?(\d{2})")
TOSHIBA = re.compile(r"^FC(\d{2})")
SIEMENS_SHARP_FROM = 60
"""Siemens kernels: 10 smooth to 90 sharp; bone and lung start at 60."""
TOSHIBA_SHARP = (30, 50, 80)
"""Toshiba FC30 (bone), FC50 (lung), FC80 (high resolution) families."""


def is_sharp(kernel: str) -> bool:
    """Whether a CT kernel is made for bone or lung edges (noisy, with overshoot at edges)."""
    if match := SIEMENS.match(kernel):
        return int(match.group(1)) >= SIEMENS_SHARP_FROM
    if match := TOSHIBA.match(kernel):
        return int(match.group(1)) // 10 * 10 in TOSHIBA_SHARP
    return bool(SHARP_WORDS.search(kernel))


def plane_name(orientation: tuple[float, ...]) -> str:
    """Axial, sagittal or coronal where the normal is within 20 degrees of an axis, else oblique."""
    if len(orientation) != 6 or not np.isfinite(orientation).all():
        return "unknown plane"
    normal = np.abs(np.cross(orientation[:3], orientation[3:]))
    length = float(np.linalg.norm(normal))
    if length == 0:
        return "unknown plane"
    best = int(np.argmax(normal))
    return (
        ("sagittal", "coronal", "axial")[best]
        if normal[best] / length > np.cos(np.radians(20))
        else "oblique"
    )


def coverage_mm(series: Series) -> float:
    """How far the volume reaches from foot to head, mm."""
    if series.stack is None:
        return 0.0
    grid = series.stack.grid
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in grid.shape])).reshape(3, -1).T
    return float(np.ptp(grid.to_lps_mm(corners)[:, 2]))


def score(series: Series, settings: ReadingSettings) -> float:
    """Rank number of a fit series, larger is better; weights are a choice and decide nothing but the order.

    One point is worth 10 mm of spine in view: CT over MR 40, a spine in the text 15, original axial CT or
    sagittal MR 20, a sharp kernel -8, a head -20, 3 per mm of spacing beyond 1 mm (at most 30).
    """
    if series.stack is None or series.spacing_mm is None:
        return 0.0
    text = f"{series.description} {series.body_part}"
    plane = plane_name(series.orientation)
    points = min(coverage_mm(series), 800.0) / 10 + min(series.images, 100) / 20
    points += 40 if series.modality == "CT" else 0
    points += 20 if plane == ("axial" if series.modality == "CT" else "sagittal") else 0
    points += 15 if SPINE.search(text) else 0
    points -= 20 if HEAD.search(text) else 0
    points -= 8 if series.modality == "CT" and is_sharp(series.kernel) else 0
    points -= 20 if any(r.code == "derived-images" for r in series.repairs) else 0
    points -= min(30.0, 3 * max(0.0, max(series.spacing_mm) - 1.0))
    points -= 10 if max(series.spacing_mm) >= settings.coarse_slices_mm else 0
    return points


def describe(series: Series) -> str:
    """One line of what a fit series is, and what speaks against it."""
    parts = [series.modality, plane_name(series.orientation)]
    if series.spacing_mm is not None:
        parts.append(f"{series.shape[2]} slices of {series.spacing_mm[2]:.2f} mm")
    parts.append(f"{coverage_mm(series):.0f} mm from foot to head")
    if series.modality == "CT" and series.kernel:
        parts.append(f"{'sharp' if is_sharp(series.kernel) else 'soft'} kernel {series.kernel}")
    if HEAD.search(f"{series.description} {series.body_part}"):
        parts.append("head by its description")
    codes = list(dict.fromkeys(r.code for r in series.repairs))
    if codes:
        parts.append("with " + ", ".join(codes))
    return "; ".join(parts)
