"""Workers beyond this machine: a Dask scheduler as an executor."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from spineimg.core.errors import EnvironmentFault

_WAIT_S = 30


@contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """Executor on the workers of a scheduler (``tcp://host:port``).

    Every worker needs this package in the same version and sees the same paths.

    Raises
    ------
    EnvironmentFault
        ``extra-missing`` without dask; ``scheduler-unreachable`` when nobody answers, or no worker comes.
    """
    client = _client(address)
    try:
        with client.get_executor() as pool:
            yield pool
    finally:
        client.close()


def _client(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        raise EnvironmentFault(
            "extra-missing", "dask is not installed", "pip install 'spineimg[cluster]'"
        ) from None
    try:
        client = Client(address, timeout=_WAIT_S)
    except OSError as error:
        raise EnvironmentFault(
            "scheduler-unreachable", f"no Dask scheduler answers at {address}", "check --scheduler"
        ) from error
    try:
        client.wait_for_workers(1, timeout=_WAIT_S)
    except OSError as error:
        client.close()
        raise EnvironmentFault(
            "scheduler-unreachable",
            f"the Dask scheduler at {address} has no worker",
            f"start some: dask worker {address} --nthreads 1",
        ) from error
    return client
