"""What each lesion measures: volume.

Quality, share of the body, contact, cortex and what it may be instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.core.estimate import Estimate
from spineimg.core.grid import Points
from spineimg.core.labelmap import LabelMap, LesionType, Part
from spineimg.core.levels import Level
from spineimg.core.measurements import LesionMeasurement, Quality, StructureShares
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.core.volume import Modality, Volume
from spineimg.measurement.body import Body
from spineimg.measurement.cortex import broken_cortex
from spineimg.measurement.density import Core, Healthy
from spineimg.measurement.lookalikes import LIKELY, MOSTLY, Look, Verdict, look_alike
from spineimg.measurement.marrow import like_own_marrow
from spineimg.measurement.posterolateral import ShareDoubt, structure_shares
from spineimg.measurement.sacrum import sacral_levels

Wall = Literal["posterior_wall", "upper_endplate", "lower_endplate"]
QUALITIES: tuple[Quality, Quality, Quality] = ("lytic", "mixed", "blastic")
WHOLE = 100.0
MIXED = (0.1, 0.9)
"""Between these shares a lesion may hold both kinds; beyond them the other one is its rim."""
ROUGHNESS = 1.3
"""Surface of a lesion against that of a ball of its volume."""
DEEPEST = 0.4
"""Share of a lesion, furthest from its border, by which it is told whether it has one kind or two: at its
border it blends with cortex, healthy bone and soft tissue."""
PURE = 0.05
"""Less of one kind than this in there is noise."""


@dataclass(frozen=True, slots=True, eq=False)
class Patient:
    """Everything the lesions are measured against."""

    volume: Volume
    labels: LabelMap
    bodies: Mapping[Level, Body]
    cores: Mapping[Level, Core]
    healthy: Mapping[Level, Healthy]
    body_ml: Mapping[Level, float]
    """Expected body volume (measured where nothing is lost)."""

    @property
    def typed(self) -> bool:
        """Whether densities mean something: calibrated CT."""
        return self.volume.modality is Modality.CT and self.volume.origin.calibrated


def measure_lesions(patient: Patient, settings: MeasurementSettings) -> tuple[LesionMeasurement, ...]:
    """All lesions of the label map that lie at a vertebra, by their ids."""
    lesions = patient.labels.lesions
    if lesions is None:
        return ()
    found = []
    for number, box in enumerate(ndimage.find_objects(lesions), 1):
        if box is None:
            continue
        level = _level_of(lesions[box] == number, patient.labels.array[box])
        if level is Level.SACRUM and Level.S1 in patient.bodies:
            level = Level.S1
        if level is not None and level in patient.bodies:
            found.append(_measure(number, box, level, patient, settings))
    return tuple(found)


def _level_of(lesion: NDArray[np.bool_], array: NDArray[np.uint8]) -> Level | None:
    """The vertebra that most of a lesion lies in; the nearest in its box where it lies outside bone."""
    counts = np.bincount(array[lesion], minlength=2)[1:]
    if not counts.any():
        counts = np.bincount(array.ravel(), minlength=2)[1:]
    return Level.from_verse_id(int(counts.argmax()) + 1) if counts.any() else None


def _measure(
    number: int,
    box: tuple[slice, ...],
    level: Level,
    patient: Patient,
    settings: MeasurementSettings,
) -> LesionMeasurement:
    body = patient.bodies[level]
    labels, grid = patient.labels, patient.labels.grid
    lesions, parts = labels.lesions, labels.parts
    if lesions is None or parts is None:
        raise ValueError("labels must have parts and lesions")
    index = np.argwhere(lesions[box] == number) + np.array([s.start for s in box])
    where = (index[:, 0], index[:, 1], index[:, 2])
    own_part = np.where(labels.array[where] == level.verse_id, parts[where], 0)
    own_mm = body.frame.to_own_mm(grid.to_lps_mm(index.astype(np.float64)))
    volume_ml = len(index) * grid.voxel_ml
    lytic = _lytic_percent(number, index, level, patient, settings)
    in_body = float((own_part == Part.BODY).mean())
    piece_parts, piece_lesion = _in_piece(number, body, labels)
    shares = StructureShares()
    broken: tuple[str, ...] = ()
    if level.is_vertebra:
        shares = structure_shares(level, piece_parts, piece_lesion, _share_doubt(labels, settings), settings)
    if patient.typed:
        face = float(grid.voxel_ml * 1000.0) ** (2.0 / 3.0)
        image = patient.volume.array[body.piece.box]
        canal = np.where(parts[body.piece.box] == Part.CANAL, np.uint8(Part.CANAL), piece_parts)
        broken = broken_cortex(level, canal, piece_lesion, image, face, settings)
    hu = patient.volume.array[where].astype(np.float64)
    look = Look(own_mm, hu, volume_ml, 0.0 if lytic is None else lytic.value / WHOLE, in_body)
    status, name = _verdict(look, level, patient, settings)
    lps = grid.to_lps_mm(index.astype(np.float64)).mean(axis=0)
    return LesionMeasurement(
        id=number,
        level=level,
        status=status,
        look_alike=name,
        quality=_quality(lytic, settings),
        volume_ml=_volume(volume_ml, labels, settings),
        lytic_percent=lytic,
        body_percent=_body_percent(volume_ml * in_body, level, patient, settings),
        structures_percent=shares,
        cortex_broken=broken,
        touches=_touches(own_mm[own_part == Part.BODY], body, settings),
        centre_lps_mm=(float(lps[0]), float(lps[1]), float(lps[2])),
        sacral_levels=sacral_levels(own_mm, body, settings) if level is Level.SACRUM else (),
    )


def _share_doubt(labels: LabelMap, settings: MeasurementSettings) -> ShareDoubt:
    """How far shares of a structure are in doubt: less where a reader drew the lesion."""
    sd = settings.structure_share_sd_percent
    if labels.lesions_confirmed:
        constant, slope = settings.drawn_share_sd_percent
        sd = constant + slope * float(labels.grid.spacing_mm.max())
    return ShareDoubt(labels.grid.voxel_ml, sd)


def _in_piece(number: int, body: Body, labels: LabelMap) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Parts (0 outside the vertebra) and the lesion, in the vertebra's box."""
    box, mask = body.piece.box, body.piece.mask
    parts = np.zeros(mask.shape, np.uint8) if labels.parts is None else labels.parts[box]
    lesions = np.zeros(mask.shape, np.uint8) if labels.lesions is None else labels.lesions[box]
    return np.where(mask, parts, np.uint8(0)), np.asarray(lesions == number)


