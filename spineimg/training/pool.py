"""Prepared cases that may appear in a folder while a training runs."""

from __future__ import annotations

from pathlib import Path

from spineimg.training.sources import Source, load_pool_case


class Pool:
    """Cases of a folder, read when they appear.

    Parameters
    ----------
    folder
        Where `*.npz` files appear (see `load_pool_case`), or None.
    spacing_mm
        Voxel size of the net.
    weight
        Sampling weight of each case.
    """

    def __init__(self, folder: Path | None, spacing_mm: float, weight: float = 0.5) -> None:
        self.folder = folder
        self.spacing_mm = spacing_mm
        self.weight = weight
        self.sources: list[Source] = []
        self._seen: set[str] = set()

    def refresh(self) -> list[Source]:
        """Read at most one new case and give all."""
        if self.folder is None or not self.folder.is_dir():
            return self.sources
        for path in sorted(self.folder.glob("*.npz")):
            if path.name in self._seen:
                continue
            self._seen.add(path.name)
            try:
                self.sources.append(load_pool_case(path, self.spacing_mm, self.weight))
            except (OSError, ValueError, KeyError) as error:
                print(f"pool: {path.name} left out: {error}", flush=True)
            break
        return self.sources
