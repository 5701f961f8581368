"""Place the bodies along the column by its rhythm: pedicles come and go once per vertebra.

The votes of the coarse network say roughly where bodies are; on thick slices and narrow discs
they smear. The bone beside the canal does not: it swells at the pedicles and falls to nothing at
the foramina. Both signals are read along the column, and dynamic programming picks the sequence
of centres with the most contrast between centres and gaps at plausible distances.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.segmentation.chain import expected_spacing_mm, peak_at
from spineimg.segmentation.inputs import LOCATE_CLASSES
from spineimg.segmentation.locate import BODY, POSTERIOR, Peak, Regions

Floats = NDArray[np.float64]
CANAL = LOCATE_CLASSES.index("canal")
STEP_MM = 1.5
BESIDE_MM = (9.0, 18.0)
"""Distance from the canal's midline where pedicles cross; foramina leave no bone there."""
DEPTH_MM = 5.0
"""Half the depth of the window beside the canal."""
UP_MM = 4.0
"""Pedicles leave the upper half of a body: their middle lies this much above its centre."""
NECK_GAIN = 4.0
"""The swing in the neck is this much weaker than at the pedicles below."""
NECK_DOWN_MM = 20.0
"""The first thoracic vertebra is still built like the neck."""
FILLED = 0.4
"""A ball inside a body is filled with body voxels by at least this share."""
BEYOND_MM = 30.0
"""The column is followed this far beyond the outermost votes."""


def by_rhythm(chain: Sequence[Peak], regions: Regions, settings: SegmentationSettings) -> tuple[Peak, ...]:
    """Place the bodies of a column again, by pedicles and votes together.

    Parameters
    ----------
    chain : sequence of Peak
        Column from the votes, head to foot; gives the path and the region at each height.
    regions : Regions
        Output of the coarse network.
    settings : SegmentationSettings
        Weights of the two signals and the spacing.

    Returns
    -------
    tuple of Peak
        Head to foot; the given chain where it has fewer than three bodies.
    """
    if len(chain) < 3:
        return tuple(chain)
    heights, path = column_path(chain, regions, (BEYOND_MM, BEYOND_MM))
    order = np.argsort([p.centre_lps_mm[2] for p in chain])
    at = np.array([chain[n].centre_lps_mm[2] for n in order])
    neck = np.interp(heights + NECK_DOWN_MM, at, np.array([chain[n].groups[0] for n in order]))
    signal = _signal(heights, path, neck, regions, settings)
    spacing = np.interp(heights, at, np.array([expected_spacing_mm(chain[n]) for n in order]))
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    places = _best(signal, along, spacing, settings)
    out = []
    for n in reversed(places):
        radius = 0.4 * float(spacing[n])
        peak = peak_at(path[n], radius, regions)
        if peak.votes_ml >= FILLED * 4.19 * (radius / 10.0) ** 3:
            out.append(peak)
    return _with_ends(out, chain, settings)


def _with_ends(placed: list[Peak], chain: Sequence[Peak], settings: SegmentationSettings) -> tuple[Peak, ...]:
    """Keep peaks of the votes beyond both ends of the rhythm, where it is too faint (the neck)."""
    if not placed:
        return tuple(chain)
    above, below = [], []
    for peak in chain:
        near = settings.merge_share * expected_spacing_mm(peak)
        if all(np.linalg.norm(peak.centre_lps_mm - p.centre_lps_mm) > near for p in placed):
            if peak.centre_lps_mm[2] > placed[0].centre_lps_mm[2]:
                above.append(peak)
            elif peak.centre_lps_mm[2] < placed[-1].centre_lps_mm[2]:
                below.append(peak)
    return (*above, *placed, *below)


def column_path(
    chain: Sequence[Peak], regions: Regions, beyond_mm: tuple[float, float]
) -> tuple[Floats, Floats]:
    """Heights from foot to head (n,) and the column's middle at each, (n, 3), inside the grid.

    The path is run on straight beyond the lowest and the highest body by ``beyond_mm``.
    """
    centres = np.array([p.centre_lps_mm for p in reversed(chain)])
    floor = regions.grid.affine[2, 3]
    roof = floor + regions.grid.spacing_mm[2] * (regions.grid.shape[2] - 1)
    low, high = max(floor, centres[0, 2] - beyond_mm[0]), min(roof, centres[-1, 2] + beyond_mm[1])
    heights = np.arange(low, high + 1e-6, STEP_MM)
    path = np.empty((len(heights), 3))
    path[:, 2] = heights
    for axis in (0, 1):
        inside = np.interp(heights, centres[:, 2], centres[:, axis])
        for end, beyond in (
            (slice(0, 3), heights < centres[0, 2]),
            (slice(-3, None), heights > centres[-1, 2]),
        ):
            slope, start = np.polyfit(centres[end, 2], centres[end, axis], 1)
            inside[beyond] = slope * heights[beyond] + start
        path[:, axis] = ndimage.gaussian_filter1d(inside, 8.0 / STEP_MM, mode="nearest")
    return heights, path