def outline_sd_ml(volume_ml: float, labels: LabelMap, settings: MeasurementSettings) -> float:
    """SD of a volume from the doubt of its outline: surface of the lesion times SD of the border.

    A reader's outline is what the lesion is; only its sampling by voxels is in doubt.
    """
    radius = (3.0 * volume_ml * 1000.0 / (4.0 * np.pi)) ** (1.0 / 3.0)
    surface = 4.0 * np.pi * radius**2 * ROUGHNESS
    constant, slope = settings.surface_sd_mm, settings.surface_sd_per_spacing
    if labels.lesions_confirmed:
        constant, slope = settings.drawn_surface_sd_mm
    border = constant + slope * float(labels.grid.spacing_mm.max())
    return float(surface * border / 1000.0)


def _volume(volume_ml: float, labels: LabelMap, settings: MeasurementSettings) -> Estimate:
    return Estimate.from_sd(volume_ml, outline_sd_ml(volume_ml, labels, settings)).clipped(0.0, np.inf)


def _body_percent(
    in_body_ml: float, level: Level, patient: Patient, settings: MeasurementSettings
) -> Estimate | None:
    whole = patient.body_ml.get(level, 0.0)
    if whole <= 0.0:
        return None
    share = WHOLE * in_body_ml / whole
    sd = WHOLE * outline_sd_ml(in_body_ml, patient.labels, settings) / whole
    return Estimate.from_sd(share, float(np.hypot(sd, settings.body_volume_sd * share))).clipped(0.0, WHOLE)


def _lytic_percent(
    number: int, index: NDArray[np.intp], level: Level, patient: Patient, settings: MeasurementSettings
) -> Estimate | None:
    """Lytic share of a lesion's typed voxels, percent; None on MR and uncalibrated CT.

    The finder's types give the value where there are any; else each voxel lies below or above the patient's
    healthy bone.
    """
    if not patient.typed:
        return None
    share, most = None, settings.share_sd_percent
    types = patient.labels.lesion_types
    if types is not None:
        here = types[tuple(index.T)]
        typed = here > 0
        if typed.any():
            share = float((here[typed] == LesionType.LYTIC).mean())
    if share is None:
        share = _lytic_by_density(number, level, patient, settings)
        step = float(patient.labels.grid.spacing_mm.max())
        most = settings.density_share_sd_percent[0] + settings.density_share_sd_percent[1] * step
    if share is None:
        return None
    sd = np.hypot(settings.pure_share_sd_percent, most * 2.0 * np.sqrt(share * (1.0 - share)))
    return Estimate.from_sd(WHOLE * share, float(sd)).clipped(0.0, WHOLE)


