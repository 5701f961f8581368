"""The table in code is the published one: every row, every band, every impossible value."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path
from typing import Any

import pytest

from spineimg.core.errors import UsageError
from spineimg.core.levels import Level
from spineimg.core.scores import ALLOWED_POINTS, COMPONENTS, Component, ComponentName, Components, Total
from spineimg.scoring.location import location_points
from spineimg.scoring.table import BANDS, POINTS, Option, bands_of, checked, total_from_points, total_of


def rows_of(shared: Path) -> list[dict[str, str]]:
    with (shared / "data" / "tables" / "sins_definition.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_option_of_the_published_table_is_in_code_and_no_other(shared: Path) -> None:
    published = {
        (row["component"], row["option"]): int(row["points"])
        for row in rows_of(shared)
        if row["component"] != "category"
    }
    assert {option.value: points for option, points in POINTS.items()} == published
    assert len(published) == 20


def test_the_bands_are_the_published_ones(shared: Path) -> None:
    published = {
        row["option"].replace(" ", "_"): row["points"]
        for row in rows_of(shared)
        if row["component"] == "category"
    }
    assert {band: f"{low}-{high}" for band, low, high in BANDS} == published


def test_the_levels_of_a_region_are_the_published_ones(shared: Path) -> None:
    details = {row["option"]: row["detail"] for row in rows_of(shared) if row["component"] == "location"}
    assert details == {
        "junctional": "occiput-C2, C7-T2, T11-L1, L5-S1",
        "mobile": "C3-C6, L2-L4",
        "semirigid": "T3-T10",
        "rigid": "S2-S5",
    }


@pytest.mark.parametrize(
    ("names", "points"),
    [
        ("C1 C2", {3}),  # occiput-C2
        ("C3 C4 C5 C6", {2}),
        ("C7 T1 T2", {3}),
        ("T3 T4 T5 T6 T7 T8 T9 T10", {1}),
        ("T11 T12 L1", {3}),
        ("L2 L3 L4", {2}),
        ("L5 S1", {3}),
        ("S2 S3 S4 S5", {0}),
        ("sacrum", {0, 3}),  # not divided
        ("T13 L6", {3}),  # as T12 and L5; L1 and S1 do not differ
        ("coccyx", {0, 1, 2, 3}),  # the table has none
    ],
)
def test_location_of_every_level(names: str, points: set[int]) -> None:
    for name in names.split():
        assert set(location_points(Level(name))) == points


def test_every_level_has_a_location() -> None:
    assert all(location_points(level) for level in Level)


def test_the_points_that_the_core_allows_are_those_of_the_table() -> None:
    by_component = {
        name: sorted({p for o, p in POINTS.items() if o.component == name}) for name in COMPONENTS
    }
    assert by_component == {name: list(points) for name, points in ALLOWED_POINTS.items()}


IMPOSSIBLE = [
    (name, value) for name in COMPONENTS for value in range(-2, 8) if value not in ALLOWED_POINTS[name]
]


@pytest.mark.parametrize(("name", "value"), IMPOSSIBLE)
def test_impossible_points_are_refused_everywhere(name: ComponentName, value: int) -> None:
    with pytest.raises(UsageError, match="sins-impossible-points"):
        checked(name, (value,))
    valid: dict[ComponentName, int] = dict.fromkeys(COMPONENTS, 0)
    with pytest.raises(UsageError, match="sins-impossible-points"):
        total_from_points({**valid, name: value})
    parts: dict[str, Any] = {other: Component((0,), ()) for other in COMPONENTS}
    with pytest.raises(ValueError, match=name):
        Components(**{**parts, name: Component((value,), ())})


def test_named_impossible_values_are_among_them() -> None:
    assert {
        ("pain", 2),
        ("bone_lesion", 3),
        ("posterolateral", 2),
        ("alignment", 1),
        ("alignment", 3),
    } <= set(IMPOSSIBLE)


def test_a_component_left_out_is_refused() -> None:
    with pytest.raises(UsageError, match="sins-incomplete"):
        total_from_points({"pain": 3})


def test_all_sums_of_the_table_lie_in_one_band_each() -> None:
    for points in itertools.product(*(ALLOWED_POINTS[name] for name in COMPONENTS)):
        total = total_from_points(dict(zip(COMPONENTS, points, strict=True)))
        assert total == Total(sum(points), sum(points))
        (band,) = bands_of(total)
        assert band == (
            "stable" if sum(points) <= 6 else "potentially_unstable" if sum(points) <= 12 else "unstable"
        )


@pytest.mark.parametrize(
    ("low", "high", "bands"),
    [
        (0, 6, ("stable",)),
        (6, 7, ("stable", "potentially_unstable")),
        (7, 12, ("potentially_unstable",)),
        (12, 13, ("potentially_unstable", "unstable")),
        (13, 18, ("unstable",)),
        (6, 13, ("stable", "potentially_unstable", "unstable")),
        (0, 18, ("stable", "potentially_unstable", "unstable")),
    ],
)
def test_the_band_is_decided_when_the_whole_range_lies_in_it(
    low: int, high: int, bands: tuple[str, ...]
) -> None:
    assert bands_of(Total(low, high)) == bands


def test_the_total_runs_from_the_sum_of_minima_to_the_sum_of_maxima() -> None:
    possible = [(3,), (0, 1, 3), (1, 2), (0, 2), (2, 3), (0,)]
    components = Components(*(Component(points, ()) for points in possible))
    assert total_of(components) == Total(6, 13)


@pytest.mark.parametrize(("low", "high"), [(-1, 3), (4, 3), (0, 19)])
def test_a_total_outside_the_table_is_refused(low: int, high: int) -> None:
    with pytest.raises(ValueError, match="total"):
        Total(low, high)


@pytest.mark.parametrize("possible", [(), (3, 1), (1, 1)])
def test_a_component_lists_its_points_ascending_and_never_none(possible: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="possible points"):
        Component(possible, ())


def test_an_option_knows_its_component_and_its_finding() -> None:
    assert (Option.MECHANICAL.component, Option.MECHANICAL.finding) == ("pain", "mechanical")
