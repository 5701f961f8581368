#!/usr/bin/env python3
"""Learn the naming model from named points and detections of real CT scans (no images).

    scripts/train_naming.py FOLDER learn [--out models/naming]
    scripts/train_naming.py FOLDER measure SPLIT

FOLDER holds truth.csv.gz and detections.csv.gz (shared/data/ct_mr/named_points). ``learn`` takes
spacing, spread, build, group confusion and rates from split ``train`` and with ``--rounds`` tunes the
weights there by the likelihood of the true names; ``measure`` counts right, flagged and silently wrong scans.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from spineimg.core.levels import Level
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.segmentation.name import log_posterior, name_column
from spineimg.segmentation.naming_model import (
    BINS,
    STATES,
    WAYS,
    Found,
    NamingModel,
    Surroundings,
    load_naming_model,
    region_place,
    slopes_deg,
)
from spineimg.segmentation.naming_shape import ShapeModel, learn_shapes, pedicle_shape, shifted_looks

MATCH_MM = 15.0
"""A detection belongs to a true body nearer than this (99.9 % of them lie within 8 mm)."""
SHIFT_FROM = Level.T9
"""From here down a patient may be built one level off."""
PEDICLE_MM = 45.0
"""A pedicle point belongs to the nearest body, at most this far away (as the truth was paired)."""
S1_MM = (20.0, 46.0)
"""A detection at this distance below a true L5 is the first sacral body."""
BORDER = (1.2, 1.8)
"""Group evidence up to the first place looks thoracic, from the second on lumbar, between them like both."""
SPREAD_LOWEST = 1.5
"""Spread of any shape (mm or degrees) is at least this: few cases must not look exact."""
LIMITS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)
"""Bins of the posterior."""
PSEUDO = 4.0
"""Weight of the neighbours when few vertebrae of a level were seen."""
START = {
    "surplus": -3.0, "confidence": 0.7, "group": 1.0, "group_floor": 0.02, "group_doubt": 0.1,
    "group_soft": 0.6, "number_sd": 1.5, "number_shared": 0.5, "number_limit": 16.0, "spacing": 0.4,
    "broad_share": 0.01, "broad_sd": 4.0, "centre_sd": 1.5, "miss": -3.0, "t13": -5.0, "l6": -3.0,
    "s1": -2.3, "no_t12": -5.2, "no_l5": -3.6, "slope": 0.2, "slope_floor": 0.02, "near_mm": 12.0,
    "far_mm": 52.0, "scale_sd": 0.07, "skull": -1.5, "shape": 0.5, "shape_floor": 0.02, "sacrum": 0.8,
    "sacrum_mm": 24.7, "sacrum_sd": 6.0,
}  # fmt: skip
"""Weights; those of the build and the limits of the flags were chosen by flagged and silently wrong scans of
``validation`` and of 250 of ``train``. Tuning by likelihood alone (``--rounds``) made the names too sure."""
TUNED = {
    "shape": (0.25, 0.35, 0.5), "group": (0.7, 1.0, 1.3), "spacing": (0.25, 0.4, 0.6),
    "s1": (-3.0, -2.3, -1.6), "slope": (0.1, 0.2, 0.35), "l6": (-3.6, -3.0, -2.4),
}  # fmt: skip


@dataclass(frozen=True)
class Scan:
    """Detections of one scan head to foot, and the true level of each (None: matches no true body)."""

    name: str
    found: tuple[Found, ...]
    truth: tuple[Level | None, ...]
    missed: tuple[Level, ...]
    inside: tuple[bool, ...]


def read(folder: Path, split: str) -> list[Scan]:
    truth = pd.read_csv(folder / "truth.csv.gz")
    seen = pd.read_csv(folder / "detections.csv.gz")
    truth, seen = truth[truth.split == split], seen[seen.split == split]
    scans = []
    for name, rows in seen.groupby("scan"):
        true = truth[truth.scan == name]
        bodies = rows[rows.kind == "body"].sort_values("z", ascending=False)
        if len(true) and len(bodies):
            scans.append(_scan(str(name), true, bodies, _shapes(rows, bodies)))
    return scans


def _shapes(rows: pd.DataFrame, bodies: pd.DataFrame) -> list[tuple[float, float, float] | None]:
    """Build of each body from the pedicle points nearest to it, None without both."""
    centres = bodies[["x", "y", "z"]].to_numpy()
    sides = []
    for kind in ("left", "right"):
        points = rows[rows.kind == kind][["x", "y", "z"]].to_numpy()
        own: list[np.ndarray | None] = [None] * len(centres)
        if len(points):
            distance = np.linalg.norm(points[:, None] - centres[None], axis=2)
            for column in range(len(centres)):
                row = int(distance[:, column].argmin())
                if distance[row, column] < PEDICLE_MM and int(distance[row].argmin()) == column:
                    own[column] = points[row]
        sides.append(own)
    return [
        None if left is None or right is None else pedicle_shape(centre, left, right)
        for centre, left, right in zip(centres, *sides, strict=True)
    ]


def _scan(
    name: str,
    true: pd.DataFrame,
    bodies: pd.DataFrame,
    shapes: list[tuple[float, float, float] | None],
) -> Scan:
    points = true[["body_x", "body_y", "body_z"]].to_numpy()
    centres = bodies[["x", "y", "z"]].to_numpy()
    groups = bodies[["p_cervical", "p_thoracic", "p_lumbar"]].to_numpy()
    distance = np.linalg.norm(centres[:, None] - points[None], axis=2)
    names: list[Level | None] = [None] * len(centres)
    for column in range(len(points)):  # the nearest detection of each true body, and only one
        row = int(distance[:, column].argmin())
        if distance[row, column] < MATCH_MM and int(distance[row].argmin()) == column:
            names[row] = Level(true["level"].iloc[column])
    got = {n for n in names if n is not None}
    lowest = next((n for n in reversed(range(len(names))) if names[n] is not None), None)
    if lowest is not None and names[lowest] is Level.L5 and lowest + 1 < len(names):
        step = float(np.linalg.norm(centres[lowest + 1] - centres[lowest]))
        if S1_MM[0] < step < S1_MM[1]:  # what a finder sees there is the first sacral body
            names[lowest + 1] = Level.S1
    found = tuple(
        Found(c, (float(g[0]), float(g[1]), float(g[2])), float(min(0.99, g.max())), shape=shape)
        for c, g, shape in zip(centres, groups, shapes, strict=True)
    )
    inside = tuple(bool(points[:, 2].min() < c[2] < points[:, 2].max()) for c in centres)
    missed = tuple(Level(n) for n in true["level"] if Level(n) not in got)
    return Scan(name, found, tuple(names), missed, inside)


def facts(folder: Path, scans: list[Scan]) -> NamingModel:
    """Spacing after each patient's own scale, and mean group evidence per level."""
    truth = pd.read_csv(folder / "truth.csv.gz")
    truth = truth[truth.split == "train"]
    steps: dict[str, list[tuple[str, float]]] = {}
    for name, rows in truth.groupby("scan"):
        rows = rows.sort_values("body_z", ascending=False)
        points = rows[["body_x", "body_y", "body_z"]].to_numpy()
        for upper, lower, p, q in zip(rows["level"], rows["level"][1:], points, points[1:], strict=False):
            if STATES.index(Level(lower)) - STATES.index(Level(upper)) == 1 or (upper, lower) == (
                "T12",
                "L1",
            ):
                steps.setdefault(upper, []).append((str(name), float(np.linalg.norm(p - q))))
    mean = {level: float(np.median([d for _, d in s])) for level, s in steps.items()}
    logs: dict[str, list[float]] = {}
    for level, pairs in steps.items():
        for name, d in pairs:
            logs.setdefault(name, []).append(float(np.log(d / mean[level])))
    scale = {name: float(np.exp(np.median(v))) for name, v in logs.items()}
    spread = {
        level: 1.4826 * float(np.median(np.abs([d / scale[n] - mean[level] for n, d in pairs])))
        for level, pairs in steps.items()
    }
    print("sd of log scale", np.std([np.log(v) for v in scale.values()]).round(3))
    for level, like in (("T13", "T12"), ("L5", "L4"), ("L6", "L5"), ("S1", "L5")):
        mean[level], spread[level] = mean[like], spread[like]
    (right, lumbar, thoracic), shares = _groups(scans)
    return NamingModel(
        spacing_mm=np.array([mean[s.value] for s in STATES]),
        spacing_sd=np.array([max(0.6, spread[s.value]) for s in STATES]),
        groups=np.stack([right, lumbar, thoracic]),
        group_shares=shares,
        slope_deg=_slopes(scans),
        shape=_build(scans),
        weights=dict(START),
        version="2",
    )


