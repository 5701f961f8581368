"""Heights and SINS of each level against the date, with what was done to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from spineimg.core.scores import LARGEST_TOTAL
from spineimg.core.track import LevelTrack, Track
from spineimg.report.palette import BAND_COLOUR, band_words, total_words
from spineimg.scoring.table import BANDS

Dates = NDArray[np.datetime64]
SITE_COLOUR = {"anterior": "#0072B2", "middle": "#E69F00", "posterior": "#CC79A7"}
SITE_MARKER = {"anterior": "o", "middle": "s", "posterior": "^"}
COLUMNS = 3


def height_plot(track: Track) -> Figure | None:
    """Plot the three heights of each vertebra against the date, with their intervals; one panel a level.

    A level that broke has its interval shaded; treatments are dotted lines. None when no height was measured.
    """
    levels = [one for one in track.levels if any(_known(one, site) for site in SITE_COLOUR)]
    if not levels:
        return None
    figure, panels = _panels(track, len(levels), 2.3)
    for number, (one, axes) in enumerate(zip(levels, panels, strict=True)):
        for site in SITE_COLOUR:
            _heights(axes, track, one, site)
        axes.set_ylabel("height, mm" if number % COLUMNS == 0 else "", fontsize=8)
        # One scale for all: a change of one millimetre must not look like a collapse.
        highest = max(getattr(one.visits[k].heights_mm, x).high for x in SITE_COLOUR for k in _known(one, x))
        axes.set_ylim(min(0.45 * highest, axes.get_ylim()[0]), 1.08 * highest)
        _frame(axes, track, one)
    panels[0].legend(fontsize=7, frameon=False, loc="best")
    return figure


def sins_ribbon(track: Track) -> Figure | None:
    """Draw the range of the total of each scored level over time upon the three bands; None when none is."""
    levels = [one for one in track.levels if any(visit.total is not None for visit in one.visits)]
    if not levels:
        return None
    figure, panels = _panels(track, len(levels), 2.1)
    for number, (one, axes) in enumerate(zip(levels, panels, strict=True)):
        for name, low, high in BANDS:
            axes.axhspan(low - 0.5, high + 0.5, color=BAND_COLOUR[name], alpha=0.22, linewidth=0)
        _ribbon(axes, track, one)
        axes.set_ylim(-0.5, LARGEST_TOTAL + 0.5)
        axes.set_yticks([low for _, low, _ in BANDS] + [LARGEST_TOTAL])
        axes.set_ylabel("SINS" if number % COLUMNS == 0 else "", fontsize=8)
        _frame(axes, track, one)
    return figure


def _panels(track: Track, count: int, height: float) -> tuple[Figure, list[Axes]]:
    columns = min(COLUMNS, count)
    rows = -(-count // columns)
    size = (2.9 * columns, height * rows + 0.4)
    figure = Figure(figsize=size, dpi=110, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    return figure, [figure.add_subplot(rows, columns, n + 1) for n in range(count)]


def _dates(track: Track) -> Dates:
    return np.array([case.study_date for case in track.cases], dtype="datetime64[D]")


def _known(one: LevelTrack, site: str) -> list[int]:
    return [visit.case for visit in one.visits if getattr(visit.heights_mm, site) is not None]


def _heights(axes: Axes, track: Track, one: LevelTrack, site: str) -> None:
    places = _known(one, site)
    heights = [getattr(one.visits[k].heights_mm, site) for k in places]
    bars = [[h.value - h.low for h in heights], [h.high - h.value for h in heights]]
    axes.errorbar(
        _dates(track)[places],
        [h.value for h in heights],
        yerr=bars,
        color=SITE_COLOUR[site],
        marker=SITE_MARKER[site],
        markersize=4,
        linewidth=1.4,
        elinewidth=0.9,
        capsize=2,
        label=site,
    )


def _ribbon(axes: Axes, track: Track, one: LevelTrack) -> None:
    """The range over time: a band between the scans that score the level, a bar at each with its numbers."""
    scored = [visit for visit in one.visits if visit.total is not None]
    dates = _dates(track)[[visit.case for visit in scored]]
    totals = [visit.total for visit in scored if visit.total is not None]
    axes.fill_between(
        dates,
        [total.low - 0.25 for total in totals],
        [total.high + 0.25 for total in totals],
        color="#333333",
        alpha=0.35,
        linewidth=0,
    )
    for visit, date, total in zip(scored, dates, totals, strict=True):
        ends = [total.low - 0.25, total.high + 0.25]
        axes.plot([date] * 2, ends, color=BAND_COLOUR[visit.band[-1]], linewidth=6, solid_capstyle="butt")
        axes.plot([date] * 2, ends, color="black", linewidth=1)
        words = f"{total_words(total)}\n{band_words(visit.band) if len(visit.band) == 1 else 'open'}"
        above = total.high < LARGEST_TOTAL - 4
        place = (0, 4) if above else (0, -4)
        axes.annotate(
            words,
            (date, total.high if above else total.low),
            xytext=place,
            textcoords="offset points",
            ha="center",
            va="bottom" if above else "top",
            fontsize=7,
        )


def _frame(axes: Axes, track: Track, one: LevelTrack) -> None:
    """Title, dates, the interval of a fracture, and treatments of the level or of the whole patient."""
    dates = _dates(track)
    pad = max((dates[-1] - dates[0]) // 6, np.timedelta64(1, "D"))
    axes.set_title(str(one.level), fontsize=10, loc="left", fontweight="bold")
    axes.tick_params(labelsize=7.5)
    axes.set_xticks(dates, [str(d) for d in dates], rotation=20, ha="right")
    axes.set_xlim(dates[0] - pad, dates[-1] + pad)
    axes.grid(visible=True, linewidth=0.4, color="#cccccc")
    for event in one.events:
        if event.kind in ("new_fracture", "progression", "fracture_kind_open"):
            after, by = np.datetime64(event.after), np.datetime64(event.by)
            axes.axvspan(after, by, color=BAND_COLOUR["unstable"], alpha=0.10, linewidth=0)  # type: ignore[arg-type]
    for treatment in track.treatments:
        if treatment.level in (None, one.level):
            day = np.datetime64(treatment.date)
            axes.axvline(day, color="black", linewidth=0.9, linestyle=":")  # type: ignore[arg-type]
            axes.annotate(
                treatment.kind,
                (day, 0.98),
                xycoords=("data", "axes fraction"),
                fontsize=6.5,
                rotation=90,
                va="top",
                ha="right",
            )
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def event_rows(levels: Sequence[LevelTrack]) -> list[dict[str, str]]:
    """Words of every first event and its dates, by date."""
    rows = [
        {
            "level": str(one.level),
            "what": event.kind.replace("_", " "),
            "when": event.by if event.after == event.by else f"after {event.after}, seen {event.by}",
            "by": event.by,
            "note": "ends the comparison of images" if event.competing else "",
        }
        for one in levels
        for event in one.events
    ]
    return sorted(rows, key=lambda row: row["by"])
