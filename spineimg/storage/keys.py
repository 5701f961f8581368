"""Pseudonyms of patients: a keyed hash, its key in the user's own configuration."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from spineimg.core.errors import EnvironmentFault

CONFIG_VARIABLE = "SPINEIMG_CONFIG"
KEY_FILE = "patient_key"
KEY_BYTES = 32
KEY_MODE = 0o600
FOLDER_MODE = 0o700
PSEUDONYM_LENGTH = 32
"""Hex digits of a pseudonym: 128 bits, no two patients of any hospital alike."""


def config_folder() -> Path:
    """Folder of the user's configuration; the variable SPINEIMG_CONFIG names another one."""
    named = os.environ.get(CONFIG_VARIABLE)
    if named:
        return Path(named)
    if os.name == "nt":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming") / "spineimg"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "spineimg"


def patient_key(issuer: str | None, patient_id: str | None) -> str | None:
    """Pseudonym of a patient, the same on every scan of this user; None where the scan names nobody.

    Parameters
    ----------
    issuer : str or None
        Issuer of Patient ID.
    patient_id : str or None
        Patient ID.

    Returns
    -------
    str or None
        First 128 bits of HMAC-SHA256 over both, hex.

    Raises
    ------
    EnvironmentFault
        ``config-not-writable`` or ``patient-key-damaged``.
    """
    name = (patient_id or "").strip()
    if not name:
        return None
    # The separator cannot occur in either part: ("AB", "C") and ("A", "BC") are two patients.
    message = f"{(issuer or '').strip()}\0{name}".encode()
    return hmac.new(_secret(), message, hashlib.sha256).hexdigest()[:PSEUDONYM_LENGTH]


def _secret() -> bytes:
    """Return the user's key, made on first use."""
    path = config_folder() / KEY_FILE
    try:
        if not path.exists():
            _make_secret(path)
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise EnvironmentFault(
            "config-not-writable",
            f"the patient key {path} can be neither read nor made",
            f"give --patient-key, or name a folder that you own in {CONFIG_VARIABLE}",
            path,
        ) from error
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        secret = b""
    if len(secret) != KEY_BYTES:
        raise EnvironmentFault(
            "patient-key-damaged",
            f"the patient key {path} is damaged",
            "restore it from a backup; without it, patients cannot be recognised again",
            path,
        )
    return secret


def _make_secret(path: Path) -> None:
    """Write a new key beside its place, then link it there: of two processes one wins, and both read it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, KEY_MODE)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()
