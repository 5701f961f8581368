"""What was measured on one scan: vertebrae, lesions and the segments between neighbours.

The fields are those of ``measurements.json``; lengths mm, angles degrees, volumes ml, fractions percent
0-100, positions LPS mm. None means "not measurable here", never zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from spineimg.core.estimate import Estimate
from spineimg.core.levels import Level

Point = tuple[float, float, float]
Site = Literal["anterior", "middle", "posterior"]
Deformity = Literal["none", "wedge", "biconcave", "crush"]
LesionStatus = Literal["likely", "doubtful", "unlikely"]
Quality = Literal["lytic", "mixed", "blastic"]
ListhesisCause = Literal["none", "degenerative", "pars-defect", "other", "unknown"]


@dataclass(frozen=True, slots=True)
class Heights:
    """Anterior, middle and posterior height of a body, mm."""

    anterior: Estimate | None
    middle: Estimate | None
    posterior: Estimate | None


@dataclass(frozen=True, slots=True)
class EndplatePoints:
    """The three measured points of one endplate, LPS mm; the very points that pictures draw."""

    anterior: Point
    middle: Point
    posterior: Point


@dataclass(frozen=True, slots=True)
class Endplates:
    """Upper and lower endplate."""

    upper: EndplatePoints
    lower: EndplatePoints


@dataclass(frozen=True, slots=True)
class Density:
    """Image values (HU on CT) of trabecular bone: the patient's healthy reference, and this body's mean."""

    healthy_reference: Estimate | None
    mean: Estimate | None


@dataclass(frozen=True, slots=True)
class StructureShares:
    """Percent of each posterolateral structure, of what the field says; None: not measurable, or absent."""

    pedicle_left: Estimate | None = None
    pedicle_right: Estimate | None = None
    facet_left: Estimate | None = None
    facet_right: Estimate | None = None
    costovertebral_left: Estimate | None = None
    costovertebral_right: Estimate | None = None


@dataclass(frozen=True, slots=True)
class VertebraMeasurement:
    """One vertebra. ``axes_lps`` rows: left, posterior, cranial (unit vectors)."""

    level: Level
    label: int
    complete: bool
    name_possible: tuple[Level, ...]
    name_confidence: float | None
    centre_lps_mm: Point
    axes_lps: tuple[Point, Point, Point]
    heights_mm: Heights
    expected_heights_mm: Heights
    height_loss_percent: Estimate | None
    loss_site: Site | None
    genant_grade: tuple[int, ...]
    deformity: Deformity | None
    body_volume_ml: Estimate | None
    expected_body_volume_ml: Estimate | None
    endplate_step_mm: Estimate | None
    lytic_percent: Estimate | None
    density: Density
    lesion_ids: tuple[int, ...]
    endplates_lps_mm: Endplates | None = None
    """Extra to the contract (docs/decisions/0002): what the pictures draw."""
    not_scorable: str | None = None
    """Extra: "cement", "implant" or another reason why this vertebra is not scored; None: scorable."""
    body_area_mm2: Estimate | None = None
    """Extra: area of the body in the mid-sagittal slab."""
    area_loss_percent: Estimate | None = None
    """Extra: what is missing of that area against the expected heights over the same depth."""
    collapse_caveats: tuple[str, ...] = ()
    """Extra: what may look like a collapse: "schmorl-node", "scheuermann"."""
    structures_missing_percent: StructureShares | None = None
    """Extra: bone that each posterolateral structure lacks against the other side and the neighbours."""


@dataclass(frozen=True, slots=True)
class LesionMeasurement:
    """One lesion of one level."""

    id: int
    level: Level
    status: LesionStatus
    look_alike: str | None
    quality: tuple[Quality, ...]
    volume_ml: Estimate
    lytic_percent: Estimate | None
    body_percent: Estimate | None
    structures_percent: StructureShares
    cortex_broken: tuple[str, ...]
    touches: tuple[Literal["posterior_wall", "upper_endplate", "lower_endplate"], ...]
    centre_lps_mm: Point
    sacral_levels: tuple[Level, ...] = ()
    """Extra: segments (S1 and S2; S2 stands for S2-S5) that a lesion of the undivided sacrum may lie in."""


@dataclass(frozen=True, slots=True)
class SegmentMeasurement:
    """Two neighbours. Positive: kyphosis, the upper one anterior or to the left, convex to the left."""

    upper: Level
    lower: Level
    translation_ap_mm: Estimate | None
    translation_lateral_mm: Estimate | None
    kyphosis_deg: Estimate | None
    scoliosis_deg: Estimate | None
    listhesis_cause: ListhesisCause
    caudal_depth_mm: float | None = None
    """Extra: depth of the lower one's endplate, for limits in percent of it."""
    posterior_walls_lps_mm: tuple[Point, Point] | None = None
    """Extra: lower posterior corner of the upper body, upper posterior corner of the lower one."""
    disc_height_mm: Estimate | None = None
    expected_disc_height_mm: Estimate | None = None
    """Extra: mean height of the disc, and what the neighbouring discs and the normal trend let expect."""
    disc_gas_ml: Estimate | None = None
    """Extra: gas in the disc (vacuum)."""
    degenerative_signs: tuple[str, ...] | None = None
    """Extra: "disc-narrowed", "vacuum", "facet-sclerosis", "osteophytes"; None: not looked for."""


@dataclass(frozen=True, slots=True)
class Measurements:
    """Everything measured on one scan, vertebrae and segments head to foot."""

    vertebrae: tuple[VertebraMeasurement, ...]
    lesions: tuple[LesionMeasurement, ...]
    segments: tuple[SegmentMeasurement, ...]
    lesions_searched: bool = True
    """Extra: false where nobody and nothing looked for lesions: there may be any, at every level."""

    def vertebra(self, level: Level) -> VertebraMeasurement | None:
        """The vertebra of a level, or None."""
        return next((v for v in self.vertebrae if v.level is level), None)
