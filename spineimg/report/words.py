"""Names of the components and of their points in words."""

from __future__ import annotations

from collections.abc import Sequence

from spineimg.core.levels import LEVELS, Level
from spineimg.core.scores import Component, ComponentName

COMPONENT_WORD: dict[ComponentName, str] = {
    "location": "Location",
    "pain": "Pain",
    "bone_lesion": "Bone lesion",
    "alignment": "Alignment",
    "collapse": "Body collapse",
    "posterolateral": "Posterolateral",
}


def levels_words(levels: Sequence[Level]) -> str:
    """Levels with runs drawn together: ``T1-T4, L2``."""
    known = [level for level in LEVELS if level in levels]
    runs: list[list[Level]] = []
    for level in known:
        if runs and LEVELS.index(level) == LEVELS.index(runs[-1][-1]) + 1:
            runs[-1].append(level)
        else:
            runs.append([level])
    rest = [level for level in levels if level not in known]
    names = [f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs]
    return ", ".join([*names, *map(str, rest)])


def points_words(component: Component) -> str:
    """Points that the data allow: ``2``, ``0 or 4``, ``0, 1 or 3``."""
    words = [str(one) for one in component.possible]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
