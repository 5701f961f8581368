"""Place the bodies between their discs, where the first look straddled some or merged two.

The fine network segments whatever body its guide lies in, and a guide on a disc makes it take halves of two
bodies for one. Yet all patches together show the discs: their bone thins there, and on CT the image is dark
between two bright endplates. Dynamic programming picks the discs of the whole column at plausible distances,
for the patient's own size; a body lies in the middle between two of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import isotonic_regression

from spineimg.core.grid import Points
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.core.volume import Modality
from spineimg.segmentation.chain import drawn_in, expected_spacing_mm, peak_at
from spineimg.segmentation.locate import Peak, Regions
from spineimg.segmentation.profile import STEP_MM, Profile
from spineimg.segmentation.rhythm import FILLED

Floats = NDArray[np.float64]
SIZES = np.exp(np.arange(-0.35, 0.26, 0.05))
"""Sizes of the patient that are tried, as shares of the mean adult's spacing."""
REACH = 0.28
"""The flanks of a disc are looked for so far away, in spacings: nearer than the far end of a body."""
LEAST_DOUBT = 1e-3
"""The network's doubt counts on a log scale down to here: where all patches are sure, a little tells."""
SNAP = 0.15
"""A body of the first look stays where it lies so near, in spacings, to where the discs want one."""
MOST = 1.2
"""A signal beyond this many of the scan's usual discs counts no more."""


def between_discs(
    seen: Profile,
    chain: Sequence[Peak],
    regions: Regions,
    modality: Modality,
    settings: SegmentationSettings,
) -> tuple[Peak, ...]:
    """Place the bodies of a column again, each in the middle between two discs.

    Parameters
    ----------
    seen : Profile
        Along the column.
    chain : sequence of Peak
        The column so far, head to foot: gives the region at each height, and its ends.
    regions : Regions
        Output of the coarse network.
    modality : Modality
        On CT the image counts too; on MR a disc may have any brightness.
    settings : SegmentationSettings
        Price of a disc, weight and spread of their distances.

    Returns
    -------
    tuple of Peak
        Head to foot; the given chain where fewer than two discs are seen.
    """
    order = list(reversed(chain))
    height = np.array([peak.centre_lps_mm[2] for peak in order])
    # Distances shrink toward the head: a body whose look is mistaken for another region's bends that little.
    usual = isotonic_regression([expected_spacing_mm(peak) for peak in order], increasing=False).x
    spacing = np.interp(seen.points[:, 2], height, usual)
    size, discs = best_discs(seen, spacing, modality, settings)
    if len(discs) < 2:
        return tuple(chain)
    spacing = size * spacing
    middles = [
        int(np.abs(seen.along_mm - (seen.along_mm[a] + seen.along_mm[b]) / 2).argmin())
        for a, b in pairwise(discs)
    ]
    placed = [_body(seen.points[n], float(spacing[n]), regions) for n in middles]
    bodies = [peak for peak in placed if peak is not None]
    if not bodies:
        return tuple(chain)
    ends = [_end(side, (discs[0], discs[-1]), seen, spacing, (chain, regions)) for side in (-1, 1)]
    return (*ends[1], *reversed(bodies), *ends[0])


def disc_signal(seen: Profile, spacing_mm: Floats, modality: Modality) -> Floats:
    """How much each place looks like a disc; 1 is a usual disc of this scan.

    Parameters
    ----------
    seen : Profile
        Along the column.
    spacing_mm : ndarray, (n,)
        Expected distance of neighbours at each place.
    modality : Modality
        On CT the image's dark gap between two bright plates counts as much as the network's.
    """
    sure = -np.log10(1.0 - np.clip(seen.bone, 0.0, 1.0) + LEAST_DOUBT)
    signs = [_valley(sure, spacing_mm)]
    if modality is Modality.CT:
        signs.append(_valley(seen.image, spacing_mm))
    # Either sign alone tells: the network may overlook a disc, and thick slices hide its plates.
    return np.asarray(0.5 * (np.mean(signs, axis=0) + np.max(signs, axis=0)))


