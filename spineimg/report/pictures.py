"""All pictures of a case, written into its folder."""

from __future__ import annotations

from pathlib import Path

from spineimg.core.labelmap import LabelMap
from spineimg.core.measurements import Measurements
from spineimg.core.scores import SinsScores
from spineimg.core.settings.report import ReportSettings
from spineimg.core.volume import Volume
from spineimg.report.canvas import save
from spineimg.report.key_pictures import Scene, axial, sagittal
from spineimg.report.overview import column


def draw_pictures(
    volume: Volume,
    labels: LabelMap,
    measurements: Measurements,
    scores: SinsScores,
    folder: Path,
    settings: ReportSettings | None = None,
) -> tuple[str, ...]:
    """Draw the column and two key pictures of every level with a score.

    Parameters
    ----------
    volume, labels : Volume, LabelMap
        Image and masks; the grids may differ.
    measurements, scores : Measurements, SinsScores
        What was measured (the very points are drawn) and scored.
    folder : Path
        The case folder; pictures go into its ``pictures``.
    settings : ReportSettings, optional
        Window and sizes.

    Returns
    -------
    tuple of str
        Names relative to the folder: ``pictures/column.png``, ``pictures/<level>_sagittal.png``,
        ``pictures/<level>_axial.png``.
    """
    scene = Scene(volume, labels, measurements, settings or ReportSettings())
    target = folder / "pictures"
    target.mkdir(parents=True, exist_ok=True)
    save(column(scene, scores), target / "column.png")
    names = ["pictures/column.png"]
    for score in scores.levels:
        vertebra = measurements.vertebra(score.level)
        if vertebra is None:
            continue
        for kind, draw in (("sagittal", sagittal), ("axial", axial)):
            name = f"{score.level}_{kind}.png"
            save(draw(scene, vertebra), target / name)
            names.append(f"pictures/{name}")
    return tuple(names)
