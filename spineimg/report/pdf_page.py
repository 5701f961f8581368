"""A page of a report to print: wrapped text and pictures by place (shares of the page)."""

from __future__ import annotations

import textwrap
from typing import Any

from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure
from numpy.typing import NDArray

A4 = (8.27, 11.69)
FOOT = 0.06
NOTE = "Research use only: not a medical device, not for diagnosis or treatment."


def page() -> Figure:
    """An empty page with the note at its foot."""
    figure = Figure(figsize=A4, facecolor="white")
    FigureCanvasPdf(figure)
    figure.text(0.07, 0.03, NOTE, fontsize=8, color="#555555")
    return figure


def tall(words: str, size: float, wrap: int) -> float:
    """Height of wrapped text, share of the page."""
    return max(len(textwrap.wrap(words, wrap)), 1) * size * 1.45 / 72 / A4[1]


def lines(figure: Figure, top: float, words: str, size: float, wrap: int, left: float = 0.07) -> float:
    """Write wrapped text from a height (share of the page) down; the height below it is returned."""
    wrapped = textwrap.wrap(words, wrap) or [""]
    figure.text(left, top, "\n".join(wrapped), fontsize=size, va="top")
    return top - tall(words, size, wrap)


def picture(figure: Figure, image: NDArray[Any], place: tuple[float, float, float, float]) -> None:
    """Draw an image into a box (left, bottom, width, height), at its top."""
    axes = figure.add_axes(place)
    axes.set_axis_off()
    axes.set_anchor("N")
    axes.imshow(image, aspect="equal", interpolation="none")
