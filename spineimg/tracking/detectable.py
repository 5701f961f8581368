"""The smallest change that can be told from repeated measurement, by kind of scan and region."""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from typing import Literal

import numpy as np

from spineimg.core.grid import Grid
from spineimg.core.levels import Level, Region
from spineimg.core.volume import Modality

Quantity = Literal["height", "lesion_volume"]


@dataclass(frozen=True, slots=True)
class DetectableRow:
    """One row of ``smallest_detectable.csv``: 1.96 * sqrt(2) * within-subject SD of repeated measurement.

    ``smallest_detectable`` is in points of the earlier height (height) or percent of the larger volume
    (lesion_volume). ``runs`` is the number of repeats; 0 marks a provisional value that nobody measured.
    """

    quantity: Quantity
    modality: Modality
    spacing_up_to_mm: float
    region: str
    collapsed: bool
    smallest_detectable: float
    runs: int
    source: str


@dataclass(frozen=True, slots=True)
class Detectable:
    """Smallest detectable change, and whether it was measured."""

    value: float
    measured: bool


@functools.cache
def table() -> tuple[DetectableRow, ...]:
    """All rows of the table in the package."""
    text = (
        resources.files("spineimg.tracking").joinpath("smallest_detectable.csv").read_text(encoding="utf-8")
    )
    return tuple(_row(row) for row in csv.DictReader(text.splitlines()))


def _row(row: dict[str, str]) -> DetectableRow:
    quantity: Quantity = "height" if row["quantity"] == "height" else "lesion_volume"
    return DetectableRow(
        quantity,
        Modality(row["modality"]),
        float(row["spacing_up_to_mm"]),
        row["region"],
        row["collapsed"] == "yes",
        float(row["smallest_detectable"]),
        int(row["runs"]),
        row["source"],
    )


def craniocaudal_spacing_mm(grid: Grid) -> float:
    """Step of the array axis that runs most nearly head to foot: what limits a height."""
    steps = grid.affine[:3, :3]
    axis = int(np.argmax(np.abs(steps[2]) / np.linalg.norm(steps, axis=0)))
    return float(grid.spacing_mm[axis])


def smallest_detectable(
    quantity: Quantity, scans: Iterable[tuple[Modality, float]], level: Level, *, collapsed: bool
) -> Detectable | None:
    """Look up the smallest detectable change between scans; the coarser scan decides.

    Parameters
    ----------
    quantity : str
        ``height`` (points) or ``lesion_volume`` (percent of the larger volume).
    scans : iterable of (Modality, float)
        Both scans: modality and cranio-caudal spacing, mm.
    level : Level
        Its region is looked up.
    collapsed : bool
        Whether the loss may be 20 % or more on one of the scans.

    Returns
    -------
    Detectable or None
        None where the table has no row (heights of the sacrum). Its lesions go by the lumbar row.
    """
    sacral_lesion = quantity == "lesion_volume" and level.region is Region.SACRAL
    region = Region.LUMBAR if sacral_lesion else level.region
    found: list[DetectableRow] = []
    for modality, spacing_mm in scans:
        rows = [
            row
            for row in table()
            if row.quantity == quantity
            and row.modality is modality
            and row.region == region.value
            and row.collapsed == collapsed
            and spacing_mm <= row.spacing_up_to_mm + 1e-3
        ]
        if not rows:
            return None
        found.append(min(rows, key=lambda row: row.spacing_up_to_mm))
    value = max(row.smallest_detectable for row in found)
    return Detectable(value, all(row.runs > 0 for row in found))
