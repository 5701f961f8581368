"""How fast the pipeline is, measured against other programs where there are any.

``python scripts/benchmark_pipeline.py`` prints the figures that README quotes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
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


def benchmark_analysis(folder: Path | None = None) -> dict[str, float]:
    """Analyse the largest real series by the command line, in its own process; seconds and peak MB."""
    series = folder or shared_folder() / LARGEST_REAL_SERIES
    with tempfile.TemporaryDirectory() as scratch:
        case = Path(scratch) / "case"
        start = time.perf_counter()
        subprocess.run(
            [command(), "analyse", str(series), "--out", str(case)], check=True, capture_output=True
        )
        seconds = time.perf_counter() - start
        record = json.loads((case / "case.json").read_text())
    return {"total_s": seconds, "peak_memory_mb": record["peak_memory_mb"], **record["timings_s"]}


def benchmark_help() -> float:
    """Seconds of ``spineimg --help``, the median of several processes."""

    def call() -> float:
        subprocess.run([command(), "--help"], check=True, capture_output=True)
        return 0.0

    return median(timed(call)[0] for _ in range(REPEATS))


def command() -> str:
    """The installed command of this interpreter's environment."""
    return str(Path(sys.executable).with_name("spineimg"))


def main() -> None:
    times = benchmark_loading()
    print(f"machine: {os.cpu_count()} cores, load before the run {os.getloadavg()[0]:.1f}")
    print(
        f"loading {LARGEST_REAL_SERIES}: spineimg {times.spineimg_s:.3f} s, "
        f"SimpleITK {times.simpleitk_s:.3f} s (reader alone {times.simpleitk_known_files_s:.3f} s), "
        f"ratio {times.ratio:.2f}"
    )
    analysis = benchmark_analysis()
    stages = ", ".join(
        f"{name} {value:.1f}" for name, value in analysis.items() if not name.startswith(("total", "peak"))
    )
    print(
        f"analysis: {analysis['total_s']:.1f} s in all ({stages}), peak {analysis['peak_memory_mb']:.0f} MB"
    )
    print(f"spineimg --help: {benchmark_help():.2f} s")


if __name__ == "__main__":
    main()
