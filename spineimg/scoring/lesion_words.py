"""One lesion in a sentence, for the explanation of a score and for the report."""

from __future__ import annotations

from collections.abc import Iterator

from spineimg.core.measurements import LesionMeasurement, VertebraMeasurement
from spineimg.scoring.posterolateral import NONE_PERCENT, STRUCTURES, structure_words
from spineimg.scoring.wording import interval, listed, percent


def lesion_words(lesion: LesionMeasurement, vertebra: VertebraMeasurement | None) -> str:
    """What a lesion is, how large, where it lies and what it breaks.

    Parameters
    ----------
    lesion : LesionMeasurement
        The lesion.
    vertebra : VertebraMeasurement or None
        Its vertebra; one that is cut makes a lesion doubtful.
    """
    kind = listed(list(lesion.quality), "or") or "kind open"
    volume = interval(lesion.volume_ml, 1, "ml")
    return f"lesion {lesion.id}: {'; '.join([_status(lesion, vertebra), kind, volume, *_places(lesion)])}"


def _status(lesion: LesionMeasurement, vertebra: VertebraMeasurement | None) -> str:
    said = f"metastasis {lesion.status}"
    if lesion.look_alike:
        return f"{said}, looks like {lesion.look_alike.replace('-', ' ')}"
    if lesion.status == "likely":
        return said
    cut = vertebra is not None and not vertebra.complete
    return f"{said}, {'its vertebra is cut by the edge of the scan' if cut else 'too small or too faint'}"


def _places(lesion: LesionMeasurement) -> Iterator[str]:
    body = lesion.body_percent
    if body is not None and body.high > NONE_PERCENT:
        yield f"fills {percent(body)} of the expected body"
    taken = [
        f"{percent(share)} of the {structure_words(name)}"
        for name in STRUCTURES
        if (share := getattr(lesion.structures_percent, name)) is not None and share.value > NONE_PERCENT
    ]
    if taken:
        yield f"takes {listed(taken)}"
    if lesion.touches:
        yield f"touches the {listed([_side(name) for name in lesion.touches])}"
    if lesion.cortex_broken:
        yield f"breaks the cortex of the {listed([_side(name) for name in lesion.cortex_broken])}"


def _side(name: str) -> str:
    return structure_words(name) if name in STRUCTURES else name.replace("_", " ")
