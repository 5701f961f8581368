#!/usr/bin/env python3
"""Run the MR network on the real MR with masks of bodies: one row a case, totals with intervals.

    scripts/evaluate_mr.py --split validation --out out/mr

The masks (manual, as their source says; names counted from the lowest body, not confirmed by a radiologist)
hold vertebral BODIES only, so our bodies are compared: Dice by name, and by place (our body nearest to the
reference, whatever its name). Whole bodies only: those that touch neither the upper nor the lower edge.
Found: our body's centre within 10 mm. Right: the nearest body has the name and says so; flagged: it says that
its name is open; wrong: neither. Intervals: 95 % bootstrap over cases. `test` is for one run at the very end.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from quality.compare import centres

from spineimg.core.labelmap import LabelMap, Part
from spineimg.core.levels import Level
from spineimg.core.settings import Settings
from spineimg.core.volume import Modality, Volume
from spineimg.segmentation.engine import Engine, load_engine
from spineimg.storage.nifti import read_mask, read_volume

NEAR_MM = 10.0
LUMBAR = (Level.L1, Level.L2, Level.L3, Level.L4, Level.L5)
BAR = 0.87


@dataclass
class Row:
    """One whole body of the reference."""

    case: str
    level: str
    found: bool
    name: str
    centre_mm: float
    dice_name: float
    dice_place: float


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Dice of two masks."""
    return float(2 * (a & b).sum() / max(1, a.sum() + b.sum()))


def judge(case: str, volume: Volume, labels: LabelMap, reference: np.ndarray) -> list[Row]:
    """Compare our bodies with the reference's."""
    ours = np.where(labels.parts == Part.BODY, labels.array, 0)
    ours[ours >= Level.SACRUM.verse_id] = 0
    found = centres(ours, volume.grid)
    doubtful = {d.level for d in labels.names if len(d.possible) > 1}
    edge = {int(k) for k in np.unique(np.concatenate([reference[..., 0], reference[..., -1]]))}
    rows = []
    for level, at in centres(reference, volume.grid).items():
        if not level.is_vertebra or level.verse_id in edge:
            continue
        mask = reference == level.verse_id
        if not found:
            rows.append(
                Row(
                    case,
                    level.value,
                    found=False,
                    name="lost",
                    centre_mm=float("nan"),
                    dice_name=0.0,
                    dice_place=0.0,
                )
            )
            continue
        near = min(found, key=lambda k: float(np.linalg.norm(found[k] - at)))
        gap = float(np.linalg.norm(found[near] - at))
        name = "flagged" if near in doubtful else "right" if near is level else "wrong"
        rows.append(
            Row(
                case,
                level.value,
                gap <= NEAR_MM,
                name if gap <= NEAR_MM else "lost",
                gap,
                overlap(ours == level.verse_id, mask),
                overlap(ours == near.verse_id, mask),
            )
        )
    return rows


def bootstrap(rows: list[Row], what: str) -> tuple[float, float, float]:
    """Mean over vertebrae with a 95 % interval, cases drawn."""
    cases = sorted({r.case for r in rows})
    values = [np.array([float(getattr(r, what)) for r in rows if r.case == c]) for c in cases]
    rng = np.random.default_rng(0)
    draws = [
        float(np.nanmean(np.concatenate([values[i] for i in rng.integers(0, len(cases), len(cases))])))
        for _ in range(2000)
    ]
    mean = float(np.nanmean(np.concatenate(values)))
    return mean, float(np.quantile(draws, 0.025)), float(np.quantile(draws, 0.975))


def lumbar_names(rows: list[Row]) -> dict[str, str]:
    """Complete lumbar series (L1 to L5 whole): right, flagged or wrong as a whole."""
    verdict = {}
    for case in sorted({r.case for r in rows}):
        own = {r.level: r.name for r in rows if r.case == case}
        if not all(level.value in own for level in LUMBAR):
            continue
        names = [own[level.value] for level in LUMBAR]
        verdict[case] = next((n for n in ("lost", "wrong", "flagged") if n in names), "right")
    return verdict