def _slopes(scans: list[Scan]) -> np.ndarray:
    """Median and robust spread of the step to each level; rare levels borrow from a neighbour."""
    table: dict[Level, list[float]] = {s: [] for s in STATES}
    for scan in scans:
        for level, slope in zip(scan.truth, slopes_deg(scan.found, (12.0, 52.0)), strict=True):
            if level is not None and np.isfinite(slope):
                table[level].append(float(slope))
    table[Level.T13], table[Level.C1] = table[Level.T12], table[Level.C2]
    rows = []
    for s in STATES:
        own = np.array(table[s])
        middle = float(np.median(own))
        rows.append((middle, max(SPREAD_LOWEST, 1.4826 * float(np.median(np.abs(own - middle))))))
    return np.array(rows)


def _build(scans: list[Scan]) -> ShapeModel:
    """Build of each level, and how often a patient is built one level off."""
    state = {level: n for n, level in enumerate(STATES)}
    columns = [
        (
            np.array([-1 if n is None else state[n] for n in scan.truth]),
            np.array([[np.nan] * 3 if f.shape is None else f.shape for f in scan.found]),
        )
        for scan in scans
    ]
    order = [n for level, n in state.items() if level not in (Level.T13, Level.L6)]
    looks = shifted_looks(order, order.index(state[SHIFT_FROM]), len(STATES))
    return learn_shapes(columns, np.array([_way(s) for s in scans]), looks, START["shape_floor"])


