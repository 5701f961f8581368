"""Enhanced multi-frame objects: one `Header` per frame, from the functional groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydicom import dcmread

from spineimg.dicom.header import Header

MOST_FRAMES = 100_000
"""Enough for any series; a header that claims more is left as one image and refused by its size."""


def frames_of(header: Header) -> list[Header]:
    """Split a multi-frame header into one per frame.

    Without functional groups every frame comes back without geometry, which the stack then refuses.
    """
    count = header.format.frames
    with header.source.open() as stream:
        dataset = dcmread(stream, stop_before_pixels=True, force=True)
    shared = _first(dataset.get("SharedFunctionalGroupsSequence"))
    frames = dataset.get("PerFrameFunctionalGroupsSequence") or []
    if count > 1 and not frames and shared is None:
        # no functional groups: one header stands for all frames, with no geometry to believe
        return [replace(header, position=None, orientation=None, spacing=None)]
    if count > MOST_FRAMES or len(frames) != count:
        return [replace(header, position=None)]
    return [_frame(header, index, (frames[index], shared)) for index in range(count)]


def _first(sequence: Any) -> Any:
    return sequence[0] if sequence else None


def _frame(header: Header, index: int, groups: Sequence[Any]) -> Header:
    place = _macro(groups, "PlanePositionSequence")
    direction = _macro(groups, "PlaneOrientationSequence")
    measures = _macro(groups, "PixelMeasuresSequence")
    values = _macro(groups, "PixelValueTransformationSequence")
    content = _macro(groups, "FrameContentSequence")
    kind = _macro(groups, "CTImageFrameTypeSequence") or _macro(groups, "MRImageFrameTypeSequence")
    diffusion = _macro(groups, "MRDiffusionSequence")
    echo = _macro(groups, "MREchoSequence")
    position = _numbers(place, "ImagePositionPatient")
    orientation = _numbers(direction, "ImageOrientationPatient")
    spacing = _numbers(measures, "PixelSpacing")
    image_type = (
        header.image_type if kind is None else tuple(str(v).upper() for v in kind.get("FrameType", ()))
    )
    moment = header.moment._replace(
        temporal_position=_text(content, "TemporalPositionIndex"),
        acquisition=_text(content, "FrameAcquisitionNumber"),
        stack=_text(content, "StackID"),
        b_value=_text(diffusion, "DiffusionBValue"),
        echo=_text(echo, "EffectiveEchoTime"),
        image_type="\\".join(image_type),
    )
    return replace(
        header,
        frame=index,
        position=(position[0], position[1], position[2]) if len(position) == 3 else header.position,
        orientation=tuple(orientation) if len(orientation) == 6 else header.orientation,
        spacing=(spacing[0], spacing[1]) if len(spacing) == 2 else header.spacing,
        slope=_number(values, "RescaleSlope", header.slope),
        intercept=_number(values, "RescaleIntercept", header.intercept),
        thickness=_number(measures, "SliceThickness", header.thickness),
        declared_spacing=_number(measures, "SpacingBetweenSlices", header.declared_spacing),
        image_type=image_type,
        moment=moment,
        acquisition_time=_text(content, "FrameAcquisitionDateTime") or header.acquisition_time,
    )


def _macro(groups: Sequence[Any], name: str) -> Any:
    """A macro's item: the frame's own before the shared one."""
    for group in groups:
        item = _first(group.get(name)) if group is not None else None
        if item is not None:
            return item
    return None


def _numbers(item: Any, name: str) -> list[float]:
    value = item.get(name) if item is not None else None
    return [] if value is None else [float(v) for v in value]


def _number(item: Any, name: str, otherwise: float | None) -> float | None:
    value = item.get(name) if item is not None else None
    return otherwise if value is None else float(value)


def _text(item: Any, name: str) -> str:
    value = item.get(name) if item is not None else None
    return "" if value is None else str(value)
