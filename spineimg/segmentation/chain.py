"""From single peaks to one column: the best path from head to foot, its gaps, and what stands at its ends."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.segmentation.inputs import LOCATE_CLASSES
from spineimg.segmentation.locate import BODY, SACRUM, Peak, Regions
from spineimg.segmentation.naming_model import Found, Surroundings
from spineimg.segmentation.ribs import ribs_ml

OTHER_BONE = LOCATE_CLASSES.index("other_bone")
GROUP_SPACING_MM = np.array([18.0, 24.5, 35.0])
"""Mean distance of neighbours: cervical, thoracic, lumbar (split ``train`` of the named points)."""
FAR_STEP_COST = 0.35
"""Price of each vertebra that a step jumps over, in units of a full vertebra's gain."""
STEEP_COST = 1.5
"""Price of a step that runs more sideways than down."""


def expected_spacing_mm(peak: Peak) -> float:
    """Distance to the next vertebra that the peak's region makes likely, mm."""
    groups = np.array(peak.groups)
    return float(groups @ GROUP_SPACING_MM / max(groups.sum(), 1e-6)) if groups.sum() > 0 else 25.0


def column(peaks: Sequence[Peak], regions: Regions, settings: SegmentationSettings) -> tuple[Peak, ...]:
    """Choose the peaks that form one column and fill its gaps.

    Parameters
    ----------
    peaks : sequence of Peak
        All peaks, any order.
    regions : Regions
        Output of the coarse network (for the gaps).
    settings : SegmentationSettings
        Limits of merging and gaps.

    Returns
    -------
    tuple of Peak
        Head to foot.
    """
    above = _above_sacrum(_merged(peaks, settings), regions, settings)
    ordered = sorted(above, key=lambda p: -p.centre_lps_mm[2])
    if not ordered:
        return ()
    typical = float(np.median([p.votes_ml for p in ordered]))
    gain = [min(1.0, p.votes_ml / (0.5 * typical)) for p in ordered]
    score, source = list(gain), [-1] * len(ordered)
    for lower in range(len(ordered)):
        for upper in range(lower):
            value = score[upper] + gain[lower] - _step_cost(ordered[upper], ordered[lower], settings)
            if value > score[lower]:
                score[lower], source[lower] = value, upper
    place = int(np.argmax(score))
    chain: list[Peak] = []
    while place >= 0:
        chain.append(ordered[place])
        place = source[place]
    return tuple(_filled(chain[::-1], regions, settings))


def _merged(peaks: Sequence[Peak], settings: SegmentationSettings) -> list[Peak]:
    """Drop the weaker of two peaks that are too near each other to be neighbours."""
    kept: list[Peak] = []
    for peak in sorted(peaks, key=lambda p: -p.votes_ml):
        near = settings.merge_share * expected_spacing_mm(peak)
        if all(np.linalg.norm(peak.centre_lps_mm - k.centre_lps_mm) > near for k in kept):
            kept.append(peak)
    return kept


def _step_cost(upper: Peak, lower: Peak, settings: SegmentationSettings) -> float:
    """How unlikely it is that two peaks are neighbours, in units of a vertebra."""
    step = lower.centre_lps_mm - upper.centre_lps_mm
    length = float(np.linalg.norm(step))
    if length > settings.chain_gap_mm:
        return float("inf")
    ratio = length / (0.5 * (expected_spacing_mm(upper) + expected_spacing_mm(lower)))
    if ratio < settings.merge_share:
        return float("inf")
    jumped = max(0, round(ratio) - 1)
    off = abs(np.log(ratio / (jumped + 1)))
    steep = STEEP_COST if np.linalg.norm(step[:2]) > 0.75 * length else 0.0
    return FAR_STEP_COST * jumped + 0.5 * float(off) + steep


def _filled(chain: list[Peak], regions: Regions, settings: SegmentationSettings) -> list[Peak]:
    """Add a peak where a vertebra is missing between two others and body voxels lie there."""
    out = chain[:1]
    steps = pairwise(p.centre_lps_mm for p in chain)
    lengths = [float(np.linalg.norm(b - a)) for a, b in steps]
    for place, lower in enumerate(chain[1:]):
        upper = out[-1]
        # The region's mean spacing, corrected by the patient's own steps nearby.
        nearby = lengths[max(0, place - 3) : place] + lengths[place + 1 : place + 4]
        expected = 0.5 * (expected_spacing_mm(upper) + expected_spacing_mm(lower))
        expected = 0.5 * (expected + float(np.median(nearby))) if len(nearby) > 1 else expected
        step = lower.centre_lps_mm - upper.centre_lps_mm
        missing = round(float(np.linalg.norm(step)) / expected) - 1
        for n in range(1, missing + 1):
            share = n / (missing + 1)
            peak = _between(upper, lower, share, regions)
            if peak.votes_ml >= settings.peak_votes_ml:
                out.append(peak)
        out.append(lower)
    return out


def irregularity(chain: Sequence[Peak]) -> float:
    """Spread of the steps between neighbours about their smooth change from head to foot, in log units.

    Bodies of one column grow slowly downward; votes that smear over thick slices or narrow discs do not
    keep to it. 0 for fewer than four bodies: too few to tell.
    """
    if len(chain) < 4:
        return 0.0
    centres = np.array([peak.centre_lps_mm for peak in chain])
    steps = np.log(np.linalg.norm(np.diff(centres, axis=0), axis=1))
    place = np.arange(len(steps))
    trend = np.polyfit(place, steps, min(2, len(steps) - 2))
    return float((steps - np.polyval(trend, place)).std())


