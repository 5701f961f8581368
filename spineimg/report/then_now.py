"""The same vertebra on two scans, side by side in its own frame."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spineimg.core.grid import Points
from spineimg.core.labelmap import Part
from spineimg.core.levels import Level
from spineimg.core.measurements import VertebraMeasurement
from spineimg.core.settings.report import ReportSettings
from spineimg.report import palette
from spineimg.report.canvas import HALO, blank, letters_and_scale, outline, show, text, title
from spineimg.report.key_pictures import SITES, sagittal_plane
from spineimg.report.reformat import Plane, cut
from spineimg.tracking import Anchor, Timepoint


def then_and_now(
    scans: tuple[Timepoint, Timepoint], found: Anchor, level: Level, settings: ReportSettings
) -> tuple[Figure, Figure]:
    """Draw one vertebra then and now: same plane through it, same window, then's outline dashed over now."""
    plane = sagittal_plane(found.earlier, settings)
    points = plane.points_lps_mm()
    places = points, found.to_later_lps_mm(points)
    bodies = [
        _body(scan, vertebra, place)
        for scan, vertebra, place in zip(scans, (found.earlier, found.later), places, strict=True)
    ]
    figures = []
    for number, (scan, place) in enumerate(zip(scans, places, strict=True)):
        figure, axes = blank(plane.width_mm, plane.height_mm, settings)
        if scan.image is not None:
            image = cut(scan.image.grid, place).image(scan.image.array)
            show(axes, image, plane, scan.image.modality, settings)
        else:
            show(axes, np.zeros(place.shape[:2]), plane, scan.case.record.modality, settings)
        outline(axes, bodies[0], plane, palette.THEN, (1.8, "-" if number == 0 else "--"))
        if number == 1:
            outline(axes, bodies[1], plane, palette.NOW, (1.8, "-"))
        if scan.labels.lesions is not None:
            masks = cut(scan.labels.grid, place)
            outline(axes, masks.mask(scan.labels.lesions[masks.box] > 0), plane, palette.LESION, (1.6, "-"))
        _heights(axes, plane, found, number)
        letters_and_scale(axes, plane, "AP" + "SI")
        title(axes, plane, f"{level}, {scan.date.isoformat()}")
        figures.append(figure)
    return figures[0], figures[1]


def _body(scan: Timepoint, vertebra: VertebraMeasurement, place: Points) -> Points:
    masks = cut(scan.labels.grid, place)
    own = scan.labels.array[masks.box] == vertebra.label
    if scan.labels.parts is not None:
        own &= scan.labels.parts[masks.box] == Part.BODY
    return masks.mask(own)


def _heights(axes: Axes, plane: Plane, found: Anchor, number: int) -> None:
    vertebra = found.earlier if number == 0 else found.later
    plates = vertebra.endplates_lps_mm
    if plates is None:
        return
    for site in SITES:
        ends = np.array([getattr(plates.upper, site), getattr(plates.lower, site)])
        if number == 1:
            ends = found.to_earlier_lps_mm(ends)
        line = plane.project(ends)
        axes.plot(*line.T, "o-", color=palette.HEIGHT, linewidth=1.6, markersize=4.0, path_effects=HALO)
        height = getattr(vertebra.heights_mm, site)
        if height is not None:
            middle = line.mean(axis=0)
            text(axes, (float(middle[0]), float(middle[1])), f"{height.value:.1f}", palette.HEIGHT, 11.0)
