"""What every picture has: the grey image, outlines, orientation letters, a scale bar."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from skimage.measure import find_contours

from spineimg.core.grid import Points
from spineimg.core.settings.report import ReportSettings
from spineimg.core.volume import Modality
from spineimg.report.reformat import Plane, window

HALO = [withStroke(linewidth=2.5, foreground="black")]
"""Dark rim that keeps text and lines readable on bright bone."""


def blank(width_mm: float, height_mm: float, settings: ReportSettings) -> tuple[Figure, Axes]:
    """Give a black figure, 6 inches wide, filled by one axes without frame."""
    figure = Figure(figsize=(6.0, 6.0 * height_mm / width_mm), dpi=settings.picture_dpi, facecolor="black")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    return figure, axes


def show(axes: Axes, image: Points, plane: Plane, modality: Modality, settings: ReportSettings) -> None:
    """Draw the grey image; what the scan does not cover stays black."""
    low, high = window(image, modality, settings)
    axes.imshow(
        np.nan_to_num(image, nan=low),
        cmap="gray",
        vmin=low,
        vmax=high,
        extent=plane.extent,
        interpolation="bilinear",
        aspect="equal",
    )
    axes.set_xlim(plane.extent[0], plane.extent[1])
    axes.set_ylim(plane.extent[2], plane.extent[3])


def outline(
    axes: Axes, share: Points, plane: Plane, colour: str, style: tuple[float, str] = (1.4, "-")
) -> None:
    """Draw where a mask's share is 0.5; ``style`` is line width (points) and dash."""
    width, dash = style
    for points in find_contours(np.pad(share, 1), 0.5):  # type: ignore[no-untyped-call]
        x = plane.extent[0] + (points[:, 1] - 0.5) * plane.step_mm
        y = plane.extent[3] + (points[:, 0] - 0.5) * plane.step_mm
        axes.plot(x, y, color=colour, linewidth=width, linestyle=dash, solid_joinstyle="round")


def tint(axes: Axes, share: Points, plane: Plane, colour: str, strength: float = 0.13) -> None:
    """Colour the inside of a mask faintly."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    layer = np.zeros((*share.shape, 4))
    layer[..., 0], layer[..., 1], layer[..., 2] = red, green, blue
    layer[..., 3] = np.where(share >= 0.5, strength, 0.0)
    axes.imshow(layer, extent=plane.extent, interpolation="nearest", aspect="equal")


def text(
    axes: Axes, place: tuple[float, float], words: str, colour: str = "white", size: float = 11.0
) -> None:
    """Write words with a dark rim, centred at a place in mm."""
    axes.text(
        *place, words, color=colour, fontsize=size, ha="center", va="center", path_effects=HALO, clip_on=True
    )


def badge(
    axes: Axes, place: tuple[float, float], target: tuple[float, float], words: str, colour: str
) -> None:
    """Write words on a coloured plate centred at a place in mm, with a line to what they are about."""
    axes.plot(*zip(place, target, strict=True), color=colour, linewidth=1.6, path_effects=HALO)
    dark = sum(int(colour[i : i + 2], 16) for i in (1, 3, 5)) < 330
    axes.text(
        *place,
        words,
        color="white" if dark else "black",
        fontsize=12.0,
        fontweight="bold",
        ha="center",
        va="center",
        bbox={"facecolor": colour, "edgecolor": "black", "boxstyle": "round,pad=0.25"},
        clip_on=True,
    )


def title(axes: Axes, plane: Plane, words: str) -> None:
    """Write what the picture shows into its upper left corner."""
    place = (plane.extent[0] + 2.5, plane.extent[3] + 4.0)
    axes.text(*place, words, color="white", fontsize=12.0, ha="left", va="center", path_effects=HALO)


def letters_and_scale(axes: Axes, plane: Plane, letters: str, side_mm: float | None = None) -> None:
    """Write the sides (left, right, top, bottom of the picture) and a bar of 20 mm.

    ``side_mm``: depth of the side letters below the upper edge; halfway down unless told.
    """
    left, right, bottom, top = plane.extent
    middle_x, middle_y = (left + right) / 2, (top + bottom) / 2 if side_mm is None else top + side_mm
    places = ((left + 4, middle_y), (right - 4, middle_y), (middle_x, top + 4), (middle_x, bottom - 4))
    for letter, place in zip(letters, places, strict=True):
        text(axes, place, letter, size=13.0)
    axes.plot([left + 4, left + 24], [bottom - 5] * 2, color="white", linewidth=3.0, path_effects=HALO)
    text(axes, (left + 14, bottom - 8.5), "20 mm", size=9.0)


def save(figure: Figure, path: Path) -> None:
    """Write a PNG; no date inside, so that the same picture has the same bytes."""
    figure.savefig(
        path,
        format="png",
        pil_kwargs={"compress_level": 4},
        facecolor=figure.get_facecolor(),
        metadata={"Software": None},
    )


def png_bytes(figure: Figure) -> bytes:
    """Write the PNG of a figure into memory."""
    stream = io.BytesIO()
    figure.savefig(
        stream,
        format="png",
        pil_kwargs={"compress_level": 4},
        facecolor=figure.get_facecolor(),
        metadata={"Software": None},
    )
    return stream.getvalue()
