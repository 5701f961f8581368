#!/usr/bin/env python3
"""Compare designs of the lesion network from the recorded curves of their trainings.

    scripts/compare_designs.py [--runs ../runs] [--out models/lesion_ct/docs]

With --runs, the validation rows of the runs' curve.jsonl are first written to designs.csv (that is how the
file came about); without, designs.csv is read. A table at equal minutes and steps is printed, a picture
written. Minutes are wall clock of a training on one shared core; each phase counts from its own start and
says whether it went on from trained weights. The held-out samples are drawn, and grew harder: 48 for the
joint network (from the squared price on with look-alikes), 40 for the own one, 80 from "spread" on (a quarter
with thin marrow, more lesions behind the body); so only large differences count.
"""

from __future__ import annotations

import argparse
import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

COLUMNS = ("design", "step", "minutes", "lytic_dice", "blastic_dice", "false_ml")
MINUTES, STEPS = (10, 20, 30, 37), (240, 480, 720)


@dataclass(frozen=True)
class Phase:
    """A design, the run that trained it, and the steps of the run in which the loss was as named."""

    design: str
    run: str
    steps: tuple[int, int]


PHASES = (
    Phase("joint, no price (fresh)", "refine", (0, 1004)),
    Phase("joint, linear price (goes on)", "refine", (1004, 1725)),
    Phase("joint, squared price (goes on)", "refine", (1725, 2976)),
    Phase("own net, own bone (fresh)", "lesion_session2", (0, 1386)),
    Phase("own net, spread, thin marrow (goes on)", "lesion", (0, 10_000)),
)


def rows_of(phase: Phase, runs: Path) -> list[dict[str, str]]:
    """The validations of one phase, steps and minutes counted from its start."""
    lines = (runs / phase.run / "curve.jsonl").read_text(encoding="utf-8").splitlines()
    checks = [row for row in map(json.loads, lines) if "validation" in row]
    first, last = phase.steps
    start = max((float(r["min"]) for r in checks if r["step"] <= first), default=0.0) if first else 0.0
    out = []
    for row in checks:
        if first < row["step"] <= last:
            if "syn_lytic" in row:
                figures = [row["syn_lytic"], row["syn_blastic"], row["syn_false_ml"]]
            else:
                false_ml = 0.5 * (row["lytic_false_ml"] + row["blastic_false_ml"])
                figures = [row["lytic_dice"], row["blastic_dice"], false_ml]
            values = [row["step"] - first, round(row["min"] - start, 2), *(round(f, 3) for f in figures)]
            out.append(dict(zip(COLUMNS, [phase.design, *map(str, values)], strict=True)))
    return out


def at(rows: list[dict[str, str]], column: str, place: float) -> str:
    """Lytic Dice / blastic Dice / false ml at a minute or a step, between two validations; "-" beyond."""
    where = [float(r[column]) for r in rows]
    if not where or place > where[-1]:
        return "-"
    values = [np.interp(place, where, [float(r[c]) for r in rows]) for c in COLUMNS[3:]]
    return f"{values[0]:.2f} / {values[1]:.2f} / {values[2]:.1f}"


def table(by_design: dict[str, list[dict[str, str]]]) -> str:
    """The comparison in Markdown: lytic Dice / blastic Dice / false ml a vertebra without lesion."""
    heads = [f"{m} min" for m in MINUTES] + [f"{s} steps" for s in STEPS] + ["end"]
    lines = ["| design | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for design, rows in by_design.items():
        cells = [at(rows, "minutes", m) for m in MINUTES] + [at(rows, "step", s) for s in STEPS]
        last = rows[-1]
        end = f"{at(rows, 'step', float(last['step']))} ({last['step']} steps, {last['minutes']} min)"
        lines.append(f"| {design} | " + " | ".join([*cells, end]) + " |")
    return "\n".join(lines) + "\n"


def picture(by_design: dict[str, list[dict[str, str]]], path: Path) -> None:
    """Dice of both kinds and false ml against minutes."""
    figure = Figure(figsize=(12, 4))
    for place, (column, title) in enumerate(
        (("lytic_dice", "lytic Dice"), ("blastic_dice", "blastic Dice"), ("false_ml", "false ml a vertebra")),
        1,
    ):
        axes = figure.add_subplot(1, 3, place)
        for design, rows in by_design.items():
            axes.plot([float(r["minutes"]) for r in rows], [float(r[column]) for r in rows], label=design)
        axes.set_title(title)
        axes.set_xlabel("minutes from the phase's start")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="lower center", ncols=3, fontsize=8)
    figure.tight_layout(rect=(0, 0.14, 1, 1))
    figure.savefig(path, dpi=55)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=Path, help="folder of the training runs")
    parser.add_argument("--out", type=Path, default=Path("models/lesion_ct/docs"))
    options = parser.parse_args()
    path = options.out / "designs.csv"
    if options.runs is not None:
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, COLUMNS)
            writer.writeheader()
            writer.writerows(row for phase in PHASES for row in rows_of(phase, options.runs))
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    by_design = {p.design: found for p in PHASES if (found := [r for r in rows if r["design"] == p.design])}
    picture(by_design, options.out / "designs.png")
    print(table(by_design))


if __name__ == "__main__":
    main()
