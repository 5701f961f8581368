"""The engine on one case after another, each giving its rows."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from painted import paint_seed
from quality import scans
from quality.compare import Place, centres, lesion_rows, vertebra_rows
from quality.figures import Results, Row

from spineimg.core.errors import InputRefused
from spineimg.core.grid import Grid
from spineimg.core.labelmap import LabelMap
from spineimg.core.measurements import Measurements
from spineimg.core.settings import Settings
from spineimg.core.volume import Modality, Volume
from spineimg.phantom.make import make_phantom
from spineimg.phantom.random import random_spec
from spineimg.pipeline.analyse import measure_column
from spineimg.pipeline.cropping import column_box, crop_labels
from spineimg.pipeline.reading import read
from spineimg.segmentation.engine import SpineEngine

NOTHING = Measurements((), (), ())
Draw = Callable[[int], tuple[Volume, LabelMap]]


def phantom(seed: int) -> tuple[Volume, LabelMap]:
    """Draw a spine from a seed."""
    made = make_phantom(random_spec(seed))
    return made.volume, made.labels


def painted(seed: int) -> tuple[Volume, LabelMap]:
    """Deformed real anatomy with lesions, by a generator that shares nothing with the training's."""
    made = paint_seed(seed)
    return made.volume, made.labels


@dataclass(frozen=True)
class Judge:
    """The engine under test, where its results go, and where cases come from."""

    engine: SpineEngine
    results: Results
    pictures: Path | None
    kept: Path | None
    """Folder that keeps drawn scans for the next weights; None: drawn anew."""
    settings: Settings

    def run(self, section: str, name: str, make: Callable[[], list[Row]]) -> None:
        """One case, unless its rows are there; say how long it took."""
        start = time.perf_counter()
        rows = self.results.rows(section, name, make)
        print(f"{section}/{name}: {len(rows)} rows, {time.perf_counter() - start:.0f} s", flush=True)

    def scans(self, section: str, some: list[scans.Scan]) -> None:
        """Whole real scans: vertebrae against the reference, and every mark of a lesion."""
        for scan in some:
            self.run(section, scan.name, lambda scan=scan: self._scan(scan))  # type: ignore[misc]

    def copies(self, some: list[scans.Scan]) -> None:
        """Scans with masks and their changed copies."""
        for scan in some:
            for kind in scans.COPIES:
                self.run("copies", f"{scan.name}-{kind}", lambda s=scan, k=kind: self._copy(s, k))  # type: ignore[misc]

    def _copy(self, scan: scans.Scan, kind: str) -> list[Row]:
        case = scans.COPIES[kind](scans.load(scan))
        rows = [] if case is None else self.vertebrae(case, self.label(case.volume))
        return [row | {"kind": kind, "scan": scan.name, "role": scan.role} for row in rows]

    def drawn_scans(self, section: str, seeds: range, draw: Draw) -> None:
        """Scans that ``draw`` makes from a seed, with their labels: vertebrae and lesions."""
        for seed in seeds:
            self.run(section, str(seed), lambda n=seed: self.truth_rows(*self._drawn(section, n, draw)))  # type: ignore[misc]

    def _drawn(self, section: str, seed: int, draw: Draw) -> tuple[Volume, LabelMap]:
        """A drawn scan, from the folder that keeps them where it is there."""
        if self.kept is None:
            return draw(seed)
        path = self.kept / f"{section}_{seed}.npz"
        if not path.is_file():
            keep(path, *draw(seed))
        return kept_scan(path)

    def truth_rows(self, volume: Volume, truth: LabelMap) -> list[Row]:
        """Rows of one scan whose labels are known by construction."""
        case = scans.Case(volume, whole_places(truth), truth.array)
        labels = self.label(volume)
        return self.vertebrae(case, labels) + self.lesions(volume, labels, truth)

    def _scan(self, scan: scans.Scan) -> list[Row]:
        case = scans.load(scan)
        labels = self.label(case.volume)
        if self.pictures and labels is not None:
            self.pictures.mkdir(parents=True, exist_ok=True)
            scans.overlay(case.volume, labels.array, self.pictures / f"{scan.name}.png", scan.name)
        rows = self.vertebrae(case, labels) + self.lesions(case.volume, labels, None)
        return [row | {"role": scan.role} for row in [*rows, {"row": "scan"}]]

    def patches(self, section: str, folders: list[Path]) -> None:
        """Patches of one vertebra with points marked on its endplates."""
        for folder in folders:
            self.run(section, folder.name, lambda folder=folder: self._patch(folder))  # type: ignore[misc]

    def _patch(self, folder: Path) -> list[Row]:
        volume = read(folder / "image.nii.gz", None, Modality.CT, self.settings)
        labels = self.label(volume)
        measured = NOTHING if labels is None else measure_column(volume, labels, self.settings)[2]
        return endplate_rows(measured, json.loads((folder / "points.json").read_text()))

    def label(self, volume: Volume) -> LabelMap | None:
        """Labels of a scan; None where the engine refuses it."""
        try:
            return self.engine(volume, self.settings.segmentation)
        except InputRefused:
            return None

    def vertebrae(self, case: scans.Case, labels: LabelMap | None) -> list[Row]:
        """Rows of the vertebrae; a refused scan has none found."""
        if labels is None:
            return [
                {"row": "vertebra", "level": "/".join(n.value for n in p.names), "found": 0.0}
                for p in case.places
            ]
        return vertebra_rows(labels, case.places, case.reference)

    def lesions(self, volume: Volume, labels: LabelMap | None, truth: LabelMap | None) -> list[Row]:
        """Rows of true lesions and of ours, measured as the pipeline does."""
        blank = np.zeros(volume.grid.shape, np.uint8)
        measured = NOTHING
        if labels is None:
            labels = LabelMap(blank, volume.grid, lesions=blank)
        else:
            _, masks, measured = measure_column(volume, labels, self.settings)
            box = column_box(labels, self.settings.report.crop_margin_mm)
            truth = None if truth is None else crop_labels(truth, *box)
            labels = replace(masks, grid=masks.grid)
            blank = np.zeros(labels.grid.shape, np.uint8)
        if truth is None or truth.lesions is None or truth.lesion_types is None:
            return lesion_rows(labels, measured, (blank, blank))
        return lesion_rows(labels, measured, (truth.lesions, truth.lesion_types))


