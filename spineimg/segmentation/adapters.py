"""Label files of other tools and of readers, turned into the project's vocabulary."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spineimg.core.errors import InputRefused, UsageError
from spineimg.core.grid import Grid
from spineimg.core.labelmap import EngineId, LabelMap, Part
from spineimg.core.levels import Level

Bytes = NDArray[np.uint8]
CANAL = -1
"""In a table: voxels of the spinal canal or cord; they become part `Part.CANAL`, no vertebra."""
IGNORED = 0

_CERVICAL = [Level(f"C{n}") for n in range(1, 8)]
_THORACIC = [Level(f"T{n}") for n in range(1, 13)]
_LUMBAR = [Level(f"L{n}") for n in range(1, 6)]
_PRESACRAL = [*_CERVICAL, *_THORACIC, *_LUMBAR]


def _verse() -> dict[int, int]:
    """VerSe: the project's own ids (github.com/anjany/verse)."""
    return {level.verse_id: level.verse_id for level in Level}


def _totalsegmentator() -> dict[int, int]:
    """TotalSegmentator v2, task total: sacrum 25, S1 26, then L5 27 up to C1 50; 117 classes in all.

    Source: the class table of github.com/wasserth/TotalSegmentator.
    """
    table = dict.fromkeys(range(1, 118), IGNORED)
    table |= {25: Level.SACRUM.verse_id, 26: Level.S1.verse_id, 79: CANAL}
    table |= {27 + n: level.verse_id for n, level in enumerate(reversed(_PRESACRAL))}
    return table


def _spineps() -> dict[int, int]:
    """SPINEPS vertebra instances: VerSe ids; 100 + X is a disc, 200 + X an endplate.

    Source: the label table of github.com/Hendrik-code/spineps.
    """
    table = _verse()
    for above in (100, 200):
        table |= {above + number: IGNORED for number in _verse()}
    return table


def _totalspineseg() -> dict[int, int]:
    """TotalSpineSeg step 2: cord 1, canal 2, C 11-17, T 21-32, L 41-45, sacrum 50, discs 63-100.

    Source: the class list of github.com/neuropoly/totalspineseg.
    """
    table = {1: CANAL, 2: CANAL, 50: Level.SACRUM.verse_id}
    for first, levels in ((11, _CERVICAL), (21, _THORACIC), (41, _LUMBAR)):
        table |= {first + n: level.verse_id for n, level in enumerate(levels)}
    discs = (*range(63, 68), *range(71, 83), *range(91, 96), 100)
    return table | dict.fromkeys(discs, IGNORED)


_SNOMED = (
    ("14806007", "39976000", "113205007", "5329002", "36978003", "36054005", "87391001"),
    ("64864005", "53733008", "1626008", "73071006", "56401006", "45296009"),
    ("62487009", "11068009", "82687006", "7610001", "12989004", "23215003"),
    ("66794005", "14293000", "36470004", "11994002", "49668003"),
)
CODES: Mapping[str, Level] = {
    **dict(zip([code for row in _SNOMED for code in row], _PRESACRAL, strict=True)),
    "54735007": Level.SACRUM,
}
"""SNOMED CT codes of the vertebrae (DICOM context group 7603) and of the sacrum."""
_NAMED = re.compile(r"(?:^|[^A-Za-z0-9])([CTL])\s?(1?\d)(?:[^A-Za-z0-9]|$)")
DICOM_SEG = "dicom-seg"

KINDS: Mapping[str, Mapping[int, int]] = {
    "verse": _verse(),
    "totalsegmentator": _totalsegmentator(),
    "spineps": _spineps(),
    "totalspineseg": _totalspineseg(),
}
"""Per kind of file: its id to a VerSe id, `CANAL` or `IGNORED`; an id that is not listed is refused."""


def labels_from_file(path: Path, kind: str, grid: Grid) -> LabelMap:
    """Read a label file of another tool.

    Parameters
    ----------
    path : Path
        NIfTI mask; for ``totalsegmentator`` also its folder of one mask per structure; for ``dicom-seg``
        a DICOM segmentation.
    kind : str
        ``verse``, ``totalsegmentator``, ``spineps``, ``totalspineseg`` or ``dicom-seg``.
    grid : Grid
        Grid of the image; the file's axes may be permuted or flipped against it.

    Returns
    -------
    LabelMap
        With ``parts`` only where the file has a canal.

    Raises
    ------
    UsageError
        ``unknown-labels-kind``, ``no-such-path``.
    InputRefused
        ``unknown-label-id``, ``mask-grid-differs``, ``no-vertebra-in-labels``; of ``dicom-seg`` also
        ``not-a-segmentation``, ``labels-overlap``.
    """
    if kind not in (*KINDS, DICOM_SEG):
        known = ", ".join((*KINDS, DICOM_SEG))
        raise UsageError("unknown-labels-kind", f"labels kind {kind!r}", f"use one of {known}")
    if not path.exists():
        raise UsageError("no-such-path", f"no such file: {path}", "check the path", path)
    if kind == DICOM_SEG:
        return _from_segments(path, grid)
    raw = _folder(path, grid) if path.is_dir() else on_grid(*_read(path), grid, path)
    table = KINDS[kind]
    present = [int(i) for i in np.unique(raw) if i != 0]
    unknown = [i for i in present if i not in table]
    if unknown:
        raise InputRefused(
            "unknown-label-id",
            f"ids {', '.join(map(str, unknown))} are not in the {kind} table",
            "name the tool that wrote the file with --labels-kind",
            path,
        )
    lookup = np.zeros(256, dtype=np.uint8)
    for number, meaning in table.items():
        lookup[number] = max(0, meaning)
    array = lookup[raw]
    if not array.any():
        raise _no_vertebra(path)
    canal = np.isin(raw, [i for i in present if table[i] == CANAL])
    parts = np.where(canal, np.uint8(Part.CANAL), np.uint8(0)) if canal.any() else None
    return LabelMap(array=array, grid=grid, parts=parts, engine=EngineId(f"labels:{kind}", "file"))


