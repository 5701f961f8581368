"""Times and memory of a run."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Say = Callable[[str], None]
"""Called with the name of each stage as it starts."""


def silent(stage: str) -> None:
    """Say nothing."""


class Clock:
    """Seconds spent in each stage.

    Parameters
    ----------
    say : callable
        Told the words of each stage as it starts.
    """

    def __init__(self, say: Say) -> None:
        self._say = say
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str, words: str) -> Iterator[None]:
        """Time one stage."""
        self._say(words)
        start = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 3)


def peak_memory_mb() -> float:
    """Largest resident memory of this process so far, MB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0, 1)
