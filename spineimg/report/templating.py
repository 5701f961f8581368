"""The page templates and what they share."""

from __future__ import annotations

import base64

import jinja2
from markupsafe import Markup

from spineimg.report.palette import BAND_COLOUR, band_words, total_words


def render(template: str, values: dict[str, object]) -> str:
    """Fill a template of this package; everything that is no Markup is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("spineimg.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(band_words=band_words, total_words=total_words, band_colour=BAND_COLOUR)
    return environment.get_template(template).render(values)


def png_uri(png: bytes) -> Markup:
    """Turn a picture into a data URI, so that the page is one file."""
    return Markup("data:image/png;base64,") + Markup(base64.b64encode(png).decode("ascii"))
