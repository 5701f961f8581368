"""A batch: its plan, its progress, its result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from spineimg.cli.printing import print_json

if TYPE_CHECKING:
    from spineimg.pipeline.batch import Plan
    from spineimg.pipeline.tables import BatchResult


@contextmanager
def batch_display(count: int) -> Iterator[Callable[[str], None]]:
    """Progress bar over the studies of a batch."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("studies", total=count)
        yield lambda message: progress.update(task, advance=1, description=message)


def print_plan(plan: Plan, *, json_wanted: bool) -> None:
    """What a batch would do."""
    if json_wanted:
        todo = [{"id": s.id, "path": str(s.path), "series": s.series_uid} for s in plan.studies]
        refused = [{"id": f.id, "path": f.path, "code": f.code, "message": f.message} for f in plan.refused]
        print_json({"to_do": todo, "done": [s.id for s in plan.done], "refused": refused})
        return
    for study in plan.studies:
        typer.echo(f"to do    {study.id}  {study.path}  {study.description}")
    for study in plan.done:
        typer.echo(f"done     {study.id}  {study.path}")
    for failure in plan.refused:
        typer.echo(f"refused  {failure.id}  {failure.path}  [{failure.code}] {failure.message}")
    typer.echo(f"{len(plan.studies)} to do, {len(plan.done)} done, {len(plan.refused)} refused")


def print_batch(result: BatchResult, out: Path, *, json_wanted: bool) -> None:
    """Counts, and each failure in one line."""
    if json_wanted:
        failures = [
            {"id": f.id, "path": f.path, "code": f.code, "message": f.message} for f in result.failures
        ]
        print_json(
            {"out": str(out), "analysed": result.analysed, "levels": result.levels, "failures": failures}
        )
        return
    for failure in result.failures:
        typer.echo(f"failed  {failure.id}  [{failure.code}] {failure.message}; {failure.remedy}")
    counts = f"{result.analysed} analysed, {len(result.failures)} failed, {result.levels} levels"
    typer.echo(f"{counts}: {out / 'levels.csv'}")