def whole_places(truth: LabelMap) -> tuple[Place, ...]:
    """The vertebrae of a labelled scan that touch no face of it."""
    faces: list[NDArray[np.uint8]] = [truth.array.take(end, axis) for axis in range(3) for end in (0, -1)]
    cut = {int(k) for face in faces for k in np.unique(face)}
    found = centres(truth.array, truth.grid)
    return tuple(
        Place(frozenset({level}), at, level.verse_id)
        for level, at in found.items()
        if level.verse_id not in cut
    )


def endplate_rows(measured: Measurements, points: dict[str, Any]) -> list[Row]:
    """How far our endplate points lie from the marked line, along the body's axis (the patch's z), mm.

    The vertebra of ours nearest to the marks is taken; between the mid-sagittal marks the line is
    straight. A patch where nothing is measured gives one row with ``found`` 0.
    """
    at = {name: np.array(lps) for name, lps in points["points_lps_mm"].items()}
    middle = np.mean([at[f"{side}_middle"] for side in ("upper", "lower")], axis=0)
    near = [v for v in measured.vertebrae if np.linalg.norm(np.array(v.centre_lps_mm) - middle) < 10.0]
    if not near or near[0].endplates_lps_mm is None:
        return [{"row": "endplate", "found": 0.0}]
    ends = near[0].endplates_lps_mm
    rows: list[Row] = []
    for side, ours in (("upper", ends.upper), ("lower", ends.lower)):
        names = ("anterior", "quarter_anterior", "middle", "quarter_posterior", "posterior")
        line = np.array([at[f"{side}_{name}"] for name in names])
        line = line[line[:, 1].argsort()]
        for site in ("anterior", "middle", "posterior"):
            _, y, z = getattr(ours, site)
            gap = z - float(np.interp(y, line[:, 1], line[:, 2]))
            rows.append(
                {"row": "endplate", "found": 1.0, "site": f"{side} {site}", "mm": abs(gap), "signed_mm": gap}
            )
    for site in ("anterior", "middle", "posterior"):
        height = getattr(near[0].heights_mm, site)
        if height is not None:
            rows.append(
                {"row": "height", "site": site, "error_mm": height.value - points["heights_mm"][site]}
            )
    return rows


def keep(path: Path, volume: Volume, labels: LabelMap) -> None:
    """Keep a drawn scan with its labels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.npz")
    masks = {k: getattr(labels, k) for k in ("array", "parts", "lesions", "lesion_types")}
    np.savez_compressed(part, hu=volume.array, affine=volume.grid.affine, **masks)
    part.replace(path)


def kept_scan(path: Path) -> tuple[Volume, LabelMap]:
    """A scan that `keep` wrote."""
    with np.load(path) as blob:
        grid = Grid(blob["hu"].shape, blob["affine"])
        labels = LabelMap(blob["array"], grid, blob["parts"], blob["lesions"], blob["lesion_types"])
        return Volume(blob["hu"], grid, Modality.CT), labels
