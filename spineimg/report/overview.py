"""The whole column in one picture: a sagittal cut that follows it sideways, with the levels' names."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spineimg.core.labelmap import Part
from spineimg.core.scores import SinsScores
from spineimg.report import palette
from spineimg.report.canvas import badge, blank, letters_and_scale, outline, show, text
from spineimg.report.key_pictures import Scene, draw_lesions
from spineimg.report.reformat import Cut, Plane, cut
from spineimg.report.sentences import unsearched

PLATE_MM = 22.0
"""Half the width of the widest plate."""
SIDE_LETTERS_MM = 14.0
"""Depth of the side letters below the upper edge, clear of the plates."""


def column(scene: Scene, scores: SinsScores) -> Figure:
    """Draw the column head to foot: scored names on the colour of their band, candidates in brackets on grey.

    A name with "?" is in doubt; a white plate has an open band.
    """
    vertebrae = scene.measurements.vertebrae
    centres = np.array([v.centre_lps_mm for v in vertebrae]).reshape(-1, 3)
    if len(centres) == 0:
        corners = scene.volume.grid.to_lps_mm(np.array([(0, 0, 0), np.array(scene.volume.grid.shape) - 1.0]))
        centres = corners.mean(axis=0, keepdims=True)
    margin = scene.settings.column_margin_mm
    low, high = centres.min(axis=0) - margin, centres.max(axis=0) + margin
    ends = scene.volume.grid.to_lps_mm(np.array([np.zeros(3), np.array(scene.volume.grid.shape) - 1.0]))[:, 2]
    low[2], high[2] = max(low[2], ends.min() - 4.0), min(high[2], ends.max() + 4.0)
    width = float(max(high[1] + margin - low[1], 110.0))
    height = float(high[2] - low[2])
    middle = np.array([centres[:, 0].mean(), (low[1] + high[1] + margin) / 2, (low[2] + high[2]) / 2])
    step = max(scene.settings.picture_step_mm, height / 900)
    plane = Plane(middle, np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, -1.0]), width, height, step)
    points = plane.points_lps_mm()
    order = np.argsort(centres[:, 2])
    points[..., 0] = np.interp(points[..., 2], centres[order, 2], centres[order, 0])
    figure, axes = blank(width, height, scene.settings)
    image = cut(scene.volume.grid, points).image(scene.volume.array)
    show(axes, image, plane, scene.volume.modality, scene.settings)
    labels = scene.labels
    masks = cut(labels.grid, points)
    _bodies(axes, scene, plane, masks)
    draw_lesions(axes, labels, plane, masks)
    for vertebra in vertebrae:
        score = scores.of(vertebra.level)
        doubt = "?" if len(vertebra.name_possible) > 1 else ""
        x, y = plane.project(np.array(vertebra.centre_lps_mm))
        place = (float(x), float(y))
        open_all = unsearched(scene.measurements, vertebra.level)
        if score is None or score.state == "not_scored" or not score.band or open_all:
            text(axes, place, f"{vertebra.level}{doubt}", size=13.0)
        else:
            total = palette.total_words(score.total)
            words = f"{vertebra.level}{doubt}  {total if score.state == 'scored' else f'({total})'}"
            aside = (max(float(x) - 44.0, plane.extent[0] + PLATE_MM), float(y))
            edge = (float(x) - 15.0, float(y))
            badge(axes, aside, edge, words, palette.plate(score))
    letters_and_scale(axes, plane, "AP" + "SI", side_mm=SIDE_LETTERS_MM)
    return figure


def _bodies(axes: Axes, scene: Scene, plane: Plane, masks: Cut) -> None:
    """Outline the bodies, every second one at a time: between two that touch, the line stays."""
    array = scene.labels.array[masks.box]
    inside = np.ones(array.shape, dtype=bool)
    if scene.labels.parts is not None:
        inside = scene.labels.parts[masks.box] == Part.BODY
    ids = [vertebra.label for vertebra in scene.measurements.vertebrae]
    for turn in (ids[::2], ids[1::2]):
        outline(axes, masks.mask(inside & np.isin(array, turn)), plane, palette.BODY, (0.8, "-"))
