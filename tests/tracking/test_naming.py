"""A count off by one: what the shapes leave open, the volumes of the bodies decide."""

from __future__ import annotations

import numpy as np
import pytest

from spineimg.core.levels import LEVELS, Level
from spineimg.core.settings.tracking import TrackingSettings
from spineimg.tracking import naming
from spineimg.tracking.shape import Fit, VertebraShape

THORACIC = LEVELS[LEVELS.index(Level.T3) : LEVELS.index(Level.T10)]


def column(moved: int, fallen: dict[Level, float] | None = None, step: float = 0.08) -> naming.Column:
    """Seven vertebrae, each so much larger than the one above, under names wrong by ``moved``."""
    names = {level: LEVELS[LEVELS.index(level) + moved] for level in THORACIC}
    empty = np.zeros((1, 3))
    shapes = {
        name: VertebraShape(level, np.zeros((1, 1, 1), np.float32), empty, 1.0, empty, empty)
        for level, name in names.items()
    }
    volumes = {
        names[level]: 6.0 * (1 + step) ** place * (fallen or {}).get(level, 1.0)
        for place, level in enumerate(THORACIC)
    }
    return naming.Column(tuple(names.values()), shapes, volumes)


@pytest.mark.parametrize(
    ("moved", "right_mm", "wrong_mm", "later", "outcome"),
    [
        (1, 0.5, 1.0, {}, "shifted"),  # the shapes alone say so
        (1, 0.72, 0.80, {}, "shifted"),  # the shapes lean to it, the volumes agree there within 1 %
        (-1, 0.72, 0.80, {Level.T6: 0.7, Level.T8: 0.8}, "shifted"),  # two fractures do not move a median
        (1, 0.80, 0.78, {}, "undetermined"),  # the shapes lean to the names, the volumes refute them
        (1, 0.80, 0.50, {}, "agree"),  # the shapes are clear
        (0, 0.72, 0.80, {Level.T6: 0.7}, "agree"),
    ],
)
def test_what_the_shapes_leave_open_the_volumes_decide(
    monkeypatch, moved, right_mm, wrong_mm, later, outcome
):
    def fit(a: VertebraShape, b: VertebraShape, settings: TrackingSettings) -> Fit:
        apart = abs(LEVELS.index(a.level) - LEVELS.index(b.level))
        return Fit(np.eye(3), np.zeros(3), (right_mm, wrong_mm, 1.5)[min(apart, 2)], 1.0)

    monkeypatch.setattr(naming, "fit", fit)
    found = naming.reconcile(column(0), column(moved, later), TrackingSettings())
    assert found.outcome == outcome
    if outcome == "shifted":
        shift = {LEVELS.index(p.later) - LEVELS.index(p.earlier) for p in found.pairs}
        assert shift == {moved}


def test_bodies_that_are_all_alike_decide_nothing(monkeypatch):
    fit = Fit(np.eye(3), np.zeros(3), 0.8, 1.0)
    better = Fit(np.eye(3), np.zeros(3), 0.75, 1.0)
    monkeypatch.setattr(naming, "fit", lambda a, b, settings: better if a.level is b.level else fit)
    found = naming.reconcile(column(0, step=0.0), column(1, step=0.0), TrackingSettings())
    assert found.outcome == "undetermined"
