"""Location: the level's own points, widened where its name is in doubt."""

from __future__ import annotations

from typing import Any

import pytest

from spineimg.core.levels import Level


@pytest.mark.parametrize(
    ("level", "possible", "points"),
    [
        (Level.L1, (Level.L1,), (3,)),
        (Level.L1, (Level.L1, Level.T12), (3,)),  # doubtful, but junctional in either case
        (Level.L1, (Level.L1, Level.L2), (2, 3)),
        (Level.T10, (Level.T10, Level.T11), (1, 3)),
        (Level.T3, (Level.T2, Level.T3, Level.T4), (1, 3)),
        (Level.C6, (Level.C7,), (2, 3)),  # the level itself is always among its names
    ],
)
def test_a_doubtful_name_widens_the_points(
    build: Any, level: Level, possible: Any, points: tuple[int, ...]
) -> None:
    score = build.usual().lesion(level).vertebra(level, name_possible=possible).scored().of(level)
    assert score.components.location.possible == points
    assert score.state == "scored"


def test_the_doubt_is_said_and_asked(build: Any) -> None:
    score = (
        build.usual()
        .lesion(Level.L1)
        .vertebra(Level.L1, name_possible=(Level.L1, Level.L2), name_confidence=0.7)
    )
    level = score.scored().of(Level.L1)
    assert "may be L1 or L2 (named L1, 70 % sure)" in level.components.location.evidence[-1].text
    assert any(q.component == "location" and "L1 or L2" in q.question for q in level.decide)


def test_an_undivided_sacrum_asks_where_the_lesion_lies(build: Any) -> None:
    level = build.column([Level.L5, Level.SACRUM]).lesion(Level.SACRUM).scored().of(Level.SACRUM)
    assert level.components.location.possible == (0, 3)
    assert any("S1, or below it" in q.question for q in level.decide)


@pytest.mark.parametrize(("level", "stands_for"), [(Level.T13, "T12"), (Level.L6, "L5")])
def test_a_transitional_level_is_scored_and_says_so(build: Any, level: Level, stands_for: str) -> None:
    run = [Level.T12, Level.T13, Level.L1, Level.L5, Level.L6, Level.S1]
    score = build.column(run).lesion(level).scored().of(level)
    assert score.state == "scored"
    assert score.components.location.possible == (3,)
    assert f"counts as {stands_for}" in score.components.location.evidence[0].text
