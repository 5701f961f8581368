"""Colours and words of the bands; told apart by the colour-blind and in grey print."""

from __future__ import annotations

from collections.abc import Sequence

from spineimg.core.scores import Band, LevelScore, Total

BAND_COLOUR: dict[Band, str] = {"stable": "#56B4E9", "potentially_unstable": "#E69F00", "unstable": "#B2182B"}
"""Light, middle and dark, after Okabe & Ito 2008."""
BAND_WORD: dict[Band, str] = {
    "stable": "stable",
    "potentially_unstable": "potentially unstable",
    "unstable": "unstable",
}

UNDECIDED = "#FFFFFF"
"""Plate of a scored level whose band is open."""
DOUBTFUL = "#BDBDBD"
"""Plate of a level that does not count: no band's colour."""

BODY = "#56B4E9"
POSTERIOR = "#009E73"
LESION = "#D55E00"
HEIGHT = "#F0E442"
EXPECTED = "#FFFFFF"
WALL = "#F2A8D2"
THEN = "#56B4E9"
NOW = "#F0E442"


def band_words(band: Sequence[Band]) -> str:
    """Words of all bands that are possible, joined with "or"; open when every band is."""
    if len(band) == len(BAND_WORD):
        return "band open (stable to unstable)"
    return " or ".join(BAND_WORD[one] for one in band) if band else "not scored"


def plate(score: LevelScore) -> str:
    """Colour of a level's plate: its band when it is scored and decided, never that of a mere possibility."""
    if score.state != "scored":
        return DOUBTFUL
    return BAND_COLOUR[score.band[0]] if len(score.band) == 1 else UNDECIDED


def total_words(total: Total | None) -> str:
    """``8``, ``8 to 13``, or ``not scored``."""
    if total is None:
        return "not scored"
    return str(total.low) if total.low == total.high else f"{total.low} to {total.high}"
