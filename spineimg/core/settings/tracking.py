"""Thresholds of the tracking room, each with its reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrackingSettings:
    """Settings of tracking."""

    fractured_percent: float = 20.0
    """Loss that counts as a fracture: lower limit of Genant grade 1 (J Bone Miner Res 1993;8:1137)."""
    new_fracture_points: float = 20.0
    """Fall of one height that makes a new fracture (semiquantitative incident fracture, Genant 1993)."""
    progression_points: float = 15.0
    """Further fall that makes a progression (ours)."""
    own_half_points: float = 12.0
    """Half-width (95 %) of one height that is its own, in percent of the height; a wider one is wide for a
    reason that both scans share (a destroyed or hidden endplate that the same mask guesses alike) and the
    rest cancels in the change (ours: 21 such heights of real CT against itself differed by 6.0 points RMS,
    at most 13.9, though each alone was known to no better than 25 to 75)."""
    least_volume_share: float = 0.25
    """A body that lost height lost at least this share of it in volume: a wedge half, a biconcave body a
    third (ours, geometry; 15.9 and 10.4 % for painted losses of 30 % on a real CT). Else the height is an
    error of its endplate, and the event stays open."""
    volume_noise_percent: float = 3.0
    """So much may the volume of an unchanged body differ between two scans (ours: SD 1.1 % over 33 bodies of
    a real CT sampled again). A fall that would have cost more volume than was lost is ruled out."""
    sclerosing_points: float = 20.0
    """Fall of the lytic share that makes a lesion sclerosing (ours, as in trial.md)."""
    smallest_lesion_change_ml: float = 0.2
    """No lesion change below this counts, however small the lesion (ours: a ball of 7 mm)."""
    sins_limits: tuple[int, int] = (7, 13)
    """Lowest totals of "potentially unstable" and "unstable" (Fisher, Spine 2010;35:E1221)."""

    shape_spacing_mm: float = 1.5
    """Step of the distance maps that are registered (ours: fine enough for laminae, cheap)."""
    shape_reach_mm: float = 8.0
    """Distances beyond this are cut off, so that a missing part does not pull the fit (ours)."""
    shape_sampling: float = 0.05
    """Share of the map that a fit looks at (ours: with 0.15 the fits were no better)."""
    shape_samples: int = 5000
    """... and at least so many places (ours)."""
    agreement_tolerance_mm: float = 1.5
    """Agreement of two vertebrae = share of surface points this near after the fit (ours: one step)."""
    shift_levels: int = 6
    """Levels registered against the wrong neighbour to test a count off by one (ours: cost)."""
    shift_margin_mm: float = 0.12
    """A shifted count must fit better by this mean distance to replace the names (ours; one real CT
    against itself, turned, in 5 mm slices, masks shaken by 1 mm: 0.8 mm, its neighbours 1.1)."""
    shift_ratio: float = 0.85
    """... and by this factor (ours)."""
    shift_volumes: float = 0.05
    """Where the shapes leave it open, the volumes of the bodies decide: they must agree within this (median,
    relative; ours: SD 1.1 % over bodies of a real CT sampled again, neighbours differ by 5 to 15 %) ..."""
    shift_volumes_ratio: float = 0.5
    """... and within this share of what they differ under the names (ours)."""
    doubtful_fit_mm: float = 1.5
    """A matched vertebra that fits worse than this is in doubt (ours)."""
