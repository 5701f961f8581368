"""What is asked of a phantom: patient, disease, and scan, each a frozen record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from spineimg.core.grid import Grid
from spineimg.core.levels import Level
from spineimg.core.scores import PainKind

LookAlikeKind = Literal[
    "haemangioma", "enostosis", "schmorl-node", "endplate-sclerosis", "basivertebral-vein"
]
Phase = Literal["venous", "arterial", "delayed"]
LesionKind = Literal["lytic", "blastic", "mixed"]
FractureKind = Literal["wedge", "biconcave", "crush"]
Contrast = Literal["CT", "T1", "T2"]
Orientation = Literal["axial", "sagittal", "coronal"]


@dataclass(frozen=True, slots=True)
class LesionSpec:
    """One lesion: a deformed ellipsoid in the frame of its vertebra.

    Parameters
    ----------
    level : Level
        Where it lies.
    kind : str
        Lytic (soft tissue), blastic (sclerosis) or mixed (both, in patches).
    centre_mm : tuple of float
        From the centre of the unfractured body: left, posterior, cranial.
    radii_mm : tuple of float
        Half-axes along left, posterior, cranial.
    reach_mm : float
        How far it may lie outside the bone; negative: it stays that far under the surface.
    """

    level: Level
    kind: LesionKind
    centre_mm: tuple[float, float, float]
    radii_mm: tuple[float, float, float]
    reach_mm: float = 0.0


@dataclass(frozen=True, slots=True)
class FractureSpec:
    """A collapsed body; ``loss_percent`` is the loss at the site that lost most.

    ``age`` "new" tells the truth that an earlier scan would show the body whole (de novo deformity).
    """

    level: Level
    kind: FractureKind
    loss_percent: float
    age: Literal["old", "new"] = "old"


@dataclass(frozen=True, slots=True)
class LookAlikeSpec:
    """Something in a body that is no metastasis: an ellipsoid in the frame of its vertebra, as `LesionSpec`.

    The centre of a Schmorl's node or of endplate sclerosis lies on the endplate.
    """

    level: Level
    kind: LookAlikeKind
    centre_mm: tuple[float, float, float]
    radii_mm: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class SpurSpec:
    """An osteophyte at the rim of an endplate, or a bridge from it to the level below (DISH).

    ``angle_deg`` is 0 in front and grows to the patient's left; a bridge starts at the lower endplate.
    """

    level: Level
    kind: Literal["upper", "lower", "bridge"]
    angle_deg: float
    length_mm: float


@dataclass(frozen=True, slots=True)
class CementSpec:
    """Bone cement in a body."""

    level: Level
    centre_mm: tuple[float, float, float]
    radii_mm: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class SlipSpec:
    """A level shifted on the one below, mm; anterior and left positive; levels above follow."""

    level: Level
    anterior_mm: float
    left_mm: float = 0.0


@dataclass(frozen=True, slots=True)
class AnatomySpec:
    """How many vertebrae of each kind; the default is the usual column.

    Names count from C1 down, so that a thirteenth thoracic vertebra is T13 and a sixth lumbar one L6.

    Parameters
    ----------
    thoracic, lumbar : int
        11 to 13 and 4 to 6 vertebrae.
    rib_pairs : int or None
        Fewer than thoracic vertebrae: the lowest bear none. None: a pair for each.
    sacralised : str
        Side on which the transverse process of the last lumbar vertebra is one bone with the sacrum
        (Castellvi III); the disc below it is thin then.
    """

    thoracic: int = 12
    lumbar: int = 5
    rib_pairs: int | None = None
    sacralised: Literal["none", "left", "right", "both"] = "none"

    def __post_init__(self) -> None:
        if not (11 <= self.thoracic <= 13 and 4 <= self.lumbar <= 6):
            found = f"{self.thoracic} and {self.lumbar}"
            raise ValueError(f"thoracic must be 11-13 and lumbar 4-6, not {found}")


@dataclass(frozen=True, slots=True)
class CurveSpec:
    """A scoliosis between two end vertebrae; ``cobb_deg`` positive when convex to the patient's left."""

    upper: Level
    lower: Level
    cobb_deg: float


@dataclass(frozen=True, slots=True)
class PatientSpec:
    """Who lies in the scanner. Factors multiply the mean anatomy; 1 is the mean.

    ``density_hu`` is the trabecular density of L1 (Pickhardt 2013, Ann Intern Med 158:588: 160 HU and more
    is normal, 110 and less osteoporotic); ``contrast_hu`` what an agent adds to the blood, 0 for
    none; ``phase`` says where it is.
    """

    seed: int
    size: float = 1.0
    girth: float = 1.0
    kyphosis: float = 1.0
    lordosis: float = 1.0
    scoliosis_deg: float = 0.0
    density_hu: float = 160.0
    cortex_hu: float = 900.0
    fat_mm: float = 16.0
    contrast_hu: float = 0.0
    phase: Phase = "venous"
    anatomy: AnatomySpec = AnatomySpec()
    curve: CurveSpec | None = None


@dataclass(frozen=True, slots=True)
class ScanSpec:
    """How the patient is scanned; ``seed`` draws the noise only.

    ``shift_mm`` and ``turn_deg`` (about the left, posterior and cranial axis) move the patient in the
    scanner. ``sharpness`` above 0 adds the overshoot of a bone kernel. ``spacing_mm`` is between columns,
    rows, slices.
    With ``contrast`` T1 or T2 the noise is in units of the MR signal (fat about 400).
    """

    seed: int
    contrast: Contrast = "CT"
    orientation: Orientation = "axial"
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    width_mm: float = 200.0
    depth_mm: float = 200.0
    margin_mm: float = 12.0
    noise_hu: float = 15.0
    kernel_fwhm_mm: float = 1.0
    sharpness: float = 0.0
    shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    turn_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class PhantomSpec:
    """A patient, the disease and a scan from level ``top`` to level ``bottom``.

    ``grid`` overrides the grid that ``scan`` would make: any orientation and spacing, the same patient.
    """

    patient: PatientSpec
    scan: ScanSpec
    top: Level = Level.T8
    bottom: Level = Level.SACRUM
    lesions: tuple[LesionSpec, ...] = ()
    fractures: tuple[FractureSpec, ...] = ()
    slips: tuple[SlipSpec, ...] = ()
    look_alikes: tuple[LookAlikeSpec, ...] = ()
    spurs: tuple[SpurSpec, ...] = ()
    cement: tuple[CementSpec, ...] = ()
    screws: tuple[Level, ...] = ()
    """Thoracic and lumbar levels with two pedicle screws each, joined by two rods."""
    pain: tuple[tuple[Level, PainKind], ...] = ()
    grid: Grid | None = field(default=None, compare=False)