def peak_at(place: NDArray[np.float64], radius_mm: float, regions: Regions) -> Peak:
    """Take the body voxels round a place as a peak that stays at the place."""
    index, _ = _near(regions, place, radius_mm)
    body = regions.probability[BODY][index]
    weight = np.where(body >= 0.3, body, 0.0)
    total = max(float(weight.sum()), 1e-6)
    c, t, lumbar = (float((regions.groups[k][index] * weight).sum() / total) for k in range(3))
    number = float((regions.number[index] * weight).sum() / total)
    return Peak(np.asarray(place), float(weight.sum()) * regions.grid.voxel_ml, (c, t, lumbar), number)


def drawn_in(place: NDArray[np.float64], radius_mm: float, regions: Regions) -> NDArray[np.float64]:
    """Move a place sideways to the middle of the body voxels round it; its height stays."""
    out = np.array(place)
    for _ in range(2):
        index, points = _near(regions, out, radius_mm)
        weight = regions.probability[BODY][index]
        if weight.sum() > 0.0:
            out[:2] = (points[:, :2] * weight[:, None]).sum(0) / weight.sum()
    return out


def _between(upper: Peak, lower: Peak, share: float, regions: Regions) -> Peak:
    """Gather the body voxels round a place between two peaks into a peak of its own."""
    place = upper.centre_lps_mm + share * (lower.centre_lps_mm - upper.centre_lps_mm)
    radius = 0.4 * expected_spacing_mm(upper)
    index, points = _near(regions, place, radius)
    weight = np.where(regions.probability[BODY][index] >= 0.5, regions.probability[BODY][index], 0.0)
    groups = tuple((1 - share) * a + share * b for a, b in zip(upper.groups, lower.groups, strict=True))
    number = (1 - share) * upper.number + share * lower.number
    votes = float(weight.sum()) * regions.grid.voxel_ml
    centre = (points * weight[:, None]).sum(0) / weight.sum() if votes > 0 else place
    return Peak(np.asarray(centre), votes, (groups[0], groups[1], groups[2]), number)


def _near(
    regions: Regions, place: NDArray[np.float64], radius_mm: float
) -> tuple[tuple[NDArray[np.intp], ...], NDArray[np.float64]]:
    """Index and position of the grid's voxels inside a ball."""
    middle, reach = regions.grid.to_index(place), radius_mm / regions.grid.spacing_mm
    start = np.clip(np.floor(middle - reach).astype(int), 0, regions.grid.shape)
    stop = np.clip(np.ceil(middle + reach).astype(int) + 1, start, regions.grid.shape)
    axes = [np.arange(a, b) for a, b in zip(start, stop, strict=True)]
    voxels = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    points = regions.grid.to_lps_mm(voxels)
    keep = np.linalg.norm(points - place, axis=1) <= radius_mm
    return tuple(voxels[keep].T), points[keep]


def as_found(chain: Sequence[Peak], regions: Regions) -> tuple[Found, ...]:
    """Give the naming model what it wants to know about each peak."""
    if not chain:
        return ()
    typical = float(np.median([p.votes_ml for p in chain]))
    return tuple(
        Found(
            centre_lps_mm=p.centre_lps_mm,
            groups=p.groups,
            confidence=0.6 + 0.37 * min(1.0, p.votes_ml / (0.6 * typical)),
            number=p.number,
            rib_ml=rib,
        )
        for p, rib in zip(chain, ribs_ml(chain, regions), strict=True)
    )


def _above_sacrum(peaks: Sequence[Peak], regions: Regions, settings: SegmentationSettings) -> list[Peak]:
    """Peaks that do not lie below the middle of a sacrum: there are coccyx and pelvis."""
    sacrum = regions.grid.to_lps_mm(np.argwhere(regions.probability[SACRUM] >= 0.5).astype(np.float64))
    if len(sacrum) * regions.grid.voxel_ml < settings.sacrum_sure_ml:
        return list(peaks)
    foot = float(np.median(sacrum[:, 2])) - settings.below_sacrum_mm
    return [p for p in peaks if p.centre_lps_mm[2] > foot]


def surroundings(chain: Sequence[Peak], regions: Regions) -> Surroundings:
    """Look for the sacrum below the lowest and the skull above the highest body."""
    if not chain:
        return Surroundings()
    return Surroundings(_sacrum_mm(chain[-1], regions), _skull(chain[0], regions))


def _sacrum_mm(lowest: Peak, regions: Regions) -> float | None:
    """Distance from the lowest body centre to the top of the sacrum's midline, mm; None: not in view."""
    sacrum = regions.grid.to_lps_mm(np.argwhere(regions.probability[SACRUM] >= 0.5).astype(np.float64))
    if not len(sacrum):
        return None
    offset = sacrum - lowest.centre_lps_mm
    middle = (np.abs(offset[:, 0]) <= 20.0) & (offset[:, 2] < 0)
    if middle.sum() * regions.grid.voxel_ml < 5.0:  # less than 5 ml is no sacrum
        return None
    distance = np.sort(np.linalg.norm(offset[middle], axis=1))
    return float(distance[len(distance) // 50])


def _skull(highest: Peak, regions: Regions) -> bool:
    """Whether bone of the skull lies straight above the highest body."""
    bone = regions.grid.to_lps_mm(np.argwhere(regions.probability[OTHER_BONE] >= 0.5).astype(np.float64))
    if not len(bone):
        return False
    offset = bone - highest.centre_lps_mm
    above = (np.linalg.norm(offset[:, :2], axis=1) <= 45.0) & (offset[:, 2] > 10.0) & (offset[:, 2] < 70.0)
    return bool(above.sum() * regions.grid.voxel_ml >= 25.0)
