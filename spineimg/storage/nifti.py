"""NIfTI in and out: the only place where RAS exists; inside everything is LPS."""

from __future__ import annotations

import hashlib
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spineimg.core.errors import InputRefused, UsageError
from spineimg.core.grid import Grid, Points
from spineimg.core.volume import Modality, Origin, Repair, Volume

RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""Its own inverse."""

MM_PER_UNIT = {"mm": 1.0, "unknown": 1.0, "meter": 1000.0, "micron": 0.001}

SAME_PLACE_MM = 0.1
"""Corners of two grids closer than this are one grid: NIfTI keeps affines in single precision."""

CT_AIR_BELOW = -500
CT_BONE_ABOVE = 200
CT_SOFT = (-150, 150)
CT_SOFT_FRACTION = 0.10
"""Unmistakably CT: air, bone, a tenth of all voxels soft tissue. MR phase images spread evenly (4 %)."""

INT16 = np.iinfo(np.int16)


def read_volume(path: Path, modality: Modality | None) -> Volume:
    """Read a NIfTI image.

    Parameters
    ----------
    path : Path
        ``.nii`` or ``.nii.gz`` with one three-dimensional image.
    modality : Modality or None
        What it is; None takes CT where the values leave no doubt (air, soft tissue, bone in HU).

    Returns
    -------
    Volume
        int16 HU for CT, int16 or float32 for MR, on an LPS grid.

    Raises
    ------
    UsageError
        ``modality-needed``: a NIfTI does not say what made it, and the values do not either.
    InputRefused
        ``no-such-path``, ``unreadable-file``, ``not-three-dimensional``, ``nifti-type-not-supported``,
        ``missing-geometry``, ``invalid-geometry``, ``values-implausible``.
    """
    image = _open(path)
    grid, repairs = _grid(image, path)
    values = _values(image, path)
    if modality is None:
        modality = _modality(values, path)
    calibrated = True
    if modality is Modality.CT:
        array = _as_int16(values)
        if array.min() >= 0:
            calibrated = False
            repairs.append(
                Repair("rescale-missing", "no value below 0: a CT without HU; nothing is claimed in HU")
            )
    else:
        array = values if values.dtype == np.int16 else _as_int16_or_float(values)
    digest = hashlib.sha256(np.ascontiguousarray(array.T).data)
    digest.update(grid.affine.tobytes())
    origin = Origin(
        path=str(path),
        rows=grid.shape[1],
        columns=grid.shape[0],
        slices=grid.shape[2],
        files=1,
        digest=digest.hexdigest(),
        repairs=tuple(repairs),
        calibrated=calibrated,
    )
    return Volume(array, grid, modality, origin)


def write_volume(volume: Volume, path: Path) -> None:
    """Write a volume with its grid; whole or not at all."""
    _write(volume.array, volume.grid, path)


def read_mask(path: Path) -> tuple[NDArray[np.uint8], Grid]:
    """Read a label image.

    Returns
    -------
    array : ndarray of uint8, (a, b, c)
    grid : Grid
        LPS.

    Raises
    ------
    InputRefused
        As `read_volume`; ``mask-not-labels`` where values are no whole numbers from 0 to 255.
    """
    image = _open(path)
    grid, _ = _grid(image, path)
    values = _values(image, path)
    if values.dtype == np.uint8:
        return values, grid
    labels = values.astype(np.uint8)
    if not np.array_equal(labels, values):
        raise InputRefused(
            "mask-not-labels",
            f"{path.name} holds values that are no labels (whole numbers from 0 to 255)",
            "give a label image",
            path,
        )
    return labels, grid


def write_mask(array: NDArray[np.uint8], grid: Grid, path: Path) -> None:
    """Write labels as uint8 with their grid; whole or not at all."""
    if array.dtype != np.uint8 or array.shape != grid.shape:
        raise ValueError(f"a mask is uint8 of shape {grid.shape}, not {array.dtype} {array.shape}")
    _write(array, grid, path)


def require_same_grid(mask_grid: Grid, volume_grid: Grid, path: Path) -> None:
    """Refuse a mask that does not lie on the voxels of the image.

    Raises
    ------
    InputRefused
        ``mask-grid-differs``, saying in what.
    """
    if mask_grid.same_place(volume_grid, SAME_PLACE_MM):
        return
    if mask_grid.shape != volume_grid.shape:
        what = f"{_times(mask_grid.shape)} voxels, the image has {_times(volume_grid.shape)}"
    else:
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in mask_grid.shape])).reshape(3, -1).T
        gap = np.linalg.norm(mask_grid.to_lps_mm(corners) - volume_grid.to_lps_mm(corners), axis=1).max()
        what = f"its corners lie up to {gap:.1f} mm from those of the image"
    raise InputRefused(
        "mask-grid-differs",
        f"{path.name} is on another grid: {what}",
        "give labels drawn on this very series, or resample them to it",
        path,
    )


def _times(shape: tuple[int, int, int]) -> str:
    return " x ".join(map(str, shape))


def _open(path: Path) -> Any:
    import nibabel
    from nibabel.filebasedimages import ImageFileError

    if not path.exists():
        raise UsageError("no-such-path", f"nothing at {path}", "check the path", path)
    try:
        image = nibabel.load(path)
    except (ImageFileError, OSError, EOFError, ValueError, zlib.error) as fault:
        raise InputRefused(
            "unreadable-file", f"{path.name} is no readable NIfTI", "export it again", path
        ) from fault
    if not isinstance(image, nibabel.Nifti1Image):
        raise InputRefused("unreadable-file", f"{path.name} is no NIfTI", "convert it to .nii.gz", path)
    return image


def _grid(image: Any, path: Path) -> tuple[Grid, list[Repair]]:
    """LPS grid from the sform, else the qform; both in mm."""
    shape = tuple(image.shape)
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != 3:
        raise InputRefused(
            "not-three-dimensional",
            f"{path.name} has {len(shape)} dimensions ({' x '.join(map(str, image.shape))})",
            "give one three-dimensional image per file",
            path,
        )
    sform, s_code = image.header.get_sform(coded=True)
    qform, q_code = image.header.get_qform(coded=True)
    if not s_code and not q_code:
        raise InputRefused(
            "missing-geometry",
            f"{path.name} has neither sform nor qform: sizes and sides are unknown",
            "export it with its orientation",
            path,
        )
    affine = np.array(sform if s_code else qform, dtype=np.float64)
    unit = image.header.get_xyzt_units()[0]
    affine[:3] *= MM_PER_UNIT[unit]
    try:
        grid = Grid(shape, RAS_FROM_LPS @ affine)
    except ValueError as fault:
        raise InputRefused(
            "invalid-geometry", f"the affine of {path.name} is singular", "export it again", path
        ) from fault
    repairs = []
    if s_code and q_code and not _agree(grid, RAS_FROM_LPS @ _scaled(qform, unit)):
        repairs.append(Repair("header-contradicts-geometry", "sform and qform differ; the sform is used"))
    return grid, repairs


def _scaled(affine: Points, unit: str) -> Points:
    scaled = np.array(affine, dtype=np.float64)
    scaled[:3] *= MM_PER_UNIT[unit]
    return scaled


def _agree(grid: Grid, affine: Points) -> bool:
    try:
        return grid.same_place(Grid(grid.shape, affine), 1.0)
    except ValueError:
        return False


def _values(image: Any, path: Path) -> NDArray[Any]:
    """Scaled values as the file has them, three-dimensional; refuse what is no number."""
    if image.get_data_dtype().kind not in "iuf":
        raise InputRefused(
            "nifti-type-not-supported",
            f"{path.name} holds {image.get_data_dtype()} values",
            "give one number per voxel",
            path,
        )
    try:
        values = np.asanyarray(image.dataobj)
    except (OSError, EOFError, ValueError, zlib.error) as fault:
        raise InputRefused(
            "truncated-pixels", f"{path.name} ends early", "copy or export it again", path
        ) from fault
    values = np.asarray(values.reshape(values.shape[:3], order="F"))
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise InputRefused(
            "values-implausible", f"{path.name} holds NaN or infinite values", "replace them", path
        )
    return values


def _modality(values: NDArray[Any], path: Path) -> Modality:
    low, high = CT_SOFT
    if values.min() <= CT_AIR_BELOW and values.max() >= CT_BONE_ABOVE:
        soft = np.count_nonzero((values >= low) & (values <= high)) / values.size
        if soft >= CT_SOFT_FRACTION:
            return Modality.CT
    raise UsageError(
        "modality-needed", f"{path.name} may be CT or MR", "say --modality CT or --modality MR", path
    )


def _as_int16(values: NDArray[Any]) -> NDArray[np.int16]:
    if values.dtype == np.int16:
        return values
    return np.asarray(np.clip(np.rint(values), INT16.min, INT16.max).astype(np.int16))


def _as_int16_or_float(values: NDArray[Any]) -> NDArray[Any]:
    """int16 where no value changes, else float32."""
    narrow = _as_int16(values)
    return narrow if np.array_equal(narrow, values) else values.astype(np.float32)


def _write(array: NDArray[Any], grid: Grid, path: Path) -> None:
    import nibabel

    affine = RAS_FROM_LPS @ grid.affine
    image: Any = nibabel.Nifti1Image(array, affine)  # type: ignore[no-untyped-call]
    axes = grid.affine[:3, :3] / grid.spacing_mm
    sheared = np.abs(axes.T @ axes - np.eye(3)).max() > 1e-4
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, code=1)
    image.set_qform(None if sheared else affine, code=0 if sheared else 1)  # a qform cannot hold a shear
    ending = ".nii.gz" if path.name.lower().endswith(".gz") else ".nii"
    part = path.with_name(f".{path.name}.{os.getpid()}{ending}")
    try:
        nibabel.save(image, part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
