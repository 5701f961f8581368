"""Pseudonyms: stable for one user, different for two, and nothing where the scan names nobody."""

from __future__ import annotations

import hashlib
import hmac
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from spineimg.core.errors import EnvironmentFault
from spineimg.storage.keys import KEY_FILE, config_folder, patient_key


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "config" / "spineimg"
    monkeypatch.setenv("SPINEIMG_CONFIG", str(folder))
    return folder


def test_one_patient_has_one_key() -> None:
    assert patient_key("Ruijin", "12345") == patient_key("Ruijin", "12345")
    assert patient_key(" Ruijin ", "12345 ") == patient_key("Ruijin", "12345")  # DICOM pads with spaces
    assert patient_key(None, "12345") == patient_key("", "12345")


def test_two_patients_have_two() -> None:
    keys = {
        patient_key(*who)
        for who in [("A", "1"), ("A", "2"), ("B", "1"), (None, "1"), ("AB", "C"), ("A", "BC")]
    }
    assert len(keys) == 6


@pytest.mark.parametrize("patient_id", [None, "", "  "])
def test_nobody_has_none(patient_id: str | None, config: Path) -> None:
    assert patient_key("A", patient_id) is None
    assert not config.exists()


def test_the_key_is_a_keyed_hash_with_a_key_that_only_the_user_reads(config: Path) -> None:
    found = patient_key("A", "1")
    path = config / KEY_FILE
    assert path.stat().st_mode & 0o777 == 0o600
    secret = bytes.fromhex(path.read_text())
    assert len(secret) == 32
    assert found == hmac.new(secret, b"A\x001", hashlib.sha256).hexdigest()[:32]
    assert [p.name for p in config.iterdir()] == [KEY_FILE]


def test_another_user_gets_another_pseudonym(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = patient_key("A", "1")
    monkeypatch.setenv("SPINEIMG_CONFIG", str(tmp_path / "other"))
    assert patient_key("A", "1") != first


def test_many_at_once_agree_on_the_first_key() -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: patient_key("A", "1"), range(32)))) == 1


@pytest.mark.parametrize("text", ["", "abc", "zz" * 32, "00" * 31])
def test_a_damaged_key_is_refused_and_kept(config: Path, text: str) -> None:
    config.mkdir(parents=True)
    (config / KEY_FILE).write_text(text)
    with pytest.raises(EnvironmentFault, match="patient-key-damaged"):
        patient_key("A", "1")
    assert (config / KEY_FILE).read_text() == text


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SPINEIMG_CONFIG", str(tmp_path / "file" / "config"))
    with pytest.raises(EnvironmentFault, match="config-not-writable"):
        patient_key("A", "1")


def test_without_the_variable_the_users_configuration_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SPINEIMG_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert config_folder() == tmp_path / "spineimg"