def picture(volume: Volume, labels: LabelMap, reference: np.ndarray, path: Path) -> None:
    """Three sagittal slices: our masks filled, the reference as lines, names."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 9))
    planes = np.flatnonzero((reference > 0).any((1, 2)))
    step = float(volume.grid.spacing_mm[2] / volume.grid.spacing_mm[1])
    for place, share in enumerate((0.25, 0.5, 0.75)):
        k = int(planes[int(share * (len(planes) - 1))])
        axes = figure.add_subplot(1, 3, place + 1)
        image, shown = volume.array[k].T, labels.array[k].T
        axes.imshow(image, cmap="gray", vmax=np.percentile(volume.array, 99), origin="lower", aspect=step)
        axes.imshow(
            np.ma.masked_equal(shown, 0), cmap="prism", alpha=0.35, origin="lower", interpolation="nearest",
            vmin=1, vmax=33, aspect=step,
        )  # fmt: skip
        axes.contour(reference[k].T > 0, [0.5], colors="cyan", linewidths=0.8)
        for verse_id in np.unique(shown[shown > 0]):
            z, y = np.argwhere(shown == verse_id).mean(axis=0)
            axes.text(y, z, Level.from_verse_id(int(verse_id)).value, color="yellow", fontsize=8)
        axes.set_axis_off()
    figure.suptitle(path.stem)
    figure.savefig(path, dpi=60, bbox_inches="tight")


def evaluate(folder: Path, engine: Engine, out: Path) -> tuple[list[Row], list[str]]:
    """One case: rows and the codes of its caveats."""
    volume = read_volume(folder / "image.nii.gz", Modality.MR)
    reference, _ = read_mask(folder / "labels.nii.gz")
    labels = engine(volume, Settings().segmentation)
    picture(volume, labels, reference, out / f"{folder.name}.png")
    return judge(folder.name, volume, labels, reference), sorted({c.code for c in labels.findings})


def case_line(rows: list[Row], about: str, caveats: list[str]) -> str:
    """One line of the table."""
    count = {n: sum(r.name == n for r in rows) for n in ("right", "flagged", "wrong")}
    dice = " | ".join(f"{np.mean([getattr(r, w) for r in rows]):.3f}" for w in ("dice_name", "dice_place"))
    gaps = [r.centre_mm for r in rows if r.found]
    return (
        f"| {rows[0].case} | {about} | {len(rows)} | {sum(r.found for r in rows)} | {count['right']} | "
        f"{count['flagged']} | {count['wrong']} | {np.mean(gaps) if gaps else float('nan'):.1f} | {dice} | "
        f"{', '.join(caveats) or '-'} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=Path(__file__).parents[2] / "shared")
    parser.add_argument("--split", choices=("train", "validation", "test"), default="validation")
    parser.add_argument("--out", type=Path, default=Path("out/mr"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    engine = load_engine(None, Modality.MR)
    rows: list[Row] = []
    columns = ["case", "sequence", "n", "found", "right", "flagged", "wrong", "centre mm"]
    columns += ["Dice name", "Dice place", "caveats"]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for path in sorted((given.shared / "data" / "ct_mr").glob("*/case_*/meta.json")):
        meta = json.loads(path.read_text(encoding="utf-8"))
        if meta.get("modality") != "MR" or meta.get("split") != given.split:
            continue
        own, caveats = evaluate(path.parent, engine, given.out)
        rows += own
        print(case_line(own, str(meta.get("sequence", "")).split(" (")[0], caveats), flush=True)
    figures = {what: bootstrap(rows, what) for what in ("dice_name", "dice_place", "centre_mm")}
    lumbar = lumbar_names(rows)
    cases = len({r.case for r in rows})
    for what, (mean, low, high) in figures.items():
        print(f"{what}: {mean:.3f} ({low:.3f}-{high:.3f}), {len(rows)} bodies of {cases} cases")
    print(f"bar: bodies Dice by name >= {BAR}: {'reached' if figures['dice_name'][0] >= BAR else 'missed'}")
    print(f"complete lumbar series: {lumbar}")
    record = {"rows": [asdict(r) for r in rows], "figures": figures, "lumbar": lumbar}
    (given.out / f"{given.split}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
