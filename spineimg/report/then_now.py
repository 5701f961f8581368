"""The same vertebra on two scans, side by side in its own frame, and its heights over time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from spineimg.core.estimate import Estimate
from spineimg.core.grid import Points
from spineimg.core.labelmap import Part
from spineimg.core.levels import Level
from spineimg.core.measurements import VertebraMeasurement
from spineimg.core.settings.report import ReportSettings
from spineimg.core.track import Track
from spineimg.report import palette
from spineimg.report.canvas import HALO, blank, letters_and_scale, outline, show, text, title
from spineimg.report.key_pictures import SITES, sagittal_plane
from spineimg.report.reformat import Plane, cut
from spineimg.tracking import Anchor, Timepoint, own_level

SITE_COLOUR = {"anterior": "#0072B2", "middle": "#E69F00", "posterior": "#CC79A7"}
SITE_MARKER = {"anterior": "o", "middle": "s", "posterior": "^"}


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


def height_plot(track: Track, points: Sequence[Timepoint], levels: Sequence[Level]) -> Figure:
    """Plot the three heights of each level against the date, with their intervals; one panel a level."""
    columns = min(3, max(len(levels), 1))
    rows = -(-max(len(levels), 1) // columns)
    size = (2.9 * columns, 2.3 * rows + 0.4)
    figure = Figure(figsize=size, dpi=110, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    dates = np.array([p.date for p in points], dtype="datetime64[D]")
    pad = max((dates[-1] - dates[0]) // 6, np.timedelta64(1, "D"))
    for number, level in enumerate(levels):
        axes = figure.add_subplot(rows, columns, number + 1)
        for site in SITES:
            _curve(axes, site, dates, [_height(track, points, k, level, site) for k in range(len(points))])
        axes.set_title(str(level), fontsize=10, loc="left", fontweight="bold")
        axes.tick_params(labelsize=7.5)
        axes.set_ylabel("height, mm" if number % columns == 0 else "", fontsize=8)
        axes.set_xticks(dates, [str(d) for d in dates], rotation=20, ha="right")
        axes.margins(y=0.25)
        axes.set_xlim(dates[0] - pad, dates[-1] + pad)
        axes.grid(visible=True, linewidth=0.4, color="#cccccc")
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        if axes.get_legend_handles_labels()[0] and not any(a.get_legend() for a in figure.axes):
            axes.legend(fontsize=7, frameon=False, loc="best")
    return figure


def _height(track: Track, points: Sequence[Timepoint], case: int, level: Level, site: str) -> Estimate | None:
    own = own_level(track, case, level)
    vertebra = None if own is None else points[case].case.measurements.vertebra(own)
    if vertebra is None or not vertebra.complete:
        return None
    found: Estimate | None = getattr(vertebra.heights_mm, site)
    return found


def _curve(axes: Axes, site: str, dates: NDArray[np.datetime64], heights: Sequence[Estimate | None]) -> None:
    known = [(date, height) for date, height in zip(dates, heights, strict=True) if height is not None]
    if not known:
        return
    middle = [h.value for _, h in known]
    bars = [[h.value - h.low for _, h in known], [h.high - h.value for _, h in known]]
    axes.errorbar(
        np.array([d for d, _ in known]),
        middle,
        yerr=bars,
        color=SITE_COLOUR[site],
        marker=SITE_MARKER[site],
        markersize=4,
        linewidth=1.4,
        elinewidth=0.9,
        capsize=2,
        label=site,
    )
