"""Where the bytes come from: folders of any depth, single files, zip archives."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from spineimg.core.errors import EnvironmentFault, InputRefused, UsageError


@dataclass(frozen=True, slots=True)
class Source:
    """One file on disk, or one member of a zip."""

    path: str
    """Path of the file; inside a zip ``archive.zip/member``."""
    size: int
    archive: zipfile.ZipFile | None = field(default=None, repr=False, compare=False)
    member: str = ""

    @property
    def name(self) -> str:
        """Last part of the path, for messages."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def where(self) -> Path:
        """The file on disk, for errors: the zip itself for its members."""
        return Path(self.path if self.archive is None else str(self.archive.filename))

    def open(self) -> BinaryIO:
        """Open for reading from the start."""
        if self.archive is not None:
            return io.BytesIO(self.archive.read(self.member))
        return open(self.path, "rb")


def find_sources(path: Path, zip_limit_bytes: int) -> list[Source]:
    """List every file under a folder (sorted), the members of a zip, or the one file.

    Raises
    ------
    UsageError
        ``no-such-path``.
    InputRefused
        ``unreadable-file`` for a damaged zip, ``implausible-size`` for one that unpacks without end.
    EnvironmentFault
        ``permission-denied``.
    """
    if not path.exists():
        raise UsageError("no-such-path", f"nothing at {path}", "check the spelling of the path", path)
    try:
        if path.is_dir():
            return sorted(_walk(path), key=lambda source: source.path)
        if zipfile.is_zipfile(path):
            return _members(path, zip_limit_bytes)
        return [Source(str(path), path.stat().st_size)]
    except PermissionError as fault:
        raise EnvironmentFault(
            "permission-denied", f"no permission to read {fault.filename}", "change its permissions", path
        ) from fault


def _walk(folder: Path) -> Iterator[Source]:
    """Files under a folder; links to folders are not followed (they may form a circle)."""
    stack = [str(folder)]
    while stack:
        with os.scandir(stack.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    stack.append(entry.path)
                elif entry.is_file():
                    yield Source(entry.path, entry.stat().st_size)


def _members(path: Path, limit: int) -> list[Source]:
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as fault:
        raise InputRefused(
            "unreadable-file", f"damaged zip {path}", "unpack or fetch it again", path
        ) from fault
    members = [m for m in archive.infolist() if not m.is_dir()]
    for member in members:
        if member.file_size > limit:
            raise InputRefused(
                "implausible-size",
                f"{member.filename} in {path} unpacks to {member.file_size} bytes",
                "unpack the zip and give the folder",
                path,
            )
        if member.flag_bits & 1:
            raise InputRefused(
                "unreadable-file", f"zip {path} is encrypted", "unpack it and give the folder", path
            )
    return [Source(f"{path}/{m.filename}", m.file_size, archive, m.filename) for m in members]
