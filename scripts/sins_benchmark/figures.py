"""Means with bootstrap limits over cases, shares with Wilson's limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

REPEATS = 400
Figure = dict[str, Any]


def mean(groups: Sequence[Sequence[float]]) -> Figure:
    """Mean of all numbers; the limits by drawing whole groups (cases) again and again."""
    filled = [np.asarray(g, dtype=float) for g in groups if len(g)]
    if not filled:
        return {"value": None, "low": None, "high": None, "n": 0, "cases": 0}
    sums, counts = np.array([g.sum() for g in filled]), np.array([len(g) for g in filled])
    rng = np.random.default_rng(4)
    drawn = rng.integers(0, len(filled), (REPEATS, len(filled)))
    again = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.percentile(again, [2.5, 97.5])
    return {
        "value": round(float(sums.sum() / counts.sum()), 3),
        "low": round(float(low), 3),
        "high": round(float(high), 3),
        "n": int(counts.sum()),
        "cases": len(filled),
    }


def share(hits: Sequence[bool]) -> Figure:
    """Percent of hits, limits by Wilson."""
    n, k = len(hits), int(sum(hits))
    if n == 0:
        return {"value": None, "low": None, "high": None, "n": 0}
    z, p = 1.96, k / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    low, high = (round(100 * float(np.clip(x, 0, 1)), 1) for x in (middle - half, middle + half))
    return {"value": round(100 * p, 1), "low": low, "high": high, "n": n}


def words(figure: Figure, unit: str = "") -> str:
    """``0.31 mm (0.28-0.35), n 420``."""
    if figure["value"] is None:
        return "none"
    return f"{figure['value']:g}{unit} ({figure['low']:g}-{figure['high']:g}), n {figure['n']}"
