"""Folders that exist whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from spineimg.core.errors import EnvironmentFault, UsageError

FOLDER_MODE = 0o755


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Fill a temporary sibling that takes the target's name at the end; nothing is left when filling fails.

    Raises
    ------
    UsageError
        ``out-exists`` when the target is there, before or after filling.
    EnvironmentFault
        ``out-not-writable``.
    """
    _refuse_existing(target)
    with _filled_sibling(target) as draft:
        yield draft
        _refuse_existing(target)
        draft.rename(target)


@contextmanager
def replaced_folder(target: Path, still_valid: Callable[[], None]) -> Iterator[Path]:
    """Fill a temporary sibling that then takes the place of an existing folder.

    Parameters
    ----------
    target : Path
        The folder that is replaced.
    still_valid : callable
        Called just before the swap; raises when the target changed meanwhile.
    """
    with _filled_sibling(target) as draft:
        yield draft
        still_valid()
        old = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.old-"))
        target.rename(old / target.name)
        try:
            draft.rename(target)
        except OSError:
            (old / target.name).rename(target)
            raise
        finally:
            shutil.rmtree(old, ignore_errors=True)


def link_or_copy(source: Path, target: Path) -> None:
    """Put a file at a new second place, without a copy where the file system can."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except FileExistsError:
        # Copying onto it could write through a link into the folder that it came from.
        raise
    except OSError:
        shutil.copy2(source, target)


@contextmanager
def _filled_sibling(target: Path) -> Iterator[Path]:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.partial-"))
    except OSError as error:
        raise _not_writable(target, error) from error
    try:
        draft.chmod(FOLDER_MODE)
        yield draft
    except OSError as error:
        raise _not_writable(target, error) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _refuse_existing(target: Path) -> None:
    if target.exists():
        raise UsageError("out-exists", f"{target} exists already", "choose another name or remove it", target)


def _not_writable(target: Path, error: OSError) -> EnvironmentFault:
    why = error.strerror or type(error).__name__
    return EnvironmentFault(
        "out-not-writable", f"cannot write {target}: {why}", "check space and permissions", target
    )
