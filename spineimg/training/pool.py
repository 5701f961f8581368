"""Prepared cases that may appear in a folder while a training runs."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from zipfile import BadZipFile

from spineimg.training.sources import Source, load_pool_case

SETTLED_S = 20.0
"""A file younger than this may still be being written."""

_log = logging.getLogger(__name__)


class Pool:
    """Cases of a folder, read when they appear.

    Parameters
    ----------
    folder
        Where `*.npz` files appear (see `load_pool_case`), or None.
    spacing_mm
        Voxel size of the net.
    most
        Cases held at once; the oldest goes first.
    """

    def __init__(self, folder: Path | None, spacing_mm: float, most: int = 30) -> None:
        self.folder = folder
        self.spacing_mm = spacing_mm
        self.most = most
        self.sources: list[Source] = []
        self._seen: set[str] = set()

    def fill(self, count: int) -> None:
        """Read up to ``count`` cases now."""
        for _ in range(count):
            self.refresh()

    def refresh(self) -> list[Source]:
        """Read at most one new case and give all."""
        if self.folder is None or not self.folder.is_dir():
            return self.sources
        for path in sorted(self.folder.glob("*.npz")):
            settled = time.time() - path.stat().st_mtime >= SETTLED_S
            if path.name in self._seen or path.name.startswith(".") or not settled:
                continue
            self._seen.add(path.name)
            try:
                self.sources.append(load_pool_case(path, self.spacing_mm, 1.0))
                del self.sources[: -self.most]
            except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
                _log.warning("pool: %s left out: %s", path.name, error)
            break
        return self.sources
