"""A reader's word on a component: read from the command line, kept with the case, above any measurement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from spineimg.core.errors import UsageError
from spineimg.core.levels import Level
from spineimg.core.scores import ComponentName, Evidence, Verdict
from spineimg.scoring.finding import Finding, finding
from spineimg.scoring.level_names import parse_level
from spineimg.scoring.table import POINTS, Option, checked
from spineimg.scoring.wording import listed, points_text

Verdicts = Mapping[Level, tuple[Verdict, ...]]
NO_VERDICTS: Verdicts = MappingProxyType({})
WORDS: Mapping[ComponentName, Mapping[str, Option]] = MappingProxyType(
    {
        "location": {
            "junctional": Option.JUNCTIONAL,
            "mobile": Option.MOBILE,
            "semirigid": Option.SEMIRIGID,
            "rigid": Option.RIGID,
        },
        "bone_lesion": {"lytic": Option.LYTIC, "mixed": Option.MIXED, "blastic": Option.BLASTIC},
        "alignment": {
            "translation": Option.TRANSLATION,
            "deformity": Option.DEFORMITY,
            "normal": Option.ALIGNED,
        },
        "collapse": {
            "above-half": Option.COLLAPSE_ABOVE_HALF,
            "below-half": Option.COLLAPSE_BELOW_HALF,
            "body-involved": Option.BODY_INVOLVED,
            "none": Option.NO_COLLAPSE,
        },
        "posterolateral": {
            "bilateral": Option.BILATERAL,
            "unilateral": Option.UNILATERAL,
            "none": Option.NO_POSTEROLATERAL,
        },
    }
)
"""Words that a reader may use in place of points; pain has its own option."""


def parse_verdicts(entries: Iterable[str], by: str | None, why: str | None) -> Verdicts:
    """Read ``LEVEL.component=word`` or ``LEVEL.component=points``.

    Parameters
    ----------
    entries : iterable of str
        Such as ``L4.alignment=translation`` or ``L4.alignment=4``.
    by, why : str or None
        The reader and the reason; both are needed, for a verdict outweighs what was measured.

    Raises
    ------
    UsageError
        ``verdict-unsigned``, ``verdict-unclear``, ``level-unknown``, ``sins-impossible-points``.
    """
    given = tuple(entries)
    if given and not (by and why):
        raise UsageError(
            "verdict-unsigned", "a verdict has no reader or no reason", "give --reader NAME and --why TEXT"
        )
    found: dict[Level, tuple[Verdict, ...]] = {}
    for entry in given:
        level, verdict = _parsed(entry, by or "", why or "")
        found = dict(merged(found, {level: (verdict,)}))
    return found


def merged(earlier: Verdicts, later: Verdicts) -> Verdicts:
    """Both, the later one where they speak of the same component of a level."""
    result = dict(earlier)
    for level, new in later.items():
        spoken = {verdict.component for verdict in new}
        kept = tuple(v for v in result.get(level, ()) if v.component not in spoken)
        result[level] = (*kept, *new)
    return result


def _parsed(entry: str, by: str, why: str) -> tuple[Level, Verdict]:
    place, equals, said = entry.partition("=")
    name, dot, component = place.strip().partition(".")
    words = next((WORDS[c] for c in WORDS if c == component.strip().replace("-", "_")), None)
    if not equals or not dot or words is None:
        raise UsageError(
            "verdict-unclear",
            f"'{entry}' is no verdict",
            f"write LEVEL.component=word, component {listed(list(WORDS), 'or')}; pain goes by --pain",
        )
    key: ComponentName = next(c for c in WORDS if WORDS[c] is words)
    said = said.strip().lower()
    if said in words:
        return parse_level(name), Verdict(key, POINTS[words[said]], by, why)
    if not said.isdigit():
        raise UsageError(
            "verdict-unclear",
            f"'{said}' is no finding of {key}",
            f"use {listed(list(words), 'or')} or points",
        )
    (points,) = checked(key, [int(said)])
    return parse_level(name), Verdict(key, points, by, why)


def with_verdict(found: Finding, verdict: Verdict) -> Finding:
    """The reader's points, first among the evidence; what was measured stays below them."""
    allowed = found.component.possible
    against = "" if verdict.points in allowed else " against the measurement"
    text = (
        f"Reader {verdict.by}{against}: {points_text(verdict.component, [verdict.points])}; {verdict.why} "
        f"(measured: {points_text(verdict.component, allowed)})."
    )
    evidence = [Evidence(text, source=f"reader {verdict.by}"), *found.component.evidence]
    return finding(verdict.component, [verdict.points], evidence, None)
