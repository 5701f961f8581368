"""Drawn scans kept on disk: drawing one costs more than measuring it. Used by other scripts."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any


def kept(folder: Path | None, name: str, draw: Callable[[], Any]) -> Any:
    """What was drawn under this name: from the folder, or drawn now and kept there when there is one."""
    if folder is None:
        return draw()
    file = folder / f"{name}.pkl"
    if file.exists():
        with file.open("rb") as stream:
            return pickle.load(stream)
    drawn = draw()
    folder.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".part")
    with partial.open("wb") as stream:
        pickle.dump(drawn, stream)
    partial.rename(file)
    return drawn
