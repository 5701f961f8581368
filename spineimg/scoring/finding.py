"""What one component comes to: its points, and the question that would decide it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spineimg.core.scores import Component, ComponentName, Evidence
from spineimg.scoring.table import checked


@dataclass(frozen=True, slots=True)
class Finding:
    """A component with the question that would decide it; None when it is decided."""

    component: Component
    question: str | None

    @property
    def span(self) -> int:
        """Points that the answer could take away from the range of the total."""
        return self.component.possible[-1] - self.component.possible[0]


def finding(
    name: ComponentName, points: Iterable[int], evidence: Sequence[Evidence], question: str | None
) -> Finding:
    """Build a finding whose points the published table knows; a decided one has no question."""
    component = Component(checked(name, points), tuple(evidence))
    return Finding(component, None if component.decided else question)
