"""Choices of the report room, each with its reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReportSettings:
    """Settings of report."""

    window_ct_hu: tuple[float, float] = (320.0, 1400.0)
    """Centre and width of the bone window (usual values; trabecular bone stays visible)."""
    window_mr_percentiles: tuple[float, float] = (1.0, 99.5)
    """MR has no scale: its window spans these percentiles of the picture (ours)."""
    picture_step_mm: float = 0.4
    """Step of a reformatted picture (ours: finer than any scan)."""
    sagittal_field_mm: tuple[float, float] = (92.0, 104.0)
    """Width and height of a sagittal key picture: the vertebra and most of both neighbours (ours)."""
    axial_field_mm: tuple[float, float] = (104.0, 92.0)
    """Width and height of an axial key picture: the vertebra with its rib joints (ours)."""
    picture_dpi: int = 130
    """Pictures are 6 inches wide: 780 pixels (ours)."""
    column_margin_mm: float = 30.0
    """Room around the body centres in the picture of the whole column (ours)."""
    crop_margin_mm: float = 25.0
    """Margin about the column of what is measured, drawn and kept in the case (ours: it holds the ribs' heads
    and a lesion that grows out)."""
