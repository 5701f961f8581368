"""The sequence model: names as a table of columns, drawn from the mean spacing of real scans."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spineimg.core.levels import Level
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.segmentation.name import log_posterior, name_column
from spineimg.segmentation.naming_model import Found, NamingModel, Surroundings, load_naming_model

MODELS = Path(__file__).parents[2] / "models"
SETTINGS = SegmentationSettings()
# Mean distance to the next lower body, mm: a published table of real scans (split train of the named points).
SPACING = {
    "C1": 17.4, "C2": 24.7, "C3": 17.9, "C4": 17.3, "C5": 16.9, "C6": 17.9, "C7": 20.0, "T1": 20.9,
    "T2": 21.1, "T3": 21.0, "T4": 21.6, "T5": 22.1, "T6": 22.6, "T7": 23.3, "T8": 23.9, "T9": 25.4,
    "T10": 27.3, "T11": 29.7, "T12": 32.4, "T13": 32.4, "L1": 34.6, "L2": 35.8, "L3": 36.5, "L4": 36.3,
    "L5": 36.6, "L6": 36.6,
}  # fmt: skip
# Inclination of the step to the next lower body in the sagittal plane, degrees, same source.
SLOPE = {
    "C1": 19, "C2": 9, "C3": 14, "C4": 16, "C5": 17, "C6": 21, "C7": 28, "T1": 28,
    "T2": 26, "T3": 21, "T4": 16, "T5": 10, "T6": 2, "T7": -6, "T8": -11, "T9": -13,
    "T10": -14, "T11": -14, "T12": -15, "T13": -15, "L1": -16, "L2": -13, "L3": -6, "L4": 7,
    "L5": 22, "L6": 25,
}  # fmt: skip
GROUPS = {"C": (0.97, 0.03, 0.02), "T": (0.03, 0.98, 0.03), "L": (0.02, 0.02, 0.98)}
USUAL = [*(f"C{n}" for n in range(1, 8)), *(f"T{n}" for n in range(1, 13)), *(f"L{n}" for n in range(1, 6))]


@pytest.fixture(scope="module")
def model() -> NamingModel:
    return load_naming_model(MODELS / "naming")


def column(names: list[str], scale: float = 1.0) -> list[Found]:
    place, out = np.zeros(3), []
    for name in names:
        out.append(Found(place.copy(), GROUPS[name[0]]))
        angle = np.radians(SLOPE[name])
        place = place + scale * SPACING[name] * np.array([0.0, np.sin(angle), -np.cos(angle)])
    return out


def between(first: str, last: str) -> list[str]:
    return USUAL[USUAL.index(first) : USUAL.index(last) + 1]


def names(found: list[Found], model: NamingModel, around: Surroundings | None = None) -> list[str]:
    naming = name_column(found, around or Surroundings(), model, SETTINGS)
    return ["-" if level is None else level.value for level in naming.levels]


@pytest.mark.parametrize(
    ("first", "last"), [("C1", "L5"), ("T9", "L5"), ("C2", "T4"), ("T10", "L2"), ("C7", "L5"), ("T1", "T12")]
)
@pytest.mark.parametrize("scale", [0.88, 1.0, 1.1])
def test_a_usual_column_with_a_border_in_view_gets_its_names(
    first: str, last: str, scale: float, model: NamingModel
) -> None:
    if (first, last) == ("T1", "T12"):
        return  # no border in view: see below
    assert names(column(between(first, last), scale), model) == between(first, last)


@pytest.mark.parametrize("lost", ["T11", "L3", "T4", "L1"])
def test_a_missed_vertebra_shifts_no_name(lost: str, model: NamingModel) -> None:
    wanted = [n for n in between("C5", "L5") if n != lost]
    found = [f for f, n in zip(column(between("C5", "L5")), between("C5", "L5"), strict=True) if n != lost]
    assert names(found, model) == wanted


@pytest.mark.parametrize("place", [3, 7, 11])
def test_a_doubled_vertebra_shifts_no_name(place: int, model: NamingModel) -> None:
    wanted = between("T5", "L5")
    found = column(wanted)
    twin = Found(found[place].centre_lps_mm + np.array([4.0, 0.0, -9.0]), found[place].groups, 0.5)
    given = names([*found[: place + 1], twin, *found[place + 1 :]], model)
    assert given.count("-") == 1
    assert [n for n in given if n != "-"] == wanted


@pytest.mark.parametrize(("first", "last"), [("T3", "T9"), ("L2", "L4"), ("T5", "T6"), ("L3", "L3")])
def test_a_crop_without_any_landmark_is_flagged(first: str, last: str, model: NamingModel) -> None:
    naming = name_column(column(between(first, last)), Surroundings(), model, SETTINGS)
    codes = {c.code for c in naming.caveats}
    assert {"no-landmark", "level-name-uncertain"} <= codes
    doubt = naming.doubts[0]
    assert len(doubt.possible) > 1
    assert doubt.confidence < SETTINGS.name_certain


def test_the_sacrum_makes_a_lumbar_crop_countable(model: NamingModel) -> None:
    crop = column(between("L3", "L5"))
    alone = name_column(crop, Surroundings(), model, SETTINGS)
    below = name_column(crop, Surroundings(sacrum_below_mm=21.0), model, SETTINGS)
    assert "no-landmark" in {c.code for c in alone.caveats}
    assert [str(n) for n in below.levels] == ["L3", "L4", "L5"]
    assert "no-landmark" not in {c.code for c in below.caveats}
    assert min(d.confidence for d in below.doubts) > min(d.confidence for d in alone.doubts)


@pytest.mark.parametrize(
    ("chain", "what"),
    [
        ([*between("C6", "L5"), "L6"], "L6"),
        ([*between("C6", "T12"), "T13", *between("L1", "L5")], "T13"),
        ([n for n in between("C6", "L5") if n != "T12"], "T12"),
    ],
)
def test_an_unusual_count_is_said(chain: list[str], what: str, model: NamingModel) -> None:
    naming = name_column(column(chain), Surroundings(), model, SETTINGS)
    assert {"transitional-anatomy"} <= {c.code for c in naming.caveats}, what


def test_the_level_number_decides_where_the_groups_cannot(model: NamingModel) -> None:
    wanted = between("T4", "T9")
    numbered = [
        Found(f.centre_lps_mm, f.groups, f.confidence, float(Level(n).verse_id) + 0.2)
        for f, n in zip(column(wanted), wanted, strict=True)
    ]
    assert names(numbered, model) == wanted


def test_names_are_in_order_and_each_once(model: NamingModel) -> None:
    generator = np.random.default_rng(3)
    for _ in range(5):
        found = [
            Found(f.centre_lps_mm + generator.normal(0, 4, 3), tuple(generator.dirichlet([1, 1, 1])), 0.9)  # type: ignore[arg-type]
            for f in column(between("T8", "L5"))
        ]
        levels = [n for n in name_column(found, Surroundings(), model, SETTINGS).levels if n is not None]
        assert levels == sorted(set(levels))


def test_posteriors_are_probabilities(model: NamingModel) -> None:
    naming = name_column(column(between("T11", "L4")), Surroundings(), model, SETTINGS)
    assert 0.0 <= naming.second <= 1.0
    assert 0.0 < naming.best <= 1.0
    assert all(0.0 <= d.confidence <= 1.0 and d.level in d.possible for d in naming.doubts)
    chosen = log_posterior(column(between("T11", "L4")), Surroundings(), model, naming.levels)
    assert np.exp(chosen) == pytest.approx(naming.best, abs=1e-9)


def test_a_look_of_the_other_region_opens_the_names_beside_the_border(model: NamingModel) -> None:
    wanted = between("C3", "L5")
    found = column(wanted)
    place = wanted.index("T1")
    found[place] = Found(found[place].centre_lps_mm, (0.9, 0.1, 0.0))
    naming = name_column(found, Surroundings(), model, SETTINGS)
    doubts = {d.level.value: d for d in naming.doubts}
    assert "level-name-uncertain" in {c.code for c in naming.caveats}
    assert len(doubts["C5"].possible) > 1
    assert doubts["L3"].confidence > doubts["C5"].confidence


def test_nothing_found_gives_no_names(model: NamingModel) -> None:
    assert name_column([], Surroundings(), model, SETTINGS).levels == ()


def test_a_vertebra_that_looks_like_both_regions_is_said(model: NamingModel) -> None:
    found = column(between("T9", "L5"))
    place = between("T9", "L5").index("L1")
    stub = [*found[:place], Found(found[place].centre_lps_mm, (0.02, 0.95, 0.8)), *found[place + 1 :]]
    plain, mixed = (name_column(f, Surroundings(), model, SETTINGS) for f in (found, stub))
    assert "transitional-anatomy" not in {c.code for c in plain.caveats}
    assert any("alike" in c.message for c in mixed.caveats if c.code == "transitional-anatomy")