def _lytic_by_density(
    number: int, level: Level, patient: Patient, settings: MeasurementSettings
) -> float | None:
    """Share (0-1) below healthy bone; where dense patches lie too, below the middle of both kinds.

    The deepest part says whether there are two kinds; then all voxels inside the bone are shared out, for
    blur between a lytic and a dense patch passes healthy density far from their border.
    """
    core, healthy = patient.cores.get(level), patient.healthy.get(level)
    if core is None or healthy is None:
        return None
    lesion = core.lesion == number
    if not lesion.any():
        return None
    value, reference = core.image[lesion], np.where(core.body, healthy.body, healthy.posterior)[lesion]
    deepest = np.argsort(-_depth_in_mm(lesion, core), kind="stable")[: max(int(DEEPEST * len(value)), 1)]
    share = float((value < reference)[deepest].mean())
    if not MIXED[0] < share < MIXED[1]:
        return float(round(share)) if min(share, 1.0 - share) < PURE else share
    inner = core.depth_mm[lesion] > core.grid.spacing_mm.max()
    use = inner if inner.sum() * 2 > len(inner) else np.ones_like(inner)
    low, high = np.percentile(value[use], [10, 90])
    if high > float(np.median(reference[use])) + settings.blastic_above_hu:
        return float((value[use] < 0.5 * (low + high)).mean())
    return float((value < reference)[use].mean())


def _depth_in_mm(lesion: NDArray[np.bool_], core: Core) -> Points:
    """Distance of each of a lesion's voxels, in the array's order, from the lesion's border."""
    box = ndimage.find_objects(lesion.view(np.uint8))[0]
    depth = ndimage.distance_transform_edt(np.pad(lesion[box], 1), sampling=core.grid.spacing_mm)
    return np.asarray(depth[1:-1, 1:-1, 1:-1][lesion[box]])


def _quality(lytic: Estimate | None, settings: MeasurementSettings) -> tuple[Quality, ...]:
    """Qualities that the interval of the lytic share touches; all three without a share."""
    if lytic is None:
        return QUALITIES
    return qualities(lytic, settings)


def qualities(lytic: Estimate, settings: MeasurementSettings) -> tuple[Quality, ...]:
    """Lytic from 80 %, blastic up to 20 %, mixed between; the interval may touch several."""
    found: list[Quality] = []
    if lytic.high >= settings.lytic_share_percent:
        found.append("lytic")
    if lytic.low < settings.lytic_share_percent and lytic.high > settings.blastic_share_percent:
        found.append("mixed")
    if lytic.low <= settings.blastic_share_percent:
        found.append("blastic")
    return tuple(found)


def _touches(own_body_mm: Points, body: Body, settings: MeasurementSettings) -> tuple[Wall, ...]:
    """Walls of the body that a lesion comes near to."""
    least = 3
    found: list[Wall] = []
    if len(own_body_mm) == 0:
        return ()
    reach = settings.contact_mm + 0.5 * body.step_mm
    back = body.sagittal.back
    if back is not None:
        wall = np.interp(own_body_mm[:, 2], back.along_mm, back.height_mm)
        if (wall - own_body_mm[:, 1] <= reach[1]).sum() >= least:
            found.append("posterior_wall")
    plates: tuple[tuple[str, float, Wall], ...] = (
        ("upper", 1.0, "upper_endplate"),
        ("lower", -1.0, "lower_endplate"),
    )
    for which, sign, name in plates:
        surface = body.surface_mm(own_body_mm, which)
        if surface is not None and (sign * (surface - own_body_mm[:, 2]) <= reach[2]).sum() >= least:
            found.append(name)
    return tuple(found)


def _verdict(look: Look, level: Level, patient: Patient, settings: MeasurementSettings) -> Verdict:
    """Likely unless a look-alike fits; a reader's word stands; without densities nothing is told apart."""
    healthy = patient.healthy.get(level)
    if patient.labels.lesions_confirmed or not patient.typed or healthy is None:
        return LIKELY
    verdict = look_alike(look, patient.bodies[level], healthy, settings)
    lytic = verdict == LIKELY and look.lytic_share > MOSTLY
    if lytic and like_own_marrow(look.own_mm, level, (patient.bodies, patient.cores), settings):
        return "doubtful", "thin-marrow"
    return verdict
