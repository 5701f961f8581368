"""How fast the pipeline is, measured against other programs where there are any.

``python scripts/benchmark_pipeline.py`` prints the figures that README quotes.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

LARGEST_REAL_SERIES = "data/dicom/good/ct_wholebody_juno"
REPEATS = 7


@dataclass(frozen=True)
class LoadingTimes:
    """Median of several runs on one machine, seconds of wall clock, files in the cache."""

    spineimg_s: float
    simpleitk_s: float
    simpleitk_known_files_s: float
    """Without its search for the file names: what its reader alone needs."""

    @property
    def ratio(self) -> float:
        """From a folder to an array: spineimg over SimpleITK."""
        return self.spineimg_s / self.simpleitk_s


def benchmark_loading(folder: Path | None = None) -> LoadingTimes:
    """Load one series by spineimg and by SimpleITK's series reader, in turn, in this process."""
    import SimpleITK

    from spineimg.core.settings.reading import ReadingSettings
    from spineimg.dicom import load

    series = folder or shared_folder() / LARGEST_REAL_SERIES
    settings = ReadingSettings()

    def by_simpleitk() -> float:
        reader = SimpleITK.ImageSeriesReader()
        names = reader.GetGDCMSeriesFileNames(str(series))
        start = time.perf_counter()
        reader.SetFileNames(names)
        reader.Execute()
        return time.perf_counter() - start

    def by_spineimg() -> float:
        load(series, settings)
        return 0.0

    ours, theirs, reading = [], [], []
    for _ in range(REPEATS + 1):
        theirs_total, reader_alone = timed(by_simpleitk)
        ours.append(timed(by_spineimg)[0])
        theirs.append(theirs_total)
        reading.append(reader_alone)
    # the first run warms the cache
    return LoadingTimes(median(ours[1:]), median(theirs[1:]), median(reading[1:]))


def timed(work: Callable[[], float]) -> tuple[float, float]:
    """Wall clock of one call, and what it returned."""
    start = time.perf_counter()
    answer = work()
    return time.perf_counter() - start, answer


def shared_folder() -> Path:
    """Folder of the real scans: SPINEIMG_SHARED, or ``shared`` beside the checkout."""
    named = os.environ.get("SPINEIMG_SHARED")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared"
    if not folder.is_dir():
        sys.exit("no real scans found; set SPINEIMG_SHARED to their folder")
    return folder


def main() -> None:
    times = benchmark_loading()
    print(
        f"loading {LARGEST_REAL_SERIES}: spineimg {times.spineimg_s:.3f} s, "
        f"SimpleITK {times.simpleitk_s:.3f} s (reader alone {times.simpleitk_known_files_s:.3f} s), "
        f"ratio {times.ratio:.2f}"
    )


if __name__ == "__main__":
    main()