def _signal(
    heights: Floats, path: Floats, neck: Floats, regions: Regions, settings: SegmentationSettings
) -> Floats:
    """Pedicles (brought down to the body's centre) and votes along the column, each 0 to about 1.

    In the neck the bone beside the canal thins at the middle of a body (the vessels' holes) and the
    joints between bodies fill it: there the swing counts the other way round.
    """
    bone = _pedicles(heights, path, regions)
    swing = bone - ndimage.gaussian_filter1d(bone, 10.0 / STEP_MM, mode="nearest")
    below = np.interp(heights + UP_MM, heights, bone)
    pedicles = (1 - neck) * below + neck * np.clip(0.5 - NECK_GAIN * swing, 0.0, 1.0)
    pedicles = ndimage.gaussian_filter1d(pedicles, 2.5 / STEP_MM, mode="nearest")
    votes = _votes(heights, path, regions)
    return np.asarray(settings.pedicle_weight * pedicles + settings.vote_weight * votes)


def _pedicles(heights: Floats, path: Floats, regions: Regions) -> Floats:
    """Share of bone beside the canal at each height; carried on where no canal is seen."""
    grid = regions.grid
    x, y, z = (grid.affine[n, 3] + grid.spacing_mm[n] * np.arange(grid.shape[n]) for n in range(3))
    values = np.full(len(z), np.nan)
    for place, height in enumerate(z):
        if not heights[0] - 3 <= height <= heights[-1] + 3:
            continue
        middle = path[int(np.abs(heights - height).argmin())]
        near = (np.abs(x[:, None] - middle[0]) < 25) & (y[None] > middle[1]) & (y[None] < middle[1] + 50)
        canal = regions.probability[CANAL, :, :, place] * near
        if canal.sum() < 3.0:
            continue
        at_x, at_y = (canal * x[:, None]).sum() / canal.sum(), (canal * y[None]).sum() / canal.sum()
        aside = np.abs(x[:, None] - at_x)
        window = (aside > BESIDE_MM[0]) & (aside < BESIDE_MM[1]) & (np.abs(y[None] - at_y) < DEPTH_MM)
        if window.any():
            bone = regions.probability[[BODY, POSTERIOR], :, :, place].sum(0)
            values[place] = float(bone[window].mean())
    seen = np.isfinite(values)
    if not seen.any():
        return np.zeros(len(heights))
    return np.asarray(np.interp(heights, z[seen], values[seen]))


def _votes(heights: Floats, path: Floats, regions: Regions) -> Floats:
    """Votes for a centre at each height within 15 mm of the column, over the median of the peaks."""
    weight = regions.probability[BODY]
    voters = np.argwhere(weight >= 0.3)
    at = tuple(voters.T)
    targets = regions.grid.to_lps_mm(voters.astype(np.float64))
    targets = targets + np.stack([field[at] for field in regions.offset_mm], 1)
    nearest = np.clip(np.rint((targets[:, 2] - heights[0]) / STEP_MM).astype(int), 0, len(heights) - 1)
    close = np.linalg.norm(targets - path[nearest], axis=1) <= 15.0
    density = np.bincount(nearest[close], weight[at][close], minlength=len(heights))
    # Bodies grow downward: each height is judged against its own surroundings.
    smooth = ndimage.gaussian_filter1d(density, 3.0 / STEP_MM, mode="nearest")
    level = ndimage.gaussian_filter1d(density, 40.0 / STEP_MM, mode="nearest")
    return np.asarray(np.clip(0.5 * smooth / np.maximum(level, 1e-6), 0.0, 1.2))


def _best(signal: Floats, along: Floats, spacing: Floats, settings: SegmentationSettings) -> list[int]:
    """Indices of the centres, foot to head: most contrast against the gaps between them."""
    count = len(signal)
    score, source = np.empty(count), np.full(count, -1)
    for here in range(count):
        reach = along[here] - 0.6 * spacing[here]
        foot = signal[: here + 1][along[: here + 1] >= reach].min()
        # An end without a gap in view counts half.
        score[here] = 0.5 * (signal[here] - foot) + 0.5 * signal[here] - settings.body_price
        lowest = np.minimum.accumulate(signal[: here + 1][::-1])[::-1]
        lengths = along[here] - along[:here]
        ratio = lengths / (0.5 * (spacing[here] + spacing[:here]))
        usable = np.flatnonzero((ratio > settings.merge_share) & (ratio < 1.8))
        if not len(usable):
            continue
        stray = 0.5 * (np.log(ratio[usable]) / settings.spacing_spread) ** 2
        gain = (
            score[usable]
            + signal[here]
            - lowest[usable]
            - settings.body_price
            - settings.spacing_weight * stray
        )
        best = int(np.argmax(gain))
        if gain[best] > score[here]:
            score[here], source[here] = gain[best], usable[best]
    place = int(np.argmax(score))
    chosen: list[int] = []
    while place >= 0:
        chosen.append(place)
        place = int(source[place])
    return chosen[::-1]
