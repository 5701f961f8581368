"""What is unusual in a patient's column, for the truth: counts, ribs, sacralisation, scoliosis."""

from __future__ import annotations

from typing import Any

import numpy as np

from spineimg.core.levels import Level
from spineimg.phantom.column import Stand
from spineimg.phantom.counts import USUAL, levels_of, rib_pairs
from spineimg.phantom.spec import PatientSpec


def anatomy_records(patient: PatientSpec, stands: dict[Level, Stand]) -> dict[str, Any]:
    """``transitional`` with the counts, and ``curves``; empty for the usual straight column."""
    found: dict[str, Any] = {}
    anatomy, curve = patient.anatomy, patient.curve
    if anatomy != USUAL:
        found["transitional"] = {
            "levels": [level.value for level in levels_of(anatomy)],
            "rib_pairs": rib_pairs(anatomy),
            "sacralised": anatomy.sacralised,
        }
    if curve is not None:
        lean = [np.degrees(np.arctan2(*stands[end].frame[2][[0, 2]])) for end in (curve.lower, curve.upper)]
        cobb = {"value": round(float(lean[0] - lean[1]), 2)}
        found["curves"] = [{"upper": curve.upper.value, "lower": curve.lower.value, "cobb_deg": cobb}]
    return found
