"""A batch on a Dask scheduler: against a real one where dask is installed, its faults everywhere."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from spineimg.core.errors import EnvironmentFault
from spineimg.core.settings import Settings
from spineimg.pipeline.batch import BatchRequest, plan_batch, run_batch
from spineimg.pipeline.cluster import cluster


def two_broken_scans(folder: Path) -> Path:
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
        (folder / name / "image.nii.gz").write_bytes(b"")
    return folder


def test_a_batch_runs_on_a_real_scheduler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = pytest.importorskip(
        "distributed", reason="dask is not installed; pip install 'spineimg[cluster]'"
    )
    two_broken_scans(tmp_path / "scans")
    monkeypatch.chdir(tmp_path)
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as local:
        request = BatchRequest(Path("scans"), Path("out"), scheduler=local.scheduler_address)
        result = run_batch(plan_batch(request, Settings()), lambda _: None)
    assert [failure.code for failure in result.failures] == ["unreadable-file"] * 2
    rows = list(csv.DictReader((tmp_path / "out/failures.csv").read_text().splitlines()))
    # The worker was given whole paths: its working folder need not be ours.
    assert {row["path"] for row in rows} == {str(path) for path in tmp_path.glob("scans/*/image.nii.gz")}


class Fake:
    """A client that fails where it is told to, and remembers that it was closed."""

    closed = 0

    def __init__(self, address: str, timeout: float) -> None:
        if address == "nobody":
            raise OSError(f"timed out after {timeout} s")

    def wait_for_workers(self, n_workers: int, timeout: float) -> None:
        raise TimeoutError(f"only 0 of {n_workers} workers after {timeout} s")

    def close(self) -> None:
        Fake.closed += 1


@pytest.mark.parametrize(
    ("module", "address", "code", "word"),
    [
        (None, "nobody", "extra-missing", "not installed"),
        (SimpleNamespace(Client=Fake), "nobody", "scheduler-unreachable", "answers"),
        (SimpleNamespace(Client=Fake), "idle", "scheduler-unreachable", "no worker"),
    ],
)
def test_a_missing_scheduler_is_said_and_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, module: Any, address: str, code: str, word: str
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", module)
    closed = Fake.closed
    with pytest.raises(EnvironmentFault) as fault, cluster(address):
        pass
    assert fault.value.code == code and word in str(fault.value)
    assert Fake.closed - closed == (1 if address == "idle" else 0)
