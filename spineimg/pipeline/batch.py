"""A folder of studies to one table: in parallel, resumable, one failure never stops the rest."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

from spineimg.core.errors import SpineimgError
from spineimg.core.settings import Settings
from spineimg.pipeline.cluster import cluster
from spineimg.pipeline.planning import Failure, Study, failure_of, find_studies
from spineimg.pipeline.tables import BatchResult, write_tables

MEMORY_PER_WORKER_GB = 3.0
"""Peak of one analysis of a large scan, with room (scripts/benchmark_pipeline.py)."""


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """What a batch was asked to do."""

    path: Path
    out: Path
    workers: int | None = None
    retry: int = 0
    scheduler: str | None = None
    engine: str | None = None
    pain_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The studies of a batch: to do, done in an earlier run, and refused before any pixel is read."""

    request: BatchRequest
    settings: Settings
    studies: tuple[Study, ...]
    done: tuple[Study, ...]
    refused: tuple[Failure, ...]


def plan_batch(request: BatchRequest, settings: Settings) -> Plan:
    """Find the studies and leave out those whose case folder exists (a case exists whole or not at all)."""
    studies, refused = find_studies(request.path, settings)
    done = tuple(s for s in studies if case_of(request.out, s).exists())
    todo = tuple(s for s in studies if not case_of(request.out, s).exists())
    return Plan(request, settings, todo, done, refused)


def case_of(out: Path, study: Study) -> Path:
    """Case folder of a study."""
    return out / "cases" / study.id


def run_batch(plan: Plan, tick: Callable[[str], None]) -> BatchResult:
    """Analyse what is to do, then write the tables over all cases.

    Parameters
    ----------
    plan : Plan
        From `plan_batch`.
    tick : callable
        Told the id of each study as it ends.
    """
    out = plan.request.out
    (out / "cases").mkdir(parents=True, exist_ok=True)
    failures = list(plan.refused)
    try:
        for study, failure in _outcomes(plan):
            if failure is not None:
                failures.append(failure)
            tick(study.id)
    finally:
        # Also when interrupted: what is done is in the tables, and the next run goes on from there.
        result = write_tables(out, plan.request.path, (*plan.done, *plan.studies), failures, plan.settings)
    return result


def _outcomes(plan: Plan) -> Iterator[tuple[Study, Failure | None]]:
    waiting = dict.fromkeys(plan.studies, plan.request.retry + 1)
    while waiting:
        again: dict[Study, int] = {}
        for study, failure in _round(plan, tuple(waiting)):
            left = waiting[study] - 1
            if failure is not None and left > 0:
                again[study] = left
            else:
                yield study, failure
        waiting = again


def _round(plan: Plan, studies: tuple[Study, ...]) -> Iterator[tuple[Study, Failure | None]]:
    """Each study once. A worker that dies takes the pool with it: the rest then runs one process a study."""
    unfinished = set(studies)
    try:
        with _executor(plan.request) as pool:
            request = replace(plan.request, out=plan.request.out.resolve())
            futures = {
                # Absolute: a worker on another machine has another working folder.
                pool.submit(
                    _analyse_one, request, replace(study, path=study.path.resolve()), plan.settings
                ): study
                for study in studies
            }
            for future in as_completed(futures):
                outcome = _result(future, futures[future])
                unfinished.discard(futures[future])
                yield futures[future], outcome
    except BrokenProcessPool:
        for study in [s for s in studies if s in unfinished]:
            yield study, _alone(plan, study)


def _alone(plan: Plan, study: Study) -> Failure | None:
    try:
        with _executor(replace(plan.request, workers=1)) as pool:
            return _result(pool.submit(_analyse_one, plan.request, study, plan.settings), study)
    except BrokenProcessPool:
        return _worker_died(study)


def _worker_died(study: Study) -> Failure:
    path = str(study.path)
    return Failure(study.id, path, "worker-died", "the process was ended", "run with fewer --workers")


def _result(future: Future[Failure | None], study: Study) -> Failure | None:
    try:
        return future.result()
    except BrokenProcessPool:
        raise
    except Exception as error:  # noqa: BLE001 - one study must never stop the rest
        if type(error).__name__ == "KilledWorker":  # dask's word; it is not installed everywhere
            return _worker_died(study)
        return Failure(
            study.id, str(study.path), "bug", f"{type(error).__name__}: {error}", "please report it"
        )


def _executor(request: BatchRequest) -> AbstractContextManager[Executor]:
    if request.scheduler is not None:
        return cluster(request.scheduler)
    workers = request.workers or default_workers()
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_prepare_worker)


def default_workers() -> int:
    """As many processes as cores and memory allow."""
    import psutil

    by_memory = int(psutil.virtual_memory().available / 2**30 / MEMORY_PER_WORKER_GB)
    return max(1, min(len(os.sched_getaffinity(0)), by_memory))


def _prepare_worker() -> None:
    """One thread a worker: threads above the free cores make everything several times slower."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "SPINEIMG_THREADS"):
        os.environ[name] = "1"


def _analyse_one(request: BatchRequest, study: Study, settings: Settings) -> Failure | None:
    from spineimg.pipeline.analyse import analyse
    from spineimg.pipeline.request import Request

    wanted = Request(
        path=study.path, series_uid=study.series_uid, engine=request.engine, pain_file=request.pain_file
    )
    try:
        analyse(wanted, case_of(request.out, study), settings)
    except SpineimgError as error:
        return failure_of(study.id, study.path, error)
    except Exception as error:  # noqa: BLE001 - one study must never stop the rest
        where = traceback.extract_tb(error.__traceback__)[-1]
        message = f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
        return Failure(study.id, str(study.path), "bug", message, "please report it")
    return None
