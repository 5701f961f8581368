"""Names of the components and of their points in words."""

from __future__ import annotations

from spineimg.core.scores import Component, ComponentName

COMPONENT_WORD: dict[ComponentName, str] = {
    "location": "Location",
    "pain": "Pain",
    "bone_lesion": "Bone lesion",
    "alignment": "Alignment",
    "collapse": "Body collapse",
    "posterolateral": "Posterolateral",
}


def points_words(component: Component) -> str:
    """Points that the data allow: ``2``, ``0 or 4``, ``0, 1 or 3``."""
    words = [str(one) for one in component.possible]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
