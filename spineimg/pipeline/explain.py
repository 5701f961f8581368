"""The reasoning behind one level of a case folder."""

from __future__ import annotations

from pathlib import Path

from spineimg.core.errors import UsageError
from spineimg.core.levels import Level
from spineimg.scoring import explain, parse_level
from spineimg.storage.casefolder import read_case


def explain_level(folder: Path, name: str) -> str:
    """Explain the score of a level.

    Raises
    ------
    UsageError
        ``level-not-scored`` when the case has no score for it; the message lists the levels that have one.
    """
    level = parse_level(name)
    case = read_case(folder)
    if case.scores.of(level) is None:
        scored = ", ".join(str(s.level) for s in case.scores.levels) or "none"
        raise UsageError(
            "level-not-scored",
            _why_not(case.measurements.vertebra(level) is not None, level),
            f"levels with a score: {scored}",
            folder,
        )
    return explain(case.measurements, case.scores, level)


def _why_not(measured: bool, level: Level) -> str:  # noqa: FBT001
    return f"no lesion was found in {level}" if measured else f"{level} is not in this scan"
