"""The column as a drawing: each body with its measured wedge shape, coloured by what matters about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from spineimg.core.levels import Level
from spineimg.core.measurements import VertebraMeasurement

_LEFT = 62.0
_WIDTH = 58.0
_TOTAL = 500.0


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """One level of the drawing; one colour fills the body, two or more stripe it, unknown is hatched grey."""

    level: Level
    label: str
    note: str
    colours: tuple[str, ...]
    unknown: bool = False
    strong: bool = False
    link: str | None = None


def column_svg(rows: Sequence[ColumnRow], vertebrae: Sequence[VertebraMeasurement]) -> Markup:
    """Draw the levels head to foot as inline SVG (no script, readable in print and in the dark).

    Parameters
    ----------
    rows : sequence of ColumnRow
        What stands beside each level.
    vertebrae : sequence of VertebraMeasurement
        Their anterior and posterior heights shape the bodies; unmeasured ones are drawn as a box.
    """
    shapes = {v.level: v for v in vertebrae}
    row_height = min(46.0, max(26.0, 480.0 / max(len(rows), 1)))
    height = row_height * len(rows) + 10
    parts = [
        f'<svg class="column" viewBox="0 0 {_TOTAL:.0f} {height:.0f}" width="{_TOTAL:.0f}" '
        f'height="{height:.0f}" role="img" '
        'aria-label="The column, head at the top; anterior to the left">',
        '<defs><pattern id="unknown" width="6" height="6" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect width="6" height="6" fill="#d9d9d9"/>'
        '<rect width="2.5" height="6" fill="#8c8c8c"/></pattern>',
    ]
    for number, row in enumerate(rows):
        if len(row.colours) > 1:
            parts.append(_stripes(f"stripes{number}", row.colours))
    parts.append("</defs>")
    for number, row in enumerate(rows):
        parts.append(
            _row(row, f"stripes{number}", (5 + row_height * number, row_height), shapes.get(row.level))
        )
    return Markup("".join([*parts, "</svg>"]))


def _stripes(name: str, colours: Sequence[str]) -> str:
    width = 7
    bars = "".join(
        f'<rect x="{width * k}" width="{width}" height="14" fill="{colour}"/>'
        for k, colour in enumerate(colours)
    )
    return (
        f'<pattern id="{name}" width="{width * len(colours)}" height="14" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)">{bars}</pattern>'
    )


def _row(
    row: ColumnRow, stripes: str, place: tuple[float, float], vertebra: VertebraMeasurement | None
) -> str:
    top, row_height = place
    fill = "var(--bone)"
    if row.unknown:
        fill = "url(#unknown)"
    elif len(row.colours) == 1:
        fill = row.colours[0]
    elif row.colours:
        fill = f"url(#{stripes})"
    outline = (
        'stroke="var(--ink)" stroke-width="2.2"' if row.strong else 'stroke="var(--edge)" stroke-width="1"'
    )
    middle = top + row_height / 2
    weight = ' font-weight="700"' if row.strong else ""
    drawn = (
        f'<text x="{_LEFT - 8}" y="{middle + 5:.1f}" text-anchor="end" fill="var(--ink)"{weight}>'
        f"{escape(row.label)}</text>"
        f'<polygon points="{_corners(top, 0.84 * row_height, vertebra)}" fill="{fill}" {outline} '
        'stroke-linejoin="round"/>'
        f'<text x="{_LEFT + _WIDTH + 12}" y="{middle + 5:.1f}" fill="var(--ink)" class="note"{weight}>'
        f"{escape(row.note)}</text>"
    )
    return f'<a href="#{escape(row.link)}">{drawn}</a>' if row.link else drawn


def _corners(top: float, full: float, vertebra: VertebraMeasurement | None) -> str:
    """Corners of a body whose tallest expected height fills the row; the upper endplate sinks by the loss."""
    front, middle, back = (_share(vertebra, site) for site in ("anterior", "middle", "posterior"))
    bottom = top + full
    points = [
        (_LEFT, bottom - full * front),
        (_LEFT + _WIDTH / 2, bottom - full * min(middle, 0.97 * (front + back) / 2 + 0.03)),
        (_LEFT + _WIDTH, bottom - full * back),
        (_LEFT + _WIDTH, bottom),
        (_LEFT, bottom),
    ]
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _share(vertebra: VertebraMeasurement | None, site: str) -> float:
    """Height over expected height, 0.15-1; 1 where either is unknown."""
    if vertebra is None:
        return 1.0
    height, expected = getattr(vertebra.heights_mm, site), getattr(vertebra.expected_heights_mm, site)
    if height is None or expected is None or expected.value <= 0:
        return 1.0
    return float(min(max(height.value / expected.value, 0.15), 1.0))
