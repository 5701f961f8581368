"""Series and volumes: tables for people, JSON for programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.markup import escape
from rich.table import Table

from spineimg.cli.printing import console, print_caveats, print_json

if TYPE_CHECKING:
    from spineimg.core.volume import Volume
    from spineimg.dicom.scanning import Scan
    from spineimg.dicom.series import Series


def print_scan(found: Scan | Volume, *, json_wanted: bool) -> None:
    """The series, best first, with what each is and why it stands there; or one NIfTI image."""
    from spineimg.core.volume import Volume

    if isinstance(found, Volume):
        print_volume(found, None, json_wanted=json_wanted)
        return
    rows = [_series_row(series) for series in found.series]
    if json_wanted:
        skipped = [{"file": s.source.name, "code": s.code, "reason": s.reason} for s in found.skipped]
        caveats = [{"code": c.code, "message": c.message} for c in found.caveats]
        print_json({"series": rows, "skipped": skipped, "caveats": caveats, "files": found.files})
        return
    table = Table(title=f"{len(rows)} series in {found.files} files", title_justify="left")
    for name in ("", "modality", "description", "shape", "spacing mm", "verdict", "UID"):
        table.add_column(name, overflow="fold")
    for row in rows:
        mark = "pick" if row["rank"] == 1 and row["fit"] else str(row["rank"])
        shape = "x".join(str(n) for n in row["shape"])
        spacing = "-" if row["spacing_mm"] is None else " ".join(f"{x:.2f}" for x in row["spacing_mm"])
        verdict = row["reason"] if row["fit"] else f"[{row['code']}] {row['reason']}"
        table.add_row(mark, row["modality"], row["description"], shape, spacing, escape(verdict), row["uid"])
    console().print(table)
    for row in rows:
        for caveat in row["caveats"]:
            typer.echo(f"caveat[{caveat['code']}] series {row['rank']}: {caveat['message']}")
    print_caveats(found.caveats)


def print_volume(volume: Volume, out: Path | None, *, json_wanted: bool) -> None:
    """What was loaded and every repair."""
    origin = volume.origin
    spacing = [round(float(x), 4) for x in volume.grid.spacing_mm]
    if json_wanted:
        repairs = [{"code": r.code, "message": r.message} for r in origin.repairs]
        print_json(
            {
                "out": None if out is None else str(out),
                "modality": volume.modality.value,
                "series": origin.series_uid,
                "shape": list(volume.array.shape),
                "spacing_mm": spacing,
                "caveats": repairs,
            }
        )
        return
    target = f" > {out}" if out else ""
    typer.echo(f"{volume.modality.value} {list(volume.array.shape)} voxels of {spacing} mm{target}")
    print_caveats(origin.repairs)


def _series_row(series: Series) -> dict[str, Any]:
    return {
        "uid": series.uid,
        "rank": series.rank,
        "fit": series.fit,
        "code": series.code,
        "reason": series.reason,
        "modality": series.modality,
        "description": series.description,
        "study_date": series.study_date,
        "images": series.images,
        "shape": list(series.shape),
        "spacing_mm": None if series.spacing_mm is None else [round(x, 4) for x in series.spacing_mm],
        "kernel": series.kernel,
        "body_part": series.body_part,
        "caveats": [{"code": r.code, "message": r.message} for r in series.repairs],
    }
