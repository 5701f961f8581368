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
from spineimg.core.measurements import VertebraMeasurement
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


@dataclass(frozen=True, slots=True)
class Seen:
    """How one scan shows a vertebra: modality, cranio-caudal spacing, and whether it is collapsed there."""

    modality: Modality
    spacing_mm: float
    collapsed: bool


def seen(
    modality: Modality, spacing_mm: float, vertebra: VertebraMeasurement | None, fractured_percent: float
) -> Seen:
    """The vertebra on one scan; collapsed when its measured loss is that of a fracture."""
    loss = None if vertebra is None else vertebra.height_loss_percent
    return Seen(modality, spacing_mm, loss is not None and loss.value >= fractured_percent)


def smallest_detectable(quantity: Quantity, scans: Iterable[Seen], level: Level) -> Detectable | None:
    """Look up the smallest detectable change between scans.

    A row holds 1.96 * sqrt(2) * SD for two scans of its kind. The errors of two scans of different kinds add
    as variances: the root mean square of both rows is 1.96 * sqrt(SD1^2 + SD2^2).

    Parameters
    ----------
    quantity : str
        ``height`` (points) or ``lesion_volume`` (percent of the larger volume).
    scans : iterable of Seen
        The vertebra on both scans.
    level : Level
        Its region is looked up.

    Returns
    -------
    Detectable or None
        None where the table has no row (heights of the sacrum). Its lesions go by the lumbar row.
    """
    sacral_lesion = quantity == "lesion_volume" and level.region is Region.SACRAL
    region = Region.LUMBAR if sacral_lesion else level.region
    found: list[DetectableRow] = []
    for scan in scans:
        rows = [
            row
            for row in table()
            if row.quantity == quantity
            and row.modality is scan.modality
            and row.region == region.value
            and row.collapsed == scan.collapsed
            and scan.spacing_mm <= row.spacing_up_to_mm + 1e-3
        ]
        if not rows:
            return None
        found.append(min(rows, key=lambda row: row.spacing_up_to_mm))
    value = round(float(np.sqrt(np.mean([row.smallest_detectable**2 for row in found]))), 1)
    return Detectable(value, all(row.runs > 0 for row in found))
