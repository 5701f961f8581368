"""Settings: one frozen record, documented to the last field, changed only by name."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from spineimg.core.errors import UsageError
from spineimg.core.settings import Settings, load_settings
from spineimg.core.settings.clinical_limits import SAME

ROOT = Path(__file__).parents[2]


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().scoring.lytic_percent = 70.0  # type: ignore[misc]


def test_equal_settings_have_one_digest_and_changed_ones_another() -> None:
    changed = dataclasses.replace(
        Settings(), scoring=dataclasses.replace(Settings().scoring, lytic_percent=70.0)
    )
    assert Settings().digest() == Settings().digest()
    assert changed.digest() != Settings().digest()


def test_a_profile_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    profile = tmp_path / "profile.toml"
    profile.write_text("[scoring]\nstructure_percent = 30.0\n", encoding="utf-8")
    found = load_settings(profile)
    assert found.scoring == dataclasses.replace(Settings().scoring, structure_percent=30.0)
    assert dataclasses.replace(found, scoring=Settings().scoring) == Settings()


def test_a_profile_may_give_its_own_normal_angles(tmp_path: Path) -> None:
    profile = tmp_path / "profile.toml"
    row = '[[scoring.normal_angles]]\nupper = "L1"\nmean_deg = 1.0\nsd_deg = 2.0\nsource = "own series"\n'
    profile.write_text(row, encoding="utf-8")
    found = load_settings(profile).scoring.normal_angle("L1")
    assert found is not None
    assert (found.mean_deg, found.sd_deg, found.source) == (1.0, 2.0, "own series")


@pytest.mark.parametrize(
    ("text", "name"),
    [("[scoring]\nlytic = 75.0\n", "scoring.lytic"), ("[score]\nx = 1\n", "score"), ("x = 1\n", "x")],
)
def test_an_unknown_name_is_refused(tmp_path: Path, text: str, name: str) -> None:
    profile = tmp_path / "profile.toml"
    profile.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_settings(profile)
    assert caught.value.code == "unknown-setting"
    assert name in caught.value.message


def test_limits_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ValueError, match="wrong order"):
        dataclasses.replace(Settings().scoring, lytic_percent=10.0)


def test_a_limit_that_rooms_share_changes_in_both(tmp_path: Path) -> None:
    profile = tmp_path / "profile.toml"
    profile.write_text(
        "[scoring]\nlytic_percent = 75.0\n[measurement]\nfracture_loss_percent = 15.0\n", "utf-8"
    )
    settings = load_settings(profile)
    for a, name_a, b, name_b in SAME:
        assert getattr(getattr(settings, a), name_a) == getattr(getattr(settings, b), name_b)
    assert settings.measurement.lytic_share_percent == 75.0
    assert settings.scoring.fracture_percent == 15.0


def test_the_settings_page_is_up_to_date() -> None:
    script = ROOT / "scripts" / "make_settings_page.py"
    done = subprocess.run(
        [sys.executable, str(script), "--print"], capture_output=True, text=True, check=True
    )
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page == done.stdout, "run scripts/make_settings_page.py"
