"""From a specification to a scan with labels: everything evaluated where the voxels lie."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spineimg.core.grid import Grid, Points
from spineimg.core.labelmap import EngineId, LabelMap, Part
from spineimg.core.levels import Level
from spineimg.core.volume import Modality, Origin, Volume
from spineimg.phantom.canvas import Canvas
from spineimg.phantom.column import Stand, column
from spineimg.phantom.drawing import OTHER_BONE, draw_other_bones, draw_vertebrae
from spineimg.phantom.implants import METAL_HU, metal_share, paint_cement, streaks
from spineimg.phantom.painting import paint_bone, paint_canal, paint_discs, paint_soft
from spineimg.phantom.place import scan_grid, scan_pose, subdivided
from spineimg.phantom.profile import make_profile
from spineimg.phantom.scanner import scanned
from spineimg.phantom.shapes import Field
from spineimg.phantom.skeleton import OTHER, RIB
from spineimg.phantom.spec import PhantomSpec
from spineimg.phantom.truth import Scene, truth_records

SOFT, SACRUM_TISSUE = 1, 5
"""Tissue ids."""
_HALF_OF_255 = 127


@dataclass(frozen=True, eq=False)
class Phantom:
    """A scan with its labels; ``tissue``: 0 outside, 1 soft, 2 rib, 3 disc, 4 other bone, 5 sacrum."""

    spec: PhantomSpec
    volume: Volume
    labels: LabelMap
    tissue: NDArray[np.uint8]
    pose: Points
    """Patient frame to LPS of the scanner, (4, 4)."""
    stands: dict[Level, Stand] = field(repr=False)

    @functools.cached_property
    def truth(self) -> dict[str, Any]:
        """Exact records (truth.json), from the construction, not from the voxels."""
        return truth_records(Scene(self.spec, self.volume.grid, self.pose, self.stands))


def make_phantom(spec: PhantomSpec) -> Phantom:
    """Draw one scan.

    Parameters
    ----------
    spec : PhantomSpec
        Patient, disease and scan; the same specification gives the same bytes.

    Returns
    -------
    Phantom
        CT volume (int16 HU, array axes as the grid's), labels with parts, lesions and lesion types.
    """
    stands = column(spec)
    pose = scan_pose(spec, stands)
    grid = spec.grid if spec.grid is not None else scan_grid(spec, stands, pose)
    fine, counts = subdivided(grid)
    to_patient = np.linalg.inv(pose) @ fine.affine
    profile = make_profile(stands, spec.patient.girth * spec.patient.size, spec.patient.fat_mm)

    canvas = Canvas(fine)
    draw_vertebrae(canvas, spec, stands, to_patient)
    draw_other_bones(canvas, spec, stands, to_patient, profile)
    hu, tissue = paint_soft(spec, stands, to_patient, fine, profile)
    canal = paint_canal(hu, stands, to_patient, fine)
    paint_discs(hu, tissue, stands, to_patient, fine)
    bone = paint_bone(hu, canvas, spec)
    paint_cement(hu, spec, stands, to_patient)
    if spec.screws:
        metal = metal_share(spec, stands, to_patient, fine)
        if spec.scan.contrast == "CT":
            hu += streaks(metal, fine, spec.patient.seed)
        hu += metal * (np.float32(METAL_HU) - hu)
    array = scanned(hu, fine, grid, counts, spec.scan)
    labels, tissue = _labels(Masks(canvas, bone, canal, tissue), counts, grid)
    modality = Modality.CT if spec.scan.contrast == "CT" else Modality.MR
    volume = Volume(array, grid, modality, Origin(path=f"phantom-{spec.patient.seed}-{spec.scan.seed}"))
    return Phantom(spec, volume, labels, tissue, pose, stands)


class Masks(NamedTuple):
    """What was drawn, on the fine grid."""

    canvas: Canvas
    bone: Field
    canal: NDArray[np.bool_]
    tissue: NDArray[np.uint8]


def _labels(masks: Masks, counts: tuple[int, int, int], grid: Grid) -> tuple[LabelMap, NDArray[np.uint8]]:
    """Labels at the middle of each voxel."""
    canvas, bone, canal, tissue = masks
    middle = tuple(slice(n // 2, None, n) for n in counts)
    solid = bone[middle] < 0
    owner = np.where(solid, canvas.owner[middle], 0).astype(np.uint8)
    array = np.where(owner < OTHER_BONE, owner, 0).astype(np.uint8)
    hollow = np.where(canal[middle] & (owner == 0), np.uint8(Part.CANAL), np.uint8(0))
    parts = np.where(array > 0, canvas.part[middle], hollow)
    lesions = np.where(canvas.lesion_share[middle] > _HALF_OF_255, canvas.lesion[middle], 0).astype(np.uint8)
    kinds = np.where(lesions > 0, canvas.lesion_kind[middle], 0).astype(np.uint8)
    tissues = tissue[middle].copy()
    for mark in (RIB, OTHER):
        tissues[owner == OTHER_BONE + mark] = mark
    tissues[(array > 0) & (array < Level.SACRUM.verse_id)] = SOFT
    tissues[array == Level.SACRUM.verse_id] = SACRUM_TISSUE
    engine = EngineId("phantom", "1")
    return LabelMap(array, grid, parts, lesions, kinds, engine=engine), tissues
