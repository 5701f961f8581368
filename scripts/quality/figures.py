"""Figures with their intervals, and results that outlast a stop."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

DRAWS = 2000
Row = dict[str, Any]


class Results:
    """Rows per case in one JSON file; a case that is there is not run again.

    Parameters
    ----------
    path : Path
        The file; read when it exists and was made with the same weights.
    weights : str
        Digest of the weights that the rows belong to.
    """

    def __init__(self, path: Path, weights: str) -> None:
        self.path = path
        self.content: dict[str, Any] = {"weights": weights, "cases": {}, "summary": {}}
        if path.is_file():
            old = json.loads(path.read_text())
            if old.get("weights") != weights:
                raise SystemExit(f"{path} holds results of other weights; give another --out")
            self.content = old

    def rows(self, section: str, case: str, make: Callable[[], list[Row]]) -> list[Row]:
        """The rows of one case, made now unless the file has them."""
        key = f"{section}/{case}"
        if key not in self.content["cases"]:
            self.content["cases"][key] = make()
            self.save()
        rows: list[Row] = self.content["cases"][key]
        return rows

    def section(self, section: str) -> list[Row]:
        """All rows of a section, each with its ``case``."""
        found = self.content["cases"].items()
        return [
            row | {"case": key.partition("/")[2]}
            for key, rows in found
            if key.startswith(section + "/")
            for row in rows
        ]

    def save(self) -> None:
        """Write the file whole or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(self.content, indent=1))
        part.replace(self.path)


def figure(rows: Sequence[Row], value: str | Callable[[Row], float | None]) -> Row:
    """Mean of one value over rows with a 95 % bootstrap interval that draws whole cases.

    With fewer than five cases rows are drawn instead, which knows nothing of other patients; ``drawn`` says
    which. Rows whose value is None do not count.
    """
    get = (lambda row: row.get(value)) if isinstance(value, str) else value
    pairs = [(row["case"], v) for row in rows if (v := get(row)) is not None]
    if not pairs:
        return {"n": 0, "cases": 0, "mean": None, "low": None, "high": None, "drawn": None}
    cases = sorted({case for case, _ in pairs})
    by_case = len(cases) >= 5
    groups = [[v for c, v in pairs if c == case] for case in cases] if by_case else [[v] for _, v in pairs]
    total = np.array([float(np.sum(g)) for g in groups])
    count = np.array([len(g) for g in groups])
    pick = np.random.default_rng(0).integers(0, len(groups), (DRAWS, len(groups)))
    means = total[pick].sum(1) / count[pick].sum(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return {
        "n": len(pairs), "cases": len(cases), "mean": round(float(total.sum() / count.sum()), 4),
        "low": round(float(low), 4), "high": round(float(high), 4), "drawn": "cases" if by_case else "rows",
    }  # fmt: skip


def calibration(rows: Sequence[Row], bins: int = 10) -> Row:
    """Expected calibration error of ``confidence`` against ``right``, with the diagram's points."""
    pairs = [(r["confidence"], r["right"]) for r in rows if r.get("confidence") is not None]
    if not pairs:
        return {"n": 0, "ece": None, "diagram": []}
    sure, right = np.array(pairs, float).T
    cases = [r["case"] for r in rows if r.get("confidence") is not None]
    names = sorted(set(cases))
    members = [np.flatnonzero([c == name for c in cases]) for name in names]
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(500):
        some = np.concatenate([members[i] for i in rng.integers(0, len(names), len(names))])
        draws.append(_ece(sure[some], right[some], bins)[0])
    ece, diagram = _ece(sure, right, bins)
    low, high = np.quantile(draws, [0.025, 0.975])
    return {
        "n": len(pairs), "cases": len(names), "ece": round(ece, 4), "low": round(float(low), 4),
        "high": round(float(high), 4), "diagram": diagram,
    }  # fmt: skip


def _ece(sure: np.ndarray, right: np.ndarray, bins: int) -> tuple[float, list[dict[str, float]]]:
    place = np.clip((sure * bins).astype(int), 0, bins - 1)
    error, diagram = 0.0, []
    for k in range(bins):
        mine = place == k
        if mine.any():
            gap = float(sure[mine].mean() - right[mine].mean())
            error += abs(gap) * float(mine.mean())
            diagram.append(
                {
                    "confidence": round(float(sure[mine].mean()), 3),
                    "right": round(float(right[mine].mean()), 3),
                    "n": int(mine.sum()),
                }
            )
    return error, diagram


def markdown(summary: dict[str, Any]) -> str:
    """The summary as one table, a line a figure."""
    lines = ["| section | figure | n | cases | value (95 %) | bar |", "|---|---|---|---|---|---|"]
    for section, figures in summary.items():
        for name, f in figures.items():
            if not isinstance(f, dict) or "n" not in f:
                continue
            middle = f.get("mean", f.get("ece"))
            value = "-" if middle is None else f"{middle:.3f} ({f['low']:.3f}-{f['high']:.3f})"
            lines.append(
                f"| {section} | {name} | {f['n']} | {f.get('cases', '')} | {value} | {f.get('bar', '')} |"
            )
    return "\n".join(lines)