def _valley(values: Floats, spacing_mm: Floats) -> Floats:
    """How far each place lies below the lower of the tops on both its sides, in usual valleys."""
    depth = np.zeros(len(values))
    for place, spacing in enumerate(spacing_mm):
        reach = max(2, round(REACH * float(spacing) / STEP_MM))
        before, after = values[max(0, place - reach) : place], values[place + 1 : place + 1 + reach]
        if len(before) and len(after):
            depth[place] = max(0.0, min(before.max(), after.max()) - values[place])
    depth = ndimage.gaussian_filter1d(depth, 1.0, mode="nearest")
    tops = depth[(depth == ndimage.maximum_filter1d(depth, 9)) & (depth > 0)]
    if not len(tops):
        return depth
    usual = float(np.median(tops[tops >= 0.3 * np.percentile(tops, 90)]))
    return np.asarray(np.minimum(depth / max(usual, 1e-6), MOST))


def best_discs(
    seen: Profile, spacing_mm: Floats, modality: Modality, settings: SegmentationSettings
) -> tuple[float, list[int]]:
    """Size of the patient and places of the discs, foot to head, with the largest score together.

    Parameters
    ----------
    seen : Profile
        Along the column.
    spacing_mm : ndarray, (n,)
        The mean adult's distance of neighbours at each place.
    modality : Modality
        See `disc_signal`.
    settings : SegmentationSettings
        Price of a disc, weight and spread of the distances, spread of sizes.
    """
    best: tuple[float, float, list[int]] = (-np.inf, 1.0, [])
    for size in SIZES:
        own = size * spacing_mm
        score, places = _sequence(disc_signal(seen, own, modality), seen.along_mm, own, settings)
        score -= 0.5 * (np.log(size) / settings.size_spread) ** 2
        if score > best[0]:
            best = (score, float(size), places)
    return best[1], best[2]


def _sequence(
    signal: Floats, along_mm: Floats, spacing_mm: Floats, settings: SegmentationSettings
) -> tuple[float, list[int]]:
    """Dynamic programming over the places, foot to head."""
    gain = signal - settings.disc_price
    score, source = gain.copy(), np.full(len(gain), -1)
    for here in range(len(gain)):
        length = along_mm[here] - along_mm[:here]
        ratio = length / (0.5 * (spacing_mm[here] + spacing_mm[:here]))
        usable = np.flatnonzero((ratio > settings.merge_share) & (ratio < 1.0 / settings.merge_share))
        if not len(usable):
            continue
        stray = 0.5 * (np.log(ratio[usable]) / settings.disc_spread) ** 2
        reached = score[usable] + gain[here] - settings.disc_spacing_weight * stray
        first = int(np.argmax(reached))
        if reached[first] > score[here]:
            score[here], source[here] = reached[first], usable[first]
    place = int(np.argmax(score))
    total, chosen = float(score[place]), []
    while place >= 0:
        chosen.append(place)
        place = int(source[place])
    return total, chosen[::-1]


def _body(place: Points, spacing_mm: float, regions: Regions) -> Peak | None:
    """A body at a place, if the coarse network sees enough body there."""
    radius = 0.35 * spacing_mm
    peak = peak_at(place, radius, regions)
    return peak if peak.votes_ml >= FILLED * 4.19 * (radius / 10.0) ** 3 else None


def _end(
    side: int,
    outer: tuple[int, int],
    seen: Profile,
    spacing: Floats,
    column: tuple[Sequence[Peak], Regions],
) -> list[Peak]:
    """Bodies beyond the lowest (-1) or highest (1) disc, head to foot, one spacing apart.

    As many as the chain has there, but at least one is tried; where the chain's lies near enough, it stays.
    """
    chain, regions = column
    at = [seen.along_mm[np.linalg.norm(seen.points - p.centre_lps_mm, axis=1).argmin()] for p in chain]
    furthest = side * max(side * float(a) for a in at)
    disc = outer[0] if side < 0 else outer[1]
    step = float(spacing[disc])
    place = float(seen.along_mm[disc]) + side * step / 2
    out: list[Peak] = []
    while 0.0 <= place <= seen.along_mm[-1] and (not out or side * (furthest - place) > -step / 2):
        near = int(np.argmin(np.abs(np.array(at) - place)))
        if abs(at[near] - place) <= SNAP * step:
            found: Peak | None = chain[near]
        else:
            here = seen.points[int(np.abs(seen.along_mm - place).argmin())]
            found = _body(drawn_in(here, step / 2, regions), step, regions)
        if found is None:
            break
        out.append(found)
        place += side * step
    return out[::-side]
