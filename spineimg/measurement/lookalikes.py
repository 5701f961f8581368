"""What only looks like a metastasis: named, and taken as doubtful or unlikely."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spineimg.core.grid import Points
from spineimg.core.measurements import LesionStatus
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.measurement.body import Body
from spineimg.measurement.density import Core, Healthy


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What is seen of one lesion on CT.

    Parameters
    ----------
    own_mm : ndarray, (n, 3)
        Its voxels in the frame of the vertebra.
    hu : ndarray, (n,)
        Their densities.
    volume_ml : float
        Its volume.
    lytic_share : float
        Lytic share, 0-1.
    in_body : float
        Share of it inside the body, 0-1.
    """

    own_mm: Points
    hu: Points
    volume_ml: float
    lytic_share: float
    in_body: float


Verdict = tuple[LesionStatus, str | None]
LIKELY: Verdict = ("likely", None)
MOSTLY, HALF = 0.8, 0.5


def look_alike(look: Look, body: Body, healthy: Healthy, settings: MeasurementSettings) -> Verdict:
    """Judge one lesion of calibrated CT; the first name that fits is given."""
    for rule in (
        _artificial,
        _vein,
        _enostosis,
        _haemangioma,
        _schmorl,
        _sclerosis,
        _rim,
        _bridge,
        _small,
        _cut,
    ):
        verdict = rule(look, body, settings)
        if verdict is not None:
            return verdict
    thin_bone = healthy.body < settings.osteoporosis_hu
    if thin_bone and look.lytic_share > MOSTLY:
        return "doubtful", "osteoporosis"
    return LIKELY


def artificial(core: Core, settings: MeasurementSettings) -> str | None:
    """Say "implant" or "cement" where a vertebra holds that much of it; else None.

    Metal counts anywhere in the bone, cement only deep inside the body: worn facets are as dense.
    """
    metal = core.mask & (core.image >= settings.metal_hu)
    if float(metal.sum()) * core.grid.voxel_ml >= settings.implant_ml:
        return "implant"
    deep = core.body & (core.depth_mm >= settings.erosion_mm)
    cement = deep & (core.smooth >= settings.cement_hu)
    return "cement" if float(cement.sum()) * core.grid.voxel_ml >= settings.implant_ml else None


def _artificial(look: Look, body: Body, settings: MeasurementSettings) -> Verdict | None:
    del body
    middle = float(np.median(look.hu))
    if middle >= settings.metal_hu:
        return "unlikely", "metal"
    return ("unlikely", "cement") if middle >= settings.cement_hu else None


def _vein(look: Look, body: Body, settings: MeasurementSettings) -> Verdict | None:
    """The basivertebral vein: small, low, behind the middle of the body in the midline at mid-height.

    What opens through an endplate is none.
    """
    centre = look.own_mm.mean(axis=0)
    height = body.box.height[1] - body.box.height[0]
    middle = HALF * (body.box.height[0] + body.box.height[1])
    fits = (
        look.lytic_share > MOSTLY
        and look.in_body > MOSTLY
        and look.volume_ml < settings.vein_largest_ml
        and abs(centre[0]) < settings.vein_half_width_mm
        and centre[1] > 0.0
        and abs(centre[2] - middle) < settings.vein_height_share * height
    )
    gaps = _to_endplates(look, body)
    opens = gaps is not None and min(float(gap.min()) for gap in gaps) <= settings.contact_mm
    return ("unlikely", "basivertebral-vein") if fits and not opens else None


def _enostosis(look: Look, body: Body, settings: MeasurementSettings) -> Verdict | None:
    del body
    small = look.volume_ml < settings.enostosis_largest_ml
    dense = float(look.hu.mean()) > settings.enostosis_hu
    return ("doubtful", "enostosis") if small and dense and look.lytic_share < 1.0 - MOSTLY else None