def _places(scan: Scan) -> dict[Level, float]:
    """Place of each true body's group evidence."""
    return {
        level: region_place(f.groups, START["group_floor"])
        for f, level in zip(scan.found, scan.truth, strict=True)
        if level is not None
    }


def _way(scan: Scan) -> int:
    """How the detector sees the border of a scan (place in `WAYS`), -1 where no border is in view."""
    places = _places(scan)
    if Level.T12 not in places and Level.L1 not in places:
        return -1
    return 1 if places.get(Level.T12, 1.0) > BORDER[0] else 2 if places.get(Level.L1, 2.0) < BORDER[1] else 0


def _groups(scans: list[Scan]) -> tuple[list[np.ndarray], np.ndarray]:
    """Tables of group evidence (right, T12 taken for lumbar, L1 for thoracic) and how often each happens."""
    row = {s: n for n, s in enumerate(STATES)}
    counts = np.zeros((3, len(STATES), len(BINS) + 1))
    ways = np.zeros(3)
    for scan in scans:
        places = _places(scan)
        way = max(0, _way(scan))
        ways[way] += _way(scan) >= 0
        for level, place in places.items():
            counts[way, row[level], np.digitize(place, BINS)] += 1
    pools = ([f"C{n}" for n in range(1, 6)], [f"T{n}" for n in range(3, 11)], [f"L{n}" for n in range(3, 7)])
    for names in pools:  # inner levels of a region look alike
        rows = [row[Level(n)] for n in names]
        counts[0, rows] = counts[:, rows].sum((0, 1))
        for s in STATES:
            if s.value[0] == names[0][0]:
                counts[0, row[s]] += PSEUDO * counts[0, rows[-1]] / counts[0, rows[-1]].sum()
    t12, t13, l1 = row[Level.T12], row[Level.T13], row[Level.L1]
    # A T13 carries a short rib or none: half the time it looks like T12, half like L1.
    counts[0, t13] = counts[0, t12] / counts[0, t12].sum() + counts[0, l1] / counts[0, l1].sum()
    base = _smooth(counts[0])
    return [base, _smooth(counts[1]), _smooth(counts[2])], ways / ways.sum()


def _smooth(counts: np.ndarray) -> np.ndarray:
    """Counts per bin to shares, a little of each bin given to its neighbours."""
    padded = np.pad(counts, ((0, 0), (1, 1)), mode="edge")
    blurred = 0.8 * counts + 0.1 * padded[:, :-2] + 0.1 * padded[:, 2:]
    shares = (blurred + 1e-9) / (blurred + 1e-9).sum(1, keepdims=True) + 0.0005
    return np.asarray(shares / shares.sum(1, keepdims=True))


def likelihood(scans: list[Scan], model: NamingModel) -> list[float]:
    return [max(-12.0, log_posterior(s.found, Surroundings(), model, s.truth)) for s in scans]


