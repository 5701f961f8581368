"""A reader's word: how it is written, that it stands, and that it says what it overruled."""

from __future__ import annotations

from typing import Any

import pytest

from spineimg.core.errors import UsageError
from spineimg.core.levels import Level
from spineimg.core.scores import Verdict
from spineimg.core.settings.scoring import ScoringSettings
from spineimg.scoring import merged, parse_verdicts, score

WHO = ("A. Reader", "seen on the MR of May")


@pytest.mark.parametrize(
    ("entry", "component", "points"),
    [
        ("L4.alignment=translation", "alignment", 4),
        ("l4.alignment=4", "alignment", 4),
        ("L4.alignment=normal", "alignment", 0),
        ("L4.bone-lesion=mixed", "bone_lesion", 1),
        ("L4.collapse=body-involved", "collapse", 1),
        ("L4.posterolateral=bilateral", "posterolateral", 3),
    ],
)
def test_how_a_verdict_is_written(entry: str, component: Any, points: int) -> None:
    assert parse_verdicts([entry], *WHO) == {Level.L4: (Verdict(component, points, *WHO),)}


@pytest.mark.parametrize(
    ("entry", "who", "code"),
    [
        ("L4.alignment=translation", (None, "why"), "verdict-unsigned"),
        ("L4.alignment=translation", ("name", None), "verdict-unsigned"),
        ("L4=translation", WHO, "verdict-unclear"),
        ("L4.alignment=lytic", WHO, "verdict-unclear"),
        ("L4.pain=mechanical", WHO, "verdict-unclear"),
        ("L4.alignment=3", WHO, "sins-impossible-points"),
        ("Q4.alignment=4", WHO, "level-unknown"),
    ],
)
def test_what_is_refused(entry: str, who: Any, code: str) -> None:
    with pytest.raises(UsageError, match=code):
        parse_verdicts([entry], *who)


def test_a_verdict_decides_and_says_what_was_measured(build: Any) -> None:
    column = (
        build.usual()
        .lesion(Level.L4)
        .segment(Level.L4, translation_ap_mm=build.est(6, 8), listhesis_cause="degenerative")
    )
    verdicts = parse_verdicts(["L4.alignment=translation"], *WHO)
    level = score(column.measured(), {}, ScoringSettings(), verdicts=verdicts).of(Level.L4)
    assert level is not None
    first, *rest = level.components.alignment.evidence
    assert level.components.alignment.possible == (4,)
    assert first.text == (
        "Reader A. Reader: alignment 4 points; seen on the MR of May (measured: alignment 0 or 4 points)."
    )
    assert rest
    assert level.verdicts == verdicts[Level.L4]
    assert all(question.component != "alignment" for question in level.decide)


def test_the_later_word_on_a_component_counts() -> None:
    earlier = parse_verdicts(["L4.alignment=normal", "L4.collapse=none"], *WHO)
    later = parse_verdicts(["L4.alignment=deformity"], *WHO)
    assert [v.points for v in merged(earlier, later)[Level.L4]] == [0, 2]


def test_a_verdict_on_a_level_without_lesion_is_refused(build: Any) -> None:
    verdicts = parse_verdicts(["L3.alignment=4"], *WHO)
    with pytest.raises(UsageError, match="level-not-scored"):
        score(build.usual().lesion(Level.L4).measured(), {}, ScoringSettings(), verdicts=verdicts)
