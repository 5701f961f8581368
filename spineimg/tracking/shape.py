"""The shape of one vertebra in its own frame, and how one lies on another."""

# mypy: disable-error-code="no-untyped-call"
# SimpleITK has no types.

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.core.grid import Points
from spineimg.core.labelmap import LabelMap, Part
from spineimg.core.levels import Level
from spineimg.core.measurements import Measurements, VertebraMeasurement
from spineimg.core.settings.tracking import TrackingSettings

_MARGIN_MM = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class VertebraShape:
    """Signed distance (mm, negative inside) to the anchor's surface, in the vertebra's own frame.

    The anchor is the posterior elements where the masks divide them from the body, since a fracture changes
    the body; else the whole vertebra. Axes of ``distance_mm``: left, posterior, cranial; ``origin_mm`` is the
    place of its first voxel from the body's centroid.
    """

    level: Level
    distance_mm: NDArray[np.float32]
    origin_mm: Points
    spacing_mm: float
    surface_mm: Points
    centre_lps_mm: Points


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """How one vertebra lies on another: ``later = rotation @ earlier + shift_mm``, in their own frames.

    ``distance_mm`` is the mean distance of the surfaces after the fit, ``agreement`` the share of them within
    the tolerance (0-1).
    """

    rotation: Points
    shift_mm: Points
    distance_mm: float
    agreement: float


def shapes(
    labels: LabelMap, measurements: Measurements, settings: TrackingSettings
) -> Mapping[Level, VertebraShape]:
    """Shape of every complete vertebra C1-L6 that has a mask."""
    boxes = ndimage.find_objects(labels.array, max_label=32)
    found: dict[Level, VertebraShape] = {}
    for vertebra in measurements.vertebrae:
        box = boxes[vertebra.label - 1]
        if box is None or not vertebra.complete or not vertebra.level.is_vertebra:
            continue
        found[vertebra.level] = shape_of(labels, vertebra, box, settings)
    return found


def shape_of(
    labels: LabelMap, vertebra: VertebraMeasurement, box: tuple[slice, ...], settings: TrackingSettings
) -> VertebraShape:
    """Shape of one vertebra whose mask lies in a box of the label array."""
    mask = labels.array[box] == vertebra.label
    if labels.parts is not None:
        parts = labels.parts[box]
        posterior = mask & (parts >= Part.POSTERIOR) & (parts < Part.CANAL)
        mask = posterior if posterior.sum() * labels.grid.voxel_ml > 1.0 else mask
    start = np.array([s.start for s in box], dtype=np.float64)
    axes = np.array(vertebra.axes_lps)
    centre = np.array(vertebra.centre_lps_mm)
    own = (labels.grid.to_lps_mm(np.argwhere(mask) + start) - centre) @ axes.T
    step = settings.shape_spacing_mm
    origin = own.min(axis=0) - _MARGIN_MM
    count = np.ceil((own.max(axis=0) + _MARGIN_MM - origin) / step).astype(int) + 1
    points = np.stack(np.meshgrid(*[np.arange(n) for n in count], indexing="ij"), axis=-1) * step + origin
    index = labels.grid.to_index(points.reshape(-1, 3) @ axes + centre) - start
    soft = ndimage.map_coordinates(mask.astype(np.float32), index.T, order=1).reshape(tuple(count))
    inside = soft > min(0.5, 0.5 * float(soft.max()))
    # Half a step off each side puts zero on the border between inside and outside.
    distance = np.where(
        inside,
        0.5 - ndimage.distance_transform_edt(inside),
        ndimage.distance_transform_edt(~inside) - 0.5,
    )
    edge = inside & ~ndimage.binary_erosion(inside)
    # The edge voxels' centres lie half a step inside: they are moved out along the slope, onto the surface.
    slope = np.stack([part[edge] for part in np.gradient(distance)], axis=-1)
    slope /= np.maximum(np.linalg.norm(slope, axis=-1, keepdims=True), 0.5)
    surface = np.argwhere(edge) - distance[edge][:, None] * slope
    reach = settings.shape_reach_mm
    return VertebraShape(
        vertebra.level,
        np.clip(distance * step, -reach, reach).astype(np.float32),
        origin,
        step,
        surface * step + origin,
        centre,
    )


def fit(earlier: VertebraShape, later: VertebraShape, settings: TrackingSettings) -> Fit:
    """Lay the earlier vertebra's anchor rigidly on the later one's (SimpleITK, mean squares of distances)."""
    registration = sitk.ImageRegistrationMethod()
    registration.SetNumberOfThreads(1)
    registration.SetMetricAsMeanSquares()
    registration.SetMetricSamplingStrategy(registration.REGULAR)
    registration.SetMetricSamplingPercentage(
        min(1.0, max(settings.shape_sampling, settings.shape_samples / earlier.distance_mm.size))
    )
    registration.SetInterpolator(sitk.sitkLinear)
    registration.SetOptimizerAsRegularStepGradientDescent(1.0, 0.02, 40)
    registration.SetOptimizerScalesFromPhysicalShift()
    centre = earlier.surface_mm.mean(axis=0)
    start = sitk.Euler3DTransform()
    start.SetCenter(tuple(centre))
    start.SetTranslation(tuple(later.surface_mm.mean(axis=0) - centre))
    registration.SetInitialTransform(start, inPlace=True)
    # Two shapes that nowhere overlap stay as they were laid: their distance then says that they do not fit.
    with contextlib.suppress(RuntimeError):
        registration.Execute(_image(earlier), _image(later))
    rotation = np.array(start.GetMatrix()).reshape(3, 3)
    shift = np.array(start.GetTranslation()) + centre - rotation @ centre
    forward = _distances(later, earlier.surface_mm @ rotation.T + shift)
    backward = _distances(earlier, (later.surface_mm - shift) @ rotation)
    both = np.concatenate([forward, backward])
    near = float((both <= settings.agreement_tolerance_mm).mean())
    return Fit(rotation, shift, float((forward.mean() + backward.mean()) / 2), near)


def _image(shape: VertebraShape) -> sitk.Image:
    image = sitk.GetImageFromArray(np.ascontiguousarray(shape.distance_mm.transpose(2, 1, 0)))
    image.SetSpacing((shape.spacing_mm,) * 3)
    image.SetOrigin(tuple(shape.origin_mm))
    return image


def _distances(shape: VertebraShape, points_mm: Points) -> Points:
    index = (points_mm - shape.origin_mm) / shape.spacing_mm
    found = ndimage.map_coordinates(shape.distance_mm, index.T, order=1, mode="nearest")
    return np.abs(np.asarray(found, dtype=np.float64))
