"""The tables of a batch: one row a level, one row a failure."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from spineimg import __version__
from spineimg.core.case import Case
from spineimg.core.errors import SpineimgError
from spineimg.core.levels import Level
from spineimg.core.scores import COMPONENTS
from spineimg.core.settings import Settings
from spineimg.pipeline.planning import Failure, Study
from spineimg.storage.casefolder import read_case

LEVEL_COLUMNS = (
    "id",
    "level",
    *COMPONENTS,
    "total_low",
    "total_high",
    "band",
    "height_loss_percent",
    "loss_low",
    "loss_high",
    "lesion_volume_ml",
    "name_confidence",
    "caveats",
)


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What a batch left behind."""

    analysed: int
    levels: int
    failures: tuple[Failure, ...]


def level_rows(name: str, case: Case) -> list[dict[str, Any]]:
    """Rows of a case: every vertebra measured; components are empty where no lesion was found."""
    rows = []
    scored = {score.level for score in case.scores.levels}
    for level in sorted({v.level for v in case.measurements.vertebrae} | scored):
        rows.append(
            {"id": name, "level": level.value, **_score_cells(case, level), **_vertebra_cells(case, level)}
        )
    return rows


def _score_cells(case: Case, level: Level) -> dict[str, Any]:
    score = case.scores.of(level)
    if score is None:
        return {}
    cells: dict[str, Any] = {n: "|".join(str(p) for p in c.possible) for n, c in score.components.items()}
    return cells | {
        "total_low": score.total.low,
        "total_high": score.total.high,
        "band": "|".join(score.band),
    }


def _vertebra_cells(case: Case, level: Level) -> dict[str, Any]:
    vertebra = case.measurements.vertebra(level)
    codes = {c.code for c in case.record.caveats if not c.levels or level in c.levels}
    cells: dict[str, Any] = {"caveats": "|".join(sorted(codes))}
    if vertebra is None:
        return cells
    loss = vertebra.height_loss_percent
    if loss is not None:
        cells |= {
            "height_loss_percent": _short(loss.value),
            "loss_low": _short(loss.low),
            "loss_high": _short(loss.high),
        }
    if vertebra.name_confidence is not None:
        cells["name_confidence"] = _short(vertebra.name_confidence)
    volumes = [lesion.volume_ml.value for lesion in case.measurements.lesions if lesion.level is level]
    return cells | {"lesion_volume_ml": _short(sum(volumes))} if volumes else cells


def _short(number: float) -> str:
    return f"{number:.4g}"


def write_tables(
    out: Path, path: Path, studies: Sequence[Study], failures: Iterable[Failure], settings: Settings
) -> BatchResult:
    """Write ``levels.csv``, ``failures.csv`` and ``batch.json`` over all cases that exist."""
    rows: list[dict[str, Any]] = []
    missing = list(failures)
    analysed = 0
    for study in studies:
        folder = out / "cases" / study.id
        if not folder.exists():
            continue
        try:
            rows += level_rows(study.id, read_case(folder))
            analysed += 1
        except SpineimgError as error:
            missing.append(Failure(study.id, str(study.path), error.code, error.message, error.remedy))
    replace_file(out / "levels.csv", _csv(LEVEL_COLUMNS, rows))
    replace_file(out / "failures.csv", _csv([f.name for f in fields(Failure)], [asdict(f) for f in missing]))
    summary = {
        "schema": "spineimg/batch/1",
        "spineimg_version": __version__,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "path": str(path),
        "settings_digest": settings.digest(),
        "studies": len(studies),
        "analysed": analysed,
        "failed": len(missing),
        "levels": len(rows),
    }
    replace_file(out / "batch.json", json.dumps(summary, indent=2) + "\n")
    return BatchResult(analysed, len(rows), tuple(missing))


def _csv(columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def replace_file(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
