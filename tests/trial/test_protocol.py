"""The protocol file: the shipped one, another one, and what is refused."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from spineimg.core.errors import InputRefused
from spineimg.trial.protocol import load_protocol

SHIPPED = (resources.files("spineimg.trial") / "protocols" / "nct03365973.toml").read_text(encoding="utf-8")


def written(folder: Path, text: str) -> Path:
    path = folder / "other.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_protocol_is_that_of_the_register() -> None:
    protocol = load_protocol(None)
    assert protocol.trial.id == "NCT03365973"
    assert protocol.trial.planned_patients == 120
    assert (protocol.index_level.total_low, protocol.index_level.total_high) == (7, 12)
    assert protocol.visits.planned_days() == (90, 180, 270, 360, 450, 540, 630, 720)
    assert [c.name for c in protocol.covariates] == ["total_sins", "age", "body_involvement", "radiotherapy"]
    assert len(protocol.criteria) == 8


def test_another_trial_is_another_file(tmp_path: Path) -> None:
    text = SHIPPED.replace("total_high = 12", "total_high = 14").replace(
        "every_days = 90", "every_days = 120"
    )
    protocol = load_protocol(written(tmp_path, text))
    assert protocol.index_level.total_high == 14
    assert protocol.visits.planned_days()[0] == 120


@pytest.mark.parametrize(
    ("day", "window"),
    [
        (0, "baseline"),
        (1, None),
        (59, None),
        (60, "day-90"),
        (120, "day-90"),
        (121, None),
        (150, "day-180"),
        (750, "day-720"),
        (751, None),
    ],
)
def test_visit_windows_are_closed_on_both_sides(day: int, window: str | None) -> None:
    assert load_protocol(None).visits.window(day) == window


@pytest.mark.parametrize(
    ("before", "after", "code", "words"),
    [
        ("window_days = 30", "windw_days = 30", "protocol-invalid", "visits.windw_days: unknown key"),
        ('rule = "age"', 'rule = "agee"', "protocol-invalid", "agee"),
        ("low_years = 18", "", "protocol-invalid", "low_years"),
        ("every_days = 90", "every_days = 0", "protocol-invalid", "every_days"),
        ('schema = "spineimg/protocol/1"', 'schema = "spineimg/protocol/2"', "protocol-invalid", "schema"),
        ("[visits]", "[visitss]", "protocol-invalid", "visitss: unknown key"),
        ("[trial]", "[trial", "protocol-unreadable", "other.toml"),
        ("total_low = 7", "total_low = 13", "protocol-contradicts-itself", "lower limit"),
        ('name = "age"\nsource', 'name = "total_sins"\nsource', "protocol-contradicts-itself", "one name"),
        ('name = "radiotherapy"', 'name = "rt"', "protocol-contradicts-itself", "radiotherapy"),
        (
            'name = "age"\nsource = "age"',
            'name = "collapse"\nsource = "component"\ncomponent = "collapse"',
            "protocol-contradicts-itself",
            "may not stand in one model",
        ),
        ('source = "age"', 'source = "column"', "protocol-contradicts-itself", "column"),
        (
            'rule = "index_level"',
            'rule = "column"\ncolumn = "sex"\nmet = ["F"]',
            "protocol-contradicts-itself",
            "followed",
        ),
    ],
)
def test_a_wrong_protocol_is_refused_by_name(
    tmp_path: Path, before: str, after: str, code: str, words: str
) -> None:
    assert before in SHIPPED
    with pytest.raises(InputRefused) as caught:
        load_protocol(written(tmp_path, SHIPPED.replace(before, after, 1)))
    assert caught.value.code == code
    assert words in caught.value.message


def test_a_missing_protocol_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="protocol-unreadable"):
        load_protocol(tmp_path / "none.toml")
