"""Thresholds of the scoring room, each with its reason and its source.

"ours" marks a choice where no source gives a number; the evidence of a score then says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spineimg.core.settings.clinical_limits import BLASTIC_PERCENT, FRACTURE_PERCENT, LYTIC_PERCENT

FISHER_2010 = "Fisher 2010, Spine 35:E1221"
GENANT_1993 = "Genant 1993, J Bone Miner Res 8:1137"
WHITE_PANJABI_1990 = "White & Panjabi 1990, Clinical Biomechanics of the Spine"
GUO_2018 = "Guo 2018, J Orthop Surg Res 13:147"
EOS_2024 = "BMC Musculoskelet Disord 2024, 10.1186/s12891-024-07490-2"
LORDOSIS_2022 = "Sci Rep 2022, 10.1038/s41598-022-21840-x"
YUKAWA_2019 = "Yukawa 2019, PMC6680033"
SRS = "Cobb angle of 10 degrees, the Scoliosis Research Society's definition"
OURS = "ours, see docs/settings.md"


@dataclass(frozen=True, slots=True)
class NormalAngle:
    """Normal kyphosis of one junction, from the upper endplate of the upper vertebra to that of the lower.

    Parameters
    ----------
    upper : str
        Name of the upper vertebra, such as "T12" for T12-L1.
    mean_deg, sd_deg : float
        Mean and standard deviation between healthy people, kyphosis positive.
    source : str
        Where the figures come from, and how the people stood or lay.
    """

    upper: str
    mean_deg: float
    sd_deg: float
    source: str


_CERVICAL = (-2.5, 5.5, f"{GUO_2018}; standing")
_UPPER_THORACIC = (3.2, 3.3, f"{EOS_2024}; standing")
_LOWER_THORACIC = (3.7, 3.1, f"{EOS_2024}; standing")
_NORMAL: Mapping[str, tuple[float, float, str]] = {
    **{f"C{n}": _CERVICAL for n in range(2, 7)},
    "C7": (3.2, 5.5, f"{GUO_2018} and {EOS_2024}; standing"),
    **{f"T{n}": _UPPER_THORACIC for n in range(1, 5)},
    **{f"T{n}": _LOWER_THORACIC for n in range(5, 13)},
    "L1": (-1.2, 3.6, f"{LORDOSIS_2022}; standing"),
    "L2": (-5.9, 4.1, f"{LORDOSIS_2022}; standing"),
    "L3": (-9.1, 4.2, f"{LORDOSIS_2022}; standing"),
    "L4": (-12.7, 5.1, f"{LORDOSIS_2022}; standing"),
    "L5": (-21.6, 7.7, f"{LORDOSIS_2022}; standing"),
}


@dataclass(frozen=True, slots=True)
class ScoringSettings:
    """Settings of scoring: percent 0-100, millimetres, degrees."""

    # Collapse
    fracture_percent: float = FRACTURE_PERCENT
    """Height loss from which a body is collapsed: grade 1 of Genant 1993 (its use in SINS is ours)."""
    half_percent: float = 50.0
    """Limit between 2 and 3 points, Fisher 2010; exactly 50 is unassigned in the paper and stays open."""
    body_involved_percent: float = 50.0
    """Body involvement above which an uncollapsed body has 1 point, Fisher 2010."""
    endplate_step_mm: float = 2.0
    """An endplate stepped by this much is a fracture with little loss (ours: two voxels of a good CT)."""

    # Bone lesion
    lytic_percent: float = LYTIC_PERCENT
    """Lytic share from which a level's lesions are lytic (ours: Fisher 2010 gives none)."""
    blastic_percent: float = BLASTIC_PERCENT
    """Lytic share up to which they are blastic (ours: Fisher 2010 gives none)."""

    # Posterolateral involvement
    structure_percent: float = 25.0
    """Share of a facet, pedicle or costovertebral joint replaced from which it is involved (ours)."""
    speck_percent: float = 5.0
    """A broken cortex under a share that may lie below this leaves involvement open: partial volume alone
    thins the cortex beside a speck (ours)."""

    # Translation: static limits, White & Panjabi 1990
    atlantodental_mm: float = 3.0
    """C1-C2: atlanto-dental interval above this, White & Panjabi 1990."""
    atlas_overhang_mm: float = 7.0
    """C1-C2: C1 overhanging C2 by more than this in sum of both sides, White & Panjabi 1990."""
    cervical_shift_mm: float = 3.5
    """Junctions C2-C3 to C6-C7, White & Panjabi 1990."""
    thoracic_shift_mm: float = 2.5
    """Junctions C7-T1 to T12-L1, White & Panjabi 1990."""
    lumbar_shift_mm: float = 4.5
    """Junctions L1-L2 to L5-S1, White & Panjabi 1990."""
    lumbar_shift_percent: float = 15.0
    """The same junctions, in percent of the depth of the lower endplate, White & Panjabi 1990."""
    new_shift_mm: float = 2.0
    """Growth of a slip against an earlier scan, its whole interval beyond it, that makes it new (ours)."""

    # Deformity
    normal_angles: tuple[NormalAngle, ...] = tuple(NormalAngle(name, *row) for name, row in _NORMAL.items())
    """Normal kyphosis by junction. Lumbar: segmental table of Sci Rep 2022. Thoracic: T1-T5 16.0 (SD 7.4) and
    T5-T12 29.7 (SD 8.9), shared equally by their 5 and 8 vertebrae, the SDs by the root (ours: segments taken
    as independent, the widest reading). Cervical: C2-C7 lordosis 12.7 (Guo 2018, meta-analysis) and SD 12.2
    (Liu, 212 people, quoted in 10.1515/med-2021-0219), shared by 5 in the same way. C7-T1 has the thoracic
    mean and the wider cervical SD (ours)."""
    normal_sds: float = 2.0
    """The normal range ends so many SDs above the mean (the usual 95 %)."""
    standing_widening_deg: float = 2.2
    """Widening of a standing figure for a patient who lies: Yukawa 2019, T12-S1 lordosis 49.8 standing, 36.8
    recumbent, 13.0 degrees over 6 junctions; ours for regions without recumbent figures."""
    scoliosis_deg: float = 10.0
    """Coronal angle of one junction beyond which it is a deformity: scoliosis of the SRS (ours for one)."""
    collapsed_scoliosis_deg: float = 5.0
    """At a collapsed level a coronal angle from this on may be new (ours: repeat error of a Cobb angle)."""
    new_angle_deg: float = 5.0
    """Change against an earlier scan that is a de novo deformity, its whole interval beyond it (ours)."""

    # Pain
    pain_days: int = 30
    """Pain reported further from the scan's date than this says nothing about it (ours: one visit window)."""

    def __post_init__(self) -> None:
        given = self.normal_angles
        rows = tuple(row if isinstance(row, NormalAngle) else _normal_angle(row) for row in given)
        object.__setattr__(self, "normal_angles", rows)
        if not self.blastic_percent < self.lytic_percent or not self.fracture_percent < self.half_percent:
            raise ValueError("limits stand in the wrong order: blastic < lytic, fracture < half")

    def normal_angle(self, upper: str) -> NormalAngle | None:
        """Look up the junction below a vertebra; None where there is none."""
        return next((row for row in self.normal_angles if row.upper == upper), None)


def _normal_angle(row: Mapping[str, Any]) -> NormalAngle:
    """Row of a profile file (``[[scoring.normal_angles]]``)."""
    return NormalAngle(**row)
