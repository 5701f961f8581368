"""The follow-up of one patient as PDF: the same facts on pages to print."""

from __future__ import annotations

import io
from collections.abc import Sequence

import matplotlib.image
import numpy as np
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from numpy.typing import NDArray

from spineimg.core.settings.report import ReportSettings
from spineimg.core.track import Track
from spineimg.report.canvas import png_bytes
from spineimg.report.over_time import event_rows, height_plot, sins_ribbon
from spineimg.report.pdf_page import FOOT, lines, page, picture
from spineimg.report.sentences import track_sentence
from spineimg.report.track_page import ChangedPair, changed_pairs, verdict_words
from spineimg.tracking import Timepoint


def track_pdf(track: Track, points: Sequence[Timepoint], settings: ReportSettings | None = None) -> bytes:
    """Build the follow-up report as PDF.

    Parameters
    ----------
    track : Track
        What changed.
    points : sequence of Timepoint
        The cases of the track, any order, with images where pictures are wanted.
    settings : ReportSettings, optional
        Window and sizes.

    Returns
    -------
    bytes
        The sentence with events and caveats, SINS and heights over time, one page per level that changed,
        and a line per level and interval. The same track gives the same bytes.
    """
    by_path = {point.path: point for point in points}
    ordered = [by_path[case.path] for case in track.cases]
    about = {"Title": "Spine follow-up", "Creator": "spineimg", "CreationDate": None}
    stream = io.BytesIO()
    with PdfPages(stream, metadata=about) as pages:
        pages.savefig(_first(track))
        for plot, title in (
            (sins_ribbon(track), "SINS over time"),
            (height_plot(track), "Heights over time"),
        ):
            if plot is not None:
                pages.savefig(_plot(plot, title))
        for pair in changed_pairs(track, ordered, settings or ReportSettings()):
            pages.savefig(_pair(track, pair))
        for sheet in _table(track):
            pages.savefig(sheet)
    return stream.getvalue()


def _first(track: Track) -> Figure:
    figure = page()
    dates = ", ".join(case.study_date for case in track.cases)
    figure.text(0.07, 0.955, f"Follow-up of patient {track.patient_key[:12]}: {dates}", fontsize=9)
    height = lines(figure, 0.935, track_sentence(track), 15, 62) - 0.02
    for row in event_rows(track.levels):
        height = lines(figure, height, f"{row['level']}: {row['what']}, {row['when']}. {row['note']}", 11, 88)
    height -= 0.02
    for caveat in track.caveats:
        if height < FOOT + 0.06:
            lines(figure, height, "More caveats stand in track.json.", 9, 110)
            break
        height = lines(figure, height, f"{caveat.code}: {caveat.message}", 9, 110) - 0.006
    return figure


def _plot(plot: Figure, title: str) -> Figure:
    figure = page()
    figure.text(0.07, 0.95, title, fontsize=16, fontweight="bold")
    picture(figure, _image(plot), (0.06, FOOT, 0.88, 0.86))
    return figure


def _pair(track: Track, pair: ChangedPair) -> Figure:
    figure = page()
    interval = pair.interval
    dates = [track.cases[k].study_date for k in (interval.from_, interval.to)]
    head = f"{pair.level}: {verdict_words(interval)}, {dates[0]} to {dates[1]}"
    figure.text(0.07, 0.945, head, fontsize=15, fontweight="bold")
    for drawn, left in ((pair.then, 0.07), (pair.now, 0.51)):
        picture(figure, _image(drawn), (left, 0.53, 0.42, 0.39))
    words = "Left then, right now, laid on each other by the posterior elements; dashed the body then."
    height = lines(figure, 0.51, words, 9, 110) - 0.01
    for text in (interval.reason or "", *interval.not_compared):
        height = lines(figure, height, text, 10, 98) - 0.005
    if interval.lesion_response != "none":
        volume = interval.lesion_volume_change_ml
        change = "" if volume is None else f", {volume} ml"
        lines(figure, height, f"Lesion: {interval.lesion_response}{change}.", 10, 98)
    return figure


def _table(track: Track) -> list[Figure]:
    """One line per level and interval."""
    sheets: list[Figure] = []
    height = 0.0
    for one in track.levels:
        for interval in one.intervals:
            if height < FOOT + 0.03:
                sheets.append(page())
                sheets[-1].text(0.07, 0.95, "All changes", fontsize=16, fontweight="bold")
                height = 0.92
            dates = [track.cases[k].study_date for k in (interval.from_, interval.to)]
            fall = interval.height_loss_change_points
            lost = "" if fall is None else f", largest fall {fall} points"
            lesion = "" if interval.lesion_response == "none" else f", lesion {interval.lesion_response}"
            words = f"{one.level}, {dates[0]} to {dates[1]}: {verdict_words(interval)}{lost}{lesion}"
            height = lines(sheets[-1], height, words, 9, 110) - 0.004
    return sheets


def _image(figure: Figure) -> NDArray[np.float32]:
    return np.asarray(matplotlib.image.imread(io.BytesIO(png_bytes(figure))), np.float32)
