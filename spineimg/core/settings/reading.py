"""Thresholds of the reading room, each with its reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadingSettings:
    """Settings of reading: DICOM headers, series, stacks, pixels.

    Geometry follows DICOM PS3.3 C.7.6.2.1.1 (Image Plane Module): positions decide, tags only describe.
    """

    threads: int = 4
    """Headers read at once: hides the latency of network drives; on a local disk it changes nothing."""

    min_slices: int = 3
    """Fewer planes show no step twice, so nothing proves that they are a stack."""

    same_position_mm: float = 0.02
    """Planes closer than this lie at one position: below the smallest increment of clinical CT (0.1 mm)."""

    position_tolerance_mm: float = 0.1
    """Distance of a plane from its place on the regular line: scanners write positions to 0.1 mm or finer."""

    hole_ratio: float = 1.5
    """A step this many times the usual one, all others being equal, is a hole and no jitter."""

    direction_tolerance_deg: float = 0.1
    """Planes turned against each other by more are not parallel: 0.1 degrees is 0.4 mm over 250 mm."""

    unit_tolerance: float = 0.01
    """Direction cosines may be off by rounding: three to four decimals are usual."""

    orthogonal_tolerance: float = 0.01
    """Largest cosine between row and column direction (0.6 degrees), for the same reason."""

    spacing_tolerance: float = 0.001
    """Relative difference of PixelSpacing within a stack that is rounding."""

    tilt_from_deg: float = 0.1
    """Smaller angles between the stacking direction and the planes' normal are rounding of positions."""

    tilt_drift_mm: float = 0.2
    """Nor is it a tilt while the last plane is shifted by less than this against the first."""

    declared_spacing_tolerance: float = 0.05
    """Relative difference between SpacingBetweenSlices and positions from which it is said."""

    coarse_slices_mm: float = 6.0
    """From here no height may be claimed along the stack: an adult body is 15-30 mm high, so 2-5 slices."""

    padding_hu: int = -1024
    """What voxels outside the scanned field read on CT: air, the lowest value of the usual 12-bit scale."""

    tissue_hu: tuple[int, int] = (-900, 3500)
    """A PixelPaddingValue inside this range is tissue by its value and is not masked."""

    wrapped_hu: tuple[int, int] = (-4096, -200)
    """What wrapped values of a wrong PixelRepresentation must be once they are signed: air or outside."""

    wrapped_min_fraction: float = 0.001
    """A body in air wraps far more voxels than this; fewer are saturated metal, which nothing can repair."""

    coarse_grey_bits: int = 8
    """CT stored in this many bits or fewer: HU known to half a grey step only."""

    implausible_ratio: int = 200
    """Headers that claim this many times the bytes that follow are refused before memory is taken."""

    implausible_compressed_ratio: int = 5000
    """The same for compressed frames; a plain black frame reaches about 1000."""

    zip_limit_bytes: int = 4_000_000_000
    """Largest member of a zip that is unpacked into memory."""