def _haemangioma(look: Look, body: Body, settings: MeasurementSettings) -> Verdict | None:
    """Fat between coarse trabeculae: the median is that of fat."""
    del body
    fatty = float(np.median(look.hu)) < settings.fat_hu
    return ("doubtful", "haemangioma") if fatty and look.in_body > HALF else None


def _to_endplates(look: Look, body: Body) -> tuple[Points, Points] | None:
    """Distance of each voxel to the upper and the lower endplate, mm."""
    upper, lower = (body.surface_mm(look.own_mm, which) for which in ("upper", "lower"))
    if upper is None or lower is None:
        return None
    return upper - look.own_mm[:, 2], look.own_mm[:, 2] - lower


def _schmorl(look: Look, body: Body, settings: MeasurementSettings) -> Verdict | None:
    """A small hollow that opens through a dented endplate."""
    gaps = _to_endplates(look, body)
    if gaps is None or look.volume_ml > settings.schmorl_largest_ml or look.lytic_share < HALF:
        return None
    for gap, line in zip(gaps, (body.sagittal.upper, body.sagittal.lower), strict=True):
        if line is None or float(gap.min()) > settings.contact_mm:
            continue
        place = float(look.own_mm[:, 1].mean())
        ends = [line.at_depth(share) for share in (settings.point_depths[0], settings.point_depths[-1])]
        chord = np.interp(place, [e[0] for e in ends], [e[1] for e in ends])
        dent = abs(line.at(place)[0] - float(chord))
        if dent > settings.schmorl_dent_mm and float(np.percentile(gap, 90)) < settings.schmorl_deep_mm:
            return "doubtful", "schmorl-node"
    return None


def _sclerosis(look: Look, body: Body, settings: MeasurementSettings) -> Verdict | None:
    """A dense band along an endplate, wider than it is deep."""
    gaps = _to_endplates(look, body)
    if gaps is None or look.lytic_share > 1.0 - MOSTLY:
        return None
    wide = float(np.ptp(look.own_mm[:, :2], axis=0).max())
    for gap in gaps:
        deep = float(np.percentile(gap, 95))
        if deep < settings.sclerosis_depth_mm and wide > 2.0 * deep:
            return "doubtful", "endplate-sclerosis"
    return None


def _rim(look: Look, body: Body, settings: MeasurementSettings) -> Verdict | None:
    """Dense bone that keeps to the rim of the body: osteophytes, worn corners, the roots of the pedicles."""
    if look.lytic_share > 1.0 - MOSTLY or look.in_body < MOSTLY or look.volume_ml > settings.rim_largest_ml:
        return None
    ranges = np.array([body.box.width, body.box.depth, body.box.height])
    depth = np.minimum(look.own_mm - ranges[:, 0], ranges[:, 1] - look.own_mm).min(axis=1)
    deep = float((depth > settings.rim_mm).mean())
    return ("doubtful", "degenerative-sclerosis") if deep < settings.rim_deep_share else None


def _bridge(look: Look, body: Body, settings: MeasurementSettings) -> Verdict | None:
    """Dense bone from endplate to endplate in a small part of the body: a bridge to the neighbours."""
    gaps = _to_endplates(look, body)
    if gaps is None or look.lytic_share > 1.0 - MOSTLY:
        return None
    spans = all(float(gap.min()) <= settings.contact_mm for gap in gaps)
    box_ml = float(np.prod(np.ptp([body.box.width, body.box.depth, body.box.height], axis=1))) / 1000.0
    part = look.volume_ml * look.in_body / box_ml
    return ("doubtful", "bridging-osteophyte") if spans and part < settings.bridge_largest_share else None


def _small(look: Look, body: Body, settings: MeasurementSettings) -> Verdict | None:
    """What a machine finds below this size is a question to a reader."""
    del body
    return ("doubtful", None) if look.volume_ml < settings.likely_from_ml else None


def _cut(look: Look, body: Body, settings: MeasurementSettings) -> Verdict | None:
    """What a machine finds in a vertebra that the scan shows in part is a question to a reader."""
    del look, settings
    return None if body.piece.complete else ("doubtful", None)
