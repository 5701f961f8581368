"""Upper and lower endplate and posterior wall of a body, in its sagittal and coronal middle slab."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from spineimg.core.grid import Points
from spineimg.core.labelmap import LabelMap
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.core.volume import Volume
from spineimg.measurement.edge_line import EdgeLine, Look, find_edge_line
from spineimg.measurement.edges import PlatePrior
from spineimg.measurement.frame import Frame
from spineimg.measurement.outline import HALF
from spineimg.measurement.slab import HEIGHT_STEP_MM, ROW_STEP_MM, Extent, Slab, cut_slab, step_along

SAGITTAL, CORONAL = 1, 0
SIDES = ((1, 2), (-1, 2), (1, 1))
"""Outward sign and own axis of the upper endplate, the lower one and the posterior wall."""


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """How the three edges of a slab are looked for."""

    upper: Look
    lower: Look
    back: Look


@dataclass(frozen=True, slots=True, eq=False)
class Plates:
    """Edges of a body in one slab; ``back`` is the posterior wall (rows along the cranial axis.

    Sagittal only).
    """

    upper: EdgeLine | None
    lower: EdgeLine | None
    back: EdgeLine | None
    slab: Slab
    looks: Looks


@dataclass(frozen=True, slots=True, eq=False)
class BodyBox:
    """Extent of a body in its own frame, mm: width, depth and height ranges (left, posterior, cranial)."""

    width: tuple[float, float]
    depth: tuple[float, float]
    height: tuple[float, float]

    @classmethod
    def of(cls, own: Points) -> BodyBox:
        """From own points (n, 3); the outermost percent at each end is left out."""
        low, high = np.percentile(own, [1, 99], axis=0)
        return cls((low[0], high[0]), (low[1], high[1]), (low[2], high[2]))


def find_endplates(
    volume: Volume,
    labels: LabelMap,
    verse_id: int,
    frame: Frame,
    body: BodyBox,
    settings: MeasurementSettings,
) -> tuple[Plates, Plates]:
    """Edges in the mid-sagittal and the mid-coronal slab; None where the mask gives too little.

    Parameters
    ----------
    volume, labels : Volume, LabelMap
        Image and masks on one grid, ``labels.parts`` complete.
    verse_id : int
        Vertebra.
    frame : Frame
        Its own frame.
    body : BodyBox
        Extent of its body.
    settings : MeasurementSettings
        Slab width, search range, model of the edge.
    """
    margin = settings.edge_search_mm + 4.0
    half_width = HALF * settings.slab_width_share * (body.width[1] - body.width[0])
    half_depth = HALF * settings.slab_width_share * (body.depth[1] - body.depth[0])
    middle = HALF * (body.depth[0] + body.depth[1])
    height = (body.height[0] - margin, body.height[1] + margin)
    extents = (
        Extent(SAGITTAL, (body.depth[0] - 3.0, body.depth[1] + 3.0), (-half_width, half_width), height),
        Extent(
            CORONAL,
            (body.width[0] - 2.0, body.width[1] + 2.0),
            (middle - half_depth, middle + half_depth),
            height,
        ),
    )
    sagittal, coronal = (cut_slab(volume, labels, verse_id, frame, extent) for extent in extents)
    looks = Looks(
        *(Look(sign, step_along(volume.grid, frame.axes[axis]), volume.modality) for sign, axis in SIDES)
    )
    return find_plates(sagittal, looks, settings), find_plates(coronal, looks, settings)


def find_plates(slab: Slab, looks: Looks, settings: MeasurementSettings) -> Plates:
    """Edges in one slab; the posterior wall in a sagittal one only."""
    upper, lower = (find_edge_line(slab, look, settings) for look in (looks.upper, looks.lower))
    sagittal = slab.axis == SAGITTAL
    back = find_edge_line(_turned(slab), looks.back, settings) if sagittal else None
    return Plates(upper, lower, back, slab, looks)


def with_known_plate(plates: Plates, plate: PlatePrior, settings: MeasurementSettings) -> Plates:
    """Find the endplates again with what the whole scan says of the plate; the wall stays."""
    looks = replace(
        plates.looks,
        upper=replace(plates.looks.upper, plate=plate),
        lower=replace(plates.looks.lower, plate=plate),
    )
    upper, lower = (
        None if line is None else find_edge_line(plates.slab, look, settings)
        for line, look in ((plates.upper, looks.upper), (plates.lower, looks.lower))
    )
    return replace(plates, upper=upper, lower=lower, looks=looks)


def scan_plate(plates: Sequence[Plates], settings: MeasurementSettings) -> PlatePrior | None:
    """Typical plate and blur of a scan, from all endplates that were found on it; None where too few were."""
    least = 4
    lines = [line for p in plates for line in (p.upper, p.lower) if line is not None and line.plate > 0.0]
    if len(lines) < least:
        return None
    height = float(np.median([line.plate for line in lines]))
    kernel = float(np.median([line.seen.kernel_mm for line in lines if line.seen is not None]))
    return PlatePrior(height, settings.plate_spread * height, kernel)


def _turned(slab: Slab) -> Slab:
    """The same slab with rows along the cranial axis, so that its posterior edge can be found."""
    columns = np.arange(slab.along_mm[0], slab.along_mm[-1] + 1e-6, HEIGHT_STEP_MM)
    at = np.meshgrid(
        np.arange(0, len(slab.height_mm), int(ROW_STEP_MM / HEIGHT_STEP_MM)),
        (columns - slab.along_mm[0]) / ROW_STEP_MM,
        indexing="ij",
    )
    body, other = (
        ndimage.map_coordinates(mask.T, at, order=1, mode="nearest") for mask in (slab.body, slab.other)
    )
    rows = slab.height_mm[:: int(ROW_STEP_MM / HEIGHT_STEP_MM)]
    return Slab(
        slab.axis, rows, columns, body, other, slab.voxel_height_mm, slab.voxel_along_mm, slab.voxel_value
    )
