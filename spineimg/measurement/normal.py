"""Normal cranio-caudal trend of the body heights.

Posterior heights: Panjabi 1991 (Spine 16:861 cervical, 16:888 thoracic) and 1992 (Spine 17:299 lumbar).
Ratios of
the anterior and middle height to the posterior one: from the sagittal wedging of Masharawi 2010 (T9-L5), Cook
2021 (L5) and the within-scan medians of 3,393 vertebrae that readers marked (Zakharov 2023), smoothed by us.
Only the trend along the column is used, never the absolute size.
"""

from __future__ import annotations

import csv
import functools
from importlib import resources

import numpy as np

from spineimg.core.grid import Points
from spineimg.core.levels import Level

_STANDS_FOR = {Level.T13: Level.T12, Level.L6: Level.L5}


@functools.cache
def _table() -> dict[str, Points]:
    text = resources.files("spineimg.measurement").joinpath("normal_heights.csv").read_text(encoding="utf-8")
    rows = {}
    for row in csv.DictReader(text.splitlines()):
        posterior = float(row["posterior_mm"])
        ratios = np.array([float(row["anterior_ratio"]), float(row["middle_ratio"]), 1.0])
        rows[row["level"]] = posterior * ratios
    return rows


def normal_heights_mm(level: Level) -> Points | None:
    """Anterior, middle, posterior height (3,) of the mean vertebra; None for C1, C2 and the sacrum."""
    return _table().get(_STANDS_FOR.get(level, level).value)