def _no_vertebra(path: Path) -> InputRefused:
    """Refusal of a mask without any vertebra."""
    return InputRefused(
        "no-vertebra-in-labels", "the mask holds no vertebra", "check the file and --labels-kind", path
    )


def segment_level(label: str, code: tuple[str, str, str]) -> Level | None:
    """Level that a DICOM segment stands for, by its code, else by its name.

    Parameters
    ----------
    label : str
        SegmentLabel, such as "vertebrae_L1" or "T4 vertebra".
    code : tuple of str
        Value, scheme and meaning of the property type.
    """
    if code[0] in CODES:
        return CODES[code[0]]
    for words in (code[2], label):
        plain = words.replace("_", " ")
        names = {m.group(1) + m.group(2) for m in _NAMED.finditer(plain)}
        levels = {Level(n) for n in names if n in Level.__members__}
        if len(levels) == 1 and not re.search(r"\b(dis[ck]|rib|nerve|root|lesion)", plain, re.IGNORECASE):
            return levels.pop()
        if re.search(r"\bsacrum\b", plain, re.IGNORECASE):
            return Level.SACRUM
    return None


def _from_segments(path: Path, grid: Grid) -> LabelMap:
    """Vertebrae and sacrum of a DICOM segmentation; its other segments are left out."""
    from spineimg.dicom.segments import read_segments

    array = np.zeros(grid.shape, dtype=np.uint8)
    for segment in read_segments(path, grid):
        level = segment_level(segment.label, segment.code)
        if level is None:
            continue
        taken = array[segment.mask]
        if (taken > 0).any():
            other = Level.from_verse_id(int(taken.max()))
            raise InputRefused(
                "labels-overlap",
                f"segments {other} and {level} share {int((taken > 0).sum())} voxels",
                "export the segmentation without overlap",
                path,
            )
        array[segment.mask] = level.verse_id
    if not array.any():
        raise _no_vertebra(path)
    return LabelMap(array=array, grid=grid, engine=EngineId(f"labels:{DICOM_SEG}", "file"))


def on_grid(array: Bytes, source: Grid, target: Grid, where: Path) -> Bytes:
    """Permute and flip a mask's axes so that it lies on a target grid of the same voxels.

    Raises
    ------
    InputRefused
        ``mask-grid-differs`` when the voxels are not the same ones.
    """
    turn = np.linalg.inv(source.affine[:3, :3]) @ target.affine[:3, :3]
    axes = np.abs(turn).argmax(0)
    signed = np.rint(turn)
    if np.abs(turn - signed).max() < 0.02 and sorted(axes.tolist()) == [0, 1, 2]:
        moved = np.transpose(array, axes)
        flips = [n for n in range(3) if signed[axes[n], n] < 0]
        moved = np.flip(moved, tuple(flips))
        affine = source.affine.copy()
        start = np.zeros(3)
        for n in flips:
            start[axes[n]] = array.shape[axes[n]] - 1
        affine[:3, :3] = source.affine[:3, axes] * np.array([signed[axes[n], n] for n in range(3)])
        affine[:3, 3] = source.to_lps_mm(start)
        if moved.shape == target.shape and Grid(target.shape, affine).same_place(target, 0.5):
            return np.ascontiguousarray(moved)
    raise InputRefused(
        "mask-grid-differs",
        f"the mask lies on another grid than the image ({array.shape} against {target.shape})",
        "resample the mask to the image, nearest neighbour",
        where,
    )


def _read(path: Path) -> tuple[Bytes, Grid]:
    """Read one NIfTI mask."""
    from spineimg.storage.nifti import read_mask

    return read_mask(path)


def _folder(path: Path, grid: Grid) -> Bytes:
    """Join TotalSegmentator's folder of one binary mask per structure; other structures are left out."""
    numbers = {f"vertebrae_{level.value}": 27 + n for n, level in enumerate(reversed(_PRESACRAL))}
    numbers |= {"sacrum": 25, "vertebrae_S1": 26, "spinal_cord": 79}
    out = np.zeros(grid.shape, dtype=np.uint8)
    for name, number in numbers.items():
        file = path / f"{name}.nii.gz"
        if file.is_file():
            out[on_grid(*_read(file), grid, file) > 0] = number
    return out
