"""The lesions of a level that count for its score."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from spineimg.core.estimate import Estimate
from spineimg.core.levels import Level
from spineimg.core.measurements import LesionMeasurement, Measurements, Point
from spineimg.scoring.wording import named

NOT_LESS = 0.0
WHOLE_PERCENT = 100.0
COMBINED_AT_MOST = 6
"""Doubtful lesions that are combined in every way (64 sets); of more, each alone and all together."""

Selection = tuple[LesionMeasurement, ...]


@dataclass(frozen=True, slots=True)
class LevelLesions:
    """Lesions of one level by how likely each is a metastasis."""

    likely: Selection
    doubtful: Selection
    unlikely: Selection
    searched: bool = True

    @classmethod
    def of(cls, measurements: Measurements, level: Level) -> LevelLesions:
        """Collect the lesions of a level."""
        found = [lesion for lesion in measurements.lesions if lesion.level is level]
        by = {s: tuple(x for x in found if x.status == s) for s in ("likely", "doubtful", "unlikely")}
        return cls(by["likely"], by["doubtful"], by["unlikely"], measurements.lesions_searched)

    def why_empty(self, level: Level) -> str:
        """Say why no lesion of a level counts: none is likely one, or none was looked for."""
        if self.searched or self.unlikely:
            return f"No lesion of {named(level)} is likely a metastasis"
        return f"Lesions of {named(level)} were not looked for on this image"

    def doubt(self, level: Level) -> str | None:
        """The question before all others where no lesion is likely a metastasis, but some may be."""
        if self.likely or not self.doubtful:
            return None
        what = "the lesion" if len(self.doubtful) == 1 else f"one of the {len(self.doubtful)} lesions"
        return f"Is {what} of {named(level)} a metastasis? A reader decides (rescore --lesions FILE)."

    @property
    def counted(self) -> Selection:
        """Lesions that may be metastases."""
        return (*self.likely, *self.doubtful)

    @property
    def place(self) -> Point | None:
        """Centre of the largest lesion that counts, LPS mm."""
        largest = max(self.counted, key=lambda lesion: lesion.volume_ml.value, default=None)
        return largest.centre_lps_mm if largest is not None else None

    def selections(self) -> Iterator[Selection]:
        """Every set of lesions that may be the metastases: the likely, with each choice of doubtful ones."""
        if len(self.doubtful) <= COMBINED_AT_MOST:
            sizes = range(len(self.doubtful) + 1)
            choices: list[Selection] = [c for n in sizes for c in itertools.combinations(self.doubtful, n)]
        else:
            choices = [(), *((lesion,) for lesion in self.doubtful), self.doubtful]
        for choice in choices:
            if self.likely or choice:
                yield (*self.likely, *choice)


def summed_percent(shares: Sequence[Estimate | None]) -> Estimate | None:
    """Sum of shares of one whole, at most 100; an unknown share can be anything. None: nothing is known."""
    known = [share for share in shares if share is not None]
    if not known:
        return None
    value, low, high = (
        min(sum(getattr(share, end) for share in known), WHOLE_PERCENT) for end in ("value", "low", "high")
    )
    if len(known) < len(shares):
        high = WHOLE_PERCENT
    return Estimate(value, low, high).clipped(NOT_LESS, WHOLE_PERCENT)
