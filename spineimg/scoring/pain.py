"""Points for pain, and which pain belongs to a level of the scan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from spineimg.core.errors import UsageError
from spineimg.core.levels import Level
from spineimg.core.scores import Evidence, Pain, PainKind
from spineimg.core.settings.scoring import FISHER_2010
from spineimg.scoring.finding import Finding, finding
from spineimg.scoring.pain_entries import PainEntry, refuse_conflicts
from spineimg.scoring.table import POINTS, Option
from spineimg.scoring.wording import named, points_text

PAIN_OPTIONS: Mapping[PainKind, tuple[Option, ...]] = MappingProxyType(
    {
        "mechanical": (Option.MECHANICAL,),
        "occasional": (Option.OCCASIONAL,),
        "none": (Option.PAINLESS,),
        "unknown": (Option.PAINLESS, Option.OCCASIONAL, Option.MECHANICAL),
    }
)
_SACRAL = (Level.S1, Level.S2, Level.S3, Level.S4, Level.S5)


def refuse_unseen(pain: Mapping[Level, Pain], imaged: Iterable[Level]) -> None:
    """Refuse pain at a level that the scan does not show; ``none`` and ``unknown`` do no harm.

    Raises
    ------
    UsageError
        ``pain-level-not-imaged``.
    """
    seen = set(imaged)
    if seen & {Level.SACRUM, *_SACRAL}:
        seen |= {Level.SACRUM, *_SACRAL}
    for level, given in pain.items():
        if level not in seen and given.value in ("mechanical", "occasional"):
            shown = f"{min(seen)} to {max(seen)}" if seen else "no vertebra"
            raise UsageError(
                "pain-level-not-imaged",
                f"{given.value} pain is given for {level}, but the scan shows {shown}",
                "check the level, or leave this entry out for this scan",
            )


def pain_at(pain: Mapping[Level, Pain], level: Level) -> Pain | None:
    """Pain of a level; the undivided sacrum and its parts stand in for each other.

    Raises
    ------
    UsageError
        ``pain-conflict`` when the parts of an undivided sacrum differ.
    """
    if level in pain:
        return pain[level]
    if level is Level.SACRUM:
        parts = [PainEntry(level, Pain(pain[p].value, None, pain[p].source)) for p in _SACRAL if p in pain]
        refuse_conflicts(parts)
        known = [pain[p] for p in _SACRAL if p in pain and pain[p].value != "unknown"]
        return known[0] if known else next((pain[p] for p in _SACRAL if p in pain), None)
    return pain.get(Level.SACRUM) if level in _SACRAL else None


def score_pain(level: Level, pain: Pain | None) -> Finding:
    """Points for pain: open when it was not given."""
    kind: PainKind = "unknown" if pain is None else pain.value
    options = PAIN_OPTIONS[kind]
    points = [POINTS[option] for option in options]
    when = f" on {pain.date}" if pain is not None and pain.date else ""
    who = f" ({pain.source})" if pain is not None and pain.source else ""
    if kind == "unknown":
        said = "Nothing was said of pain" if pain is None else "Pain is unknown"
        text = f"{said} at {named(level)}{who}: {points_text('pain', points)}."
        question = (
            f"Is there pain at {named(level)}, and is it mechanical: relieved by lying down, or brought on "
            "by movement or loading?"
        )
        return finding("pain", points, [Evidence(text, source=FISHER_2010)], question)
    said = "No pain" if kind == "none" else f"Pain, {options[0].finding},"
    text = f"{said} at {named(level)}{when}{who}: {points_text('pain', points)}."
    return finding("pain", points, [Evidence(text, source=FISHER_2010)], None)
