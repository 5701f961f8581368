"""Laws that hold for any measurements: information narrows, pain does not lower, scoring repeats itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from spineimg.core.estimate import Estimate
from spineimg.core.levels import Level
from spineimg.core.measurements import StructureShares
from spineimg.core.scores import ALLOWED_POINTS, LevelScore
from spineimg.scoring.explain import explain
from spineimg.scoring.table import bands_of, total_of
from spineimg.storage.records import dump_json

LEVEL = Level.L1


def estimates(low: int, high: int) -> st.SearchStrategy[Estimate | None]:
    """Intervals with ends on odd tenths, never on a limit (what a limit itself does is in the tables)."""
    ends = st.lists(st.integers(low, high - 1), min_size=3, max_size=3).map(sorted)
    whole = ends.map(lambda e: Estimate(e[1] + 0.57, e[0] + 0.57, e[2] + 0.57))
    return st.none() | whole


@st.composite
def findings(draw: st.DrawFn) -> dict[str, Any]:
    """Everything that can be measured wrong or unknown at one level."""
    statuses = st.sampled_from(["likely", "doubtful", "unlikely"])
    share = estimates(0, 100)
    lesion = st.fixed_dictionaries(
        {
            "status": statuses,
            "lytic_percent": share,
            "body_percent": share,
            "quality": st.sampled_from(
                [("lytic",), ("lytic", "mixed"), ("lytic", "mixed", "blastic"), ("blastic",)]
            ),
            "structures_percent": st.builds(StructureShares, share, share, share, share),
            "cortex_broken": st.sampled_from(
                [(), ("pedicle_left",), ("upper_endplate",), ("facet_right", "pedicle_left")]
            ),
        }
    )
    return {
        "lesions": draw(st.lists(lesion, min_size=1, max_size=3)),
        "vertebra": {
            "height_loss_percent": draw(estimates(-10, 80)),
            "endplate_step_mm": draw(estimates(0, 5)),
            "complete": draw(st.booleans()),
            "not_scorable": draw(st.sampled_from([None, None, None, "cement"])),
            "name_possible": draw(st.sampled_from([(LEVEL,), (LEVEL, Level.L2), ()])),
        },
        "segment": {
            "translation_ap_mm": draw(estimates(-8, 8)),
            "translation_lateral_mm": draw(estimates(-8, 8)),
            "kyphosis_deg": draw(estimates(-20, 30)),
            "scoliosis_deg": draw(estimates(-15, 15)),
            "listhesis_cause": draw(st.sampled_from(["none", "degenerative", "unknown", "other"])),
        },
    }


def column_of(build: Any, found: dict[str, Any], pain: str = "unknown") -> Any:
    column = (
        build.column([Level.T12, LEVEL, Level.L2])
        .vertebra(LEVEL, **found["vertebra"])
        .segment(LEVEL, **found["segment"])
    )
    for lesion in found["lesions"]:
        column = column.lesion(LEVEL, **lesion)
    return column.with_pain(LEVEL, pain)


def level_score(build: Any, found: dict[str, Any], pain: str = "unknown") -> LevelScore:
    level = column_of(build, found, pain).scored().of(LEVEL)
    assert level is not None
    return level


@settings(max_examples=40, deadline=None)
@given(found=findings())
def test_scoring_twice_gives_the_same_bytes(build: Any, found: dict[str, Any]) -> None:
    assert dump_json(column_of(build, found).scored()) == dump_json(column_of(build, found).scored())


@settings(max_examples=40, deadline=None)
@given(found=findings())
def test_more_pain_never_lowers_a_total(build: Any, found: dict[str, Any]) -> None:
    none, occasional, mechanical = (
        level_score(build, found, p).total for p in ("none", "occasional", "mechanical")
    )
    unknown = level_score(build, found).total
    assert none.low < occasional.low < mechanical.low
    assert none.high < occasional.high < mechanical.high
    assert (unknown.low, unknown.high) == (none.low, mechanical.high)


@settings(max_examples=40, deadline=None)
@given(found=findings())
def test_every_score_is_consistent_with_itself(build: Any, found: dict[str, Any]) -> None:
    level = level_score(build, found)
    for name, component in level.components.items():
        assert set(component.possible) <= set(ALLOWED_POINTS[name])
        assert component.evidence
    assert level.total == total_of(level.components)
    assert level.band == bands_of(level.total)
    open_ones = {name for name, component in level.components.items() if not component.decided}
    asked = {question.component for question in level.decide}
    assert asked == (set() if level.state == "not_scored" else open_ones)


def narrowed(draw: st.DrawFn, before: Estimate | None, low: int, high: int) -> Estimate | None:
    """Learn more about a quantity: an interval inside the one before, or a first interval for an unknown."""
    if before is None:
        return draw(estimates(low, high))
    first, last = round(before.low - 0.57), round(before.high - 0.57)
    ends = sorted(draw(st.lists(st.integers(first, last), min_size=3, max_size=3)))
    return Estimate(ends[1] + 0.57, ends[0] + 0.57, ends[2] + 0.57)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same level before and after somebody learned more about it."""
    before = draw(findings())
    vertebra, segment = dict(before["vertebra"]), dict(before["segment"])
    vertebra["height_loss_percent"] = narrowed(draw, vertebra["height_loss_percent"], -10, 80)
    vertebra["endplate_step_mm"] = narrowed(draw, vertebra["endplate_step_mm"], 0, 5)
    if len(vertebra["name_possible"]) > 1:
        vertebra["name_possible"] = draw(st.sampled_from([vertebra["name_possible"], (LEVEL,)]))
    for name, low, high in (
        ("translation_ap_mm", -8, 8),
        ("translation_lateral_mm", -8, 8),
        ("kyphosis_deg", -20, 30),
        ("scoliosis_deg", -15, 15),
    ):
        segment[name] = narrowed(draw, segment[name], low, high)
    if segment["listhesis_cause"] == "unknown":
        segment["listhesis_cause"] = draw(st.sampled_from(["unknown", "none", "other", "degenerative"]))
    lesions = []
    for lesion in before["lesions"]:
        shares = lesion["structures_percent"]
        sides = ("pedicle_left", "pedicle_right", "facet_left", "facet_right")
        more = replace(shares, **{s: narrowed(draw, getattr(shares, s), 0, 100) for s in sides})
        status = lesion["status"]
        if status == "doubtful" and draw(st.booleans()):
            status = "likely"
        lytic = None if lesion["lytic_percent"] is None else narrowed(draw, lesion["lytic_percent"], 0, 100)
        body = narrowed(draw, lesion["body_percent"], 0, 100)
        changes = {"status": status, "lytic_percent": lytic, "body_percent": body, "structures_percent": more}
        lesions.append({**lesion, **changes})
    return before, {"lesions": lesions, "vertebra": vertebra, "segment": segment}


@settings(max_examples=100, deadline=None)
@given(pair=pairs())
def test_more_information_never_widens_a_possible(build: Any, pair: Any) -> None:
    before, after = (level_score(build, found) for found in pair)
    for (name, wide), (_, narrow) in zip(before.components.items(), after.components.items(), strict=True):
        assert set(narrow.possible) <= set(wide.possible), name
    assert before.total.low <= after.total.low
    assert after.total.high <= before.total.high


@settings(max_examples=30, deadline=None)
@given(found=findings())
def test_any_score_can_be_explained(build: Any, found: dict[str, Any]) -> None:
    column = column_of(build, found)
    scores = column.scored()
    text = explain(column.measured(), scores, LEVEL)
    for _, component in scores.of(LEVEL).components.items():
        for fact in component.evidence:
            assert " ".join(fact.text.split()) in " ".join(text.split())
    assert "None" not in text
    assert "nan" not in text.lower().split()
