"""Write the folder of a trial beside its place, then rename it: it is there whole or not at all."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spineimg.core.errors import EnvironmentFault, UsageError
from spineimg.core.settings import Settings
from spineimg.trial.dictionary import LEVEL_COLUMNS, STEP_COLUMNS, Column, dictionary
from spineimg.trial.frames import Frame
from spineimg.trial.libraries import library
from spineimg.trial.records import SCHEMA, TrialRecord
from spineimg.trial.redcap import redcap_dictionary, redcap_import
from spineimg.trial.report import trial_html

if TYPE_CHECKING:
    from spineimg.trial.run import Trial


def refuse_existing(out: Path) -> None:
    """Refuse a folder that is there.

    Raises
    ------
    UsageError
        ``out-exists``.
    """
    if out.exists():
        raise UsageError("out-exists", f"{out} exists", "name a folder that does not exist", out)


def trial_json(record: TrialRecord) -> str:
    """Text of ``trial.json``: ``schema`` first, then the fields in the order of the contract.

    Raises
    ------
    ValueError
        When a number is NaN or infinite.
    """
    content = {"schema": SCHEMA, **_plain(record)}
    return json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def write_trial(trial: Trial, out: Path, settings: Settings) -> None:
    """Write every file of a trial.

    Raises
    ------
    EnvironmentFault
        ``cannot-write`` when the disk or the rights refuse.
    """
    levels, steps, agreement = trial.frames
    results = (*trial.results.frames, agreement)
    tables = (levels, steps, *results, dictionary(results), redcap_dictionary(), redcap_import(levels))
    with _in_place_of(out) as folder:
        (folder / "trial.json").write_text(trial_json(trial.record), encoding="utf-8")
        for table in tables:
            (folder / table.name).write_text(table.csv(), encoding="utf-8")
        for table, columns in ((levels, LEVEL_COLUMNS), (steps, STEP_COLUMNS)):
            _write_parquet(table, columns, folder / table.name.replace(".csv", ".parquet"))
        (folder / "report.html").write_text(trial_html(trial, settings), encoding="utf-8")


@contextmanager
def _in_place_of(out: Path) -> Iterator[Path]:
    """A temporary sibling that takes the name at the end, or is removed."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        raise EnvironmentFault(
            "cannot-write", f"{out.parent}: {error}", "choose another folder", out
        ) from error
    try:
        yield draft
        draft.chmod(0o755)
        refuse_existing(out)
        os.rename(draft, out)
    except OSError as error:
        raise EnvironmentFault(
            "cannot-write", f"{out}: {error}", "free space or choose another folder", out
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _write_parquet(table: Frame, columns: tuple[Column, ...], path: Path) -> None:
    arrow, parquet = library("pyarrow"), library("pyarrow.parquet")
    kinds = {"integer": arrow.int64(), "number": arrow.float64()}
    fields = {
        c.name: arrow.array(
            [_cell(row.get(c.name)) for row in table.rows], type=kinds.get(c.kind, arrow.string())
        )
        for c in columns
    }
    parquet.write_table(arrow.table(fields), path)


def _cell(value: Any) -> Any:
    """A value of a column; a number that is none is empty."""
    return None if isinstance(value, float) and value != value else value


def _plain(value: Any) -> Any:
    """Dataclasses, tuples and enums as JSON has them."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value