def informative(scans: list[Scan], model: NamingModel, number: int) -> list[tuple[Scan, float]]:
    """Half the number: the scans that are hardest now; half: any others, standing for all the rest."""
    scored = sorted(zip(likelihood(scans, model), range(len(scans)), strict=True))
    hard = [scans[n] for _, n in scored[: number // 2]]
    rest = [scans[n] for _, n in scored[number // 2 :]]
    drawn = random.Random(0).sample(rest, min(number // 2, len(rest)))
    return [(s, 1.0) for s in hard] + [(s, len(rest) / len(drawn)) for s in drawn]


def tune(scans: list[Scan], model: NamingModel, rounds: int, number: int) -> NamingModel:
    if rounds == 0:
        return model
    drawn = informative(scans, model, number)
    chosen, weight = [s for s, _ in drawn], np.array([w for _, w in drawn])

    def value_of(trial: NamingModel) -> float:
        return float(np.array(likelihood(chosen, trial)) @ weight / weight.sum())

    best = value_of(model)
    for turn in range(rounds):
        for key, values in TUNED.items():
            for value in values:
                if value == model.weights[key]:
                    continue
                trial = dataclasses.replace(model, weights={**model.weights, key: value})
                score = value_of(trial)
                if score > best + 1e-5:
                    best, model = score, trial
            print(turn, key, model.weights[key], round(best, 5), flush=True)
    return model


def write(model: NamingModel, folder: Path) -> None:
    if model.groups is None or model.shape is None:
        raise ValueError("a learned model has tables of groups and shapes")
    tables = model.groups
    misseen = {
        way: {
            "share": round(float(model.group_shares[k]), 4),
            "groups": [round(float(v), 5) for v in tables[k][STATES.index(level)]],
        }
        for k, (way, level) in enumerate(zip(WAYS, (Level.T12, Level.T12, Level.L1), strict=True))
    }
    levels = {
        s.value: {
            "spacing_mm": round(float(model.spacing_mm[n]), 2),
            "spacing_sd": round(float(model.spacing_sd[n]), 2),
            "groups": [round(float(v), 5) for v in tables[0][n]],
            "slope_deg": [round(float(v), 2) for v in model.slope_deg[n]],
            "shape": [np.round(table[n], 3).tolist() for table in (model.shape.mean, model.shape.spread)],
        }
        for n, s in enumerate(STATES)
    }
    folder.mkdir(parents=True, exist_ok=True)
    shared = ("carry", "alone", "after", "any_mean", "any_spread", "looks", "shares")
    build = {key: np.round(getattr(model.shape, key), 4).tolist() for key in shared}
    parts = {"levels": levels, "misseen": misseen, "build": build, "weights": model.weights}
    text = json.dumps({"version": model.version, **parts}, indent=1)
    (folder / "parameters.json").write_text(text + "\n", encoding="utf-8")


def measure(scans: list[Scan], model: NamingModel, settings: SegmentationSettings) -> pd.DataFrame:
    rows = []
    for scan in scans:
        naming = name_column(scan.found, Surroundings(), model, settings)
        pairs = list(zip(naming.levels, scan.truth, scan.inside, strict=True))
        wrong = [(str(a), str(b)) for a, b, _ in pairs if a is not None and b is not None and a is not b]
        lost = [str(b) for a, b, _ in pairs if a is None and b is not None and b is not Level.S1]
        # A name inside the true chain that no true body lies near; a true body that the detection
        # missed by more than the tolerance keeps its name.
        invented = [
            str(a)
            for a, b, within in pairs
            if a is not None and b is None and within and a not in scan.missed
        ]
        rows.append(
            {
                "scan": scan.name, "n": len(pairs), "right": not wrong and not invented, "lost": len(lost),
                "flagged": naming.flagged, "codes": "|".join(c.code for c in naming.caveats),
                "best": naming.best, "low": min((d.confidence for d in naming.doubts), default=0.0),
                "wrong": ";".join(f"{b}->{a}" for a, b in wrong), "invented": ";".join(invented),
            }
        )  # fmt: skip
    table = pd.DataFrame(rows)
    silent = ~table.right & ~table.flagged
    named = {"right": table.right, "flagged": table.flagged, "right or flagged": ~silent}
    for name, values in {**named, "silently wrong": silent}.items():
        low, high = proportion_confint(int(values.sum()), len(values), method="wilson")
        print(f"{name}: {int(values.sum())} of {len(values)}, {values.mean():.4f} ({low:.4f}-{high:.4f})")
    print("true bodies dropped:", int(table.lost.sum()))
    calibration(table)
    return table


def calibration(table: pd.DataFrame) -> None:
    """Posterior of the whole naming against how often it is right."""
    bins = pd.cut(table.best, LIMITS)
    rows = table.groupby(bins, observed=True).agg(
        n=("right", "size"), right=("right", "mean"), best=("best", "mean")
    )
    error = float((rows.n * (rows.right - rows.best).abs()).sum() / rows.n.sum())
    print(rows.round(3).to_string(), f"\ncalibration error {error:.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("task", choices=["learn", "measure"])
    parser.add_argument("split", nargs="?", default="validation", choices=["train", "validation", "test"])
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "models" / "naming")
    parser.add_argument("--scans", type=int, default=140, help="train scans that tune the weights")
    parser.add_argument("--rounds", type=int, default=0, help="rounds of tuning")
    given = parser.parse_args()
    if given.task == "learn":
        scans = read(given.folder, "train")
        write(facts(given.folder, scans), given.out)
        model = load_naming_model(given.out)  # tuned in the form in which it is used
        write(tune(scans, model, given.rounds, given.scans), given.out)
    else:
        table = measure(read(given.folder, given.split), load_naming_model(given.out), SegmentationSettings())
        print(table[~table.right | table.flagged].to_string())


if __name__ == "__main__":
    main()
