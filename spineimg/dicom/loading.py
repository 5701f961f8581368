"""Scan, choose, decode: from a path to a `Volume`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from spineimg.core.errors import InputRefused, UsageError
from spineimg.core.settings.reading import ReadingSettings
from spineimg.core.volume import Modality, Origin, Volume
from spineimg.dicom.pixels import read_pixels
from spineimg.dicom.plane import frame_per_image
from spineimg.dicom.scanning import Scan, scan_path
from spineimg.dicom.series import Series


def load_one(path: Path, settings: ReadingSettings, series_uid: str | None = None) -> Volume:
    """Read the best series for a spine analysis, or the one named.

    Parameters
    ----------
    path : Path
        Folder of any depth, file or zip.
    settings : ReadingSettings
        Tolerances.
    series_uid : str, optional
        SeriesInstanceUID, or `Series.uid` where one UID holds several volumes.

    Raises
    ------
    InputRefused
        The reason why no honest volume can be had (docs/errors.md); ``mixed-patients`` and ``mixed-studies``
        when nobody said which.
    UsageError
        ``no-such-series``.
    """
    found = scan_path(path, settings)
    return read_series(found, choose(found, series_uid), settings)


def load_every(path: Path, settings: ReadingSettings) -> tuple[Volume, ...]:
    """Read every volume under a path, best first.

    Raises
    ------
    InputRefused
        When not one can be had, or ``mixed-patients``.
    """
    found = scan_path(path, settings)
    _require_one_patient(found.series, path)
    fit = [series for series in found.series if series.fit]
    if not fit:
        raise _why_none(found.series)
    volumes: list[Volume] = []
    refusals: list[InputRefused] = []
    for series in fit:
        try:
            volumes.append(read_series(found, series, settings))
        except InputRefused as refusal:
            refusals.append(refusal)
    if not volumes:
        raise refusals[0]
    return tuple(volumes)


def choose(found: Scan, series_uid: str | None = None) -> Series:
    """Pick the named series, or the best one of one patient and one study.

    Raises
    ------
    InputRefused
        As `load_one`.
    UsageError
        ``no-such-series``.
    """
    if series_uid is None:
        candidates = list(found.series)
    else:
        candidates = [s for s in found.series if series_uid in (s.uid, s.series_uid)]
        if not candidates:
            raise UsageError(
                "no-such-series",
                f"no series {series_uid} under {found.path}",
                "spineimg inspect lists the series",
                found.path,
            )
    _require_one_patient(candidates, found.path)
    fit = [series for series in candidates if series.fit]
    if not fit:
        raise _why_none(candidates)
    _require_one_study(fit, found.path)
    return fit[0]


def read_series(found: Scan, series: Series, settings: ReadingSettings) -> Volume:
    """Decode one fit series of a scan.

    Raises
    ------
    InputRefused
        As `read_pixels`; the series' own refusal when it is not fit.
    """
    if series.stack is None or series.first is None:
        raise series.refusal or _why_none([series])
    array, repairs, calibrated = read_pixels(series.stack, settings)
    grid = series.stack.grid
    digest = hashlib.sha256(array.T.data)
    digest.update(grid.affine.tobytes())
    origin = Origin(
        path=str(found.path),
        series_uid=series.series_uid,
        study_uid=series.study_uid,
        frame_of_reference_uid=""
        if frame_per_image(series.stack.slices)
        else series.first.frame_of_reference,
        patient_id=series.patient.identifier or None,
        patient_id_issuer=series.patient.issuer or None,
        study_date=series.study_date,
        description=series.description,
        rows=grid.shape[1],
        columns=grid.shape[0],
        slices=grid.shape[2],
        files=series.files,
        digest=digest.hexdigest(),
        repairs=(*found.caveats, *series.repairs, *repairs),
        calibrated=calibrated,
    )
    return Volume(array, grid, Modality(series.modality), origin)


def _why_none(series: Sequence[Series]) -> InputRefused:
    """The refusal of the series most likely meant: CT or MR with the most images."""
    likely = max(series, key=lambda s: (s.modality in ("CT", "MR"), s.code != "localizer-only", s.images))
    refusal = likely.refusal
    if refusal is None:
        raise AssertionError("an unfit series without refusal")
    return refusal


def _require_one_patient(series: Sequence[Series], path: Path) -> None:
    best = _best_of({s.patient.key: s for s in reversed(series) if s.patient.key != ("", "")}.values())
    if len(best) > 1:
        raise InputRefused(
            "mixed-patients",
            f"images of {len(best)} patients under {path}",
            f"choose one with --series UID: {_listed(best)}",
            path,
        )


def _require_one_study(fit: Sequence[Series], path: Path) -> None:
    best = _best_of({s.study_uid: s for s in reversed(fit)}.values())
    if len(best) > 1:
        dates = sorted({s.study_date or "unknown date" for s in best})
        raise InputRefused(
            "mixed-studies",
            f"{len(best)} studies ({', '.join(dates[:4])}) under {path}",
            f"choose one with --series UID: {_listed(best)}",
            path,
        )


def _best_of(series: object) -> list[Series]:
    return sorted(series, key=lambda s: s.rank)  # type: ignore[call-overload,no-any-return]


def _listed(series: Sequence[Series]) -> str:
    return ", ".join(s.uid for s in series[:4]) + (" ..." if len(series) > 4 else "")
