"""The two key pictures of a vertebra: sagittal through its midline, axial through its lesion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spineimg.core.labelmap import LabelMap, Part
from spineimg.core.levels import Level
from spineimg.core.measurements import LesionMeasurement, Measurements, VertebraMeasurement
from spineimg.core.settings.report import ReportSettings
from spineimg.core.volume import Volume
from spineimg.report import palette
from spineimg.report.canvas import HALO, blank, letters_and_scale, outline, show, text, tint, title
from spineimg.report.reformat import Cut, Plane, cut

SITES = ("anterior", "middle", "posterior")


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Everything that a picture of one scan is drawn from."""

    volume: Volume
    labels: LabelMap
    measurements: Measurements
    settings: ReportSettings


def sagittal_plane(vertebra: VertebraMeasurement, settings: ReportSettings) -> Plane:
    """Midline plane of the vertebra's own frame: anterior on the picture's left, head up."""
    _, posterior, cranial = np.array(vertebra.axes_lps)
    width, height = settings.sagittal_field_mm
    origin = np.array(vertebra.centre_lps_mm) + posterior * 0.16 * width
    return Plane(origin, posterior, -cranial, width, height, settings.picture_step_mm)


def axial_plane(
    vertebra: VertebraMeasurement, lesions: Sequence[LesionMeasurement], settings: ReportSettings
) -> Plane:
    """Plane across the vertebra at its largest lesion: patient's right on the picture's left."""
    left, posterior, cranial = np.array(vertebra.axes_lps)
    centre = np.array(vertebra.centre_lps_mm)
    width, height = settings.axial_field_mm
    if lesions:
        largest = max(lesions, key=lambda x: x.volume_ml.value)
        centre = centre + cranial * float((np.array(largest.centre_lps_mm) - centre) @ cranial)
    return Plane(centre + posterior * 0.2 * height, left, posterior, width, height, settings.picture_step_mm)


def sagittal(scene: Scene, vertebra: VertebraMeasurement) -> Figure:
    """Draw the midline with the endplate points, height lines and posterior walls that were measured."""
    plane = sagittal_plane(vertebra, scene.settings)
    figure, axes = _base(scene, plane, vertebra)
    letters_and_scale(axes, plane, "AP" + "SI")
    _neighbour_names(axes, scene, plane, vertebra)
    _posterior_walls(axes, scene, plane, vertebra.level)
    _heights(axes, plane, vertebra)
    title(axes, plane, f"{vertebra.level}, midline")
    return figure


def axial(scene: Scene, vertebra: VertebraMeasurement) -> Figure:
    """Draw the picture across the vertebra through its largest lesion."""
    own = [x for x in scene.measurements.lesions if x.level is vertebra.level]
    # A mark that is unlikely a metastasis may lie far off, in a vessel: the picture shows those that count.
    lesions = [x for x in own if x.status != "unlikely"] or own
    plane = axial_plane(vertebra, lesions, scene.settings)
    figure, axes = _base(scene, plane, vertebra)
    letters_and_scale(axes, plane, "RL" + "AP")
    where = "through the lesion" if lesions else "through its middle"
    title(axes, plane, f"{vertebra.level}, {where}")
    return figure


def _base(scene: Scene, plane: Plane, vertebra: VertebraMeasurement) -> tuple[Figure, Axes]:
    """Grey image with outlines of the body, the posterior elements, the neighbours and the lesions."""
    figure, axes = blank(plane.width_mm, plane.height_mm, scene.settings)
    points = plane.points_lps_mm()
    image = cut(scene.volume.grid, points).image(scene.volume.array)
    show(axes, image, plane, scene.volume.modality, scene.settings)
    masks = cut(scene.labels.grid, points)
    draw_vertebra(axes, scene.labels, vertebra.label, plane, masks)
    draw_lesions(axes, scene.labels, plane, masks)
    return figure, axes


def draw_vertebra(axes: Axes, labels: LabelMap, label: int, plane: Plane, masks: Cut) -> None:
    """Outline the neighbours (dotted), the posterior elements and the body."""
    array = labels.array[masks.box]
    own = array == label
    outline(axes, masks.mask((array > 0) & ~own), plane, "#BBBBBB", (0.7, ":"))
    if labels.parts is None:
        outline(axes, masks.mask(own), plane, palette.BODY, (1.5, "-"))
        return
    body = own & (labels.parts[masks.box] == Part.BODY)
    outline(axes, masks.mask(own & ~body), plane, palette.POSTERIOR, (1.3, "-"))
    outline(axes, masks.mask(body), plane, palette.BODY, (1.5, "-"))


def draw_lesions(axes: Axes, labels: LabelMap, plane: Plane, masks: Cut) -> None:
    """Outline and faintly tint all lesions."""
    if labels.lesions is None:
        return
    share = masks.mask(labels.lesions[masks.box] > 0)
    tint(axes, share, plane, palette.LESION)
    outline(axes, share, plane, palette.LESION, (2.0, "-"))


def _heights(axes: Axes, plane: Plane, vertebra: VertebraMeasurement) -> None:
    """Draw each height line between its endplate points, and the expected height as a dashed ghost."""
    plates = vertebra.endplates_lps_mm
    if plates is None:
        return
    for number, site in enumerate(SITES):
        upper = plane.project(np.array(getattr(plates.upper, site)))
        lower = plane.project(np.array(getattr(plates.lower, site)))
        height = getattr(vertebra.heights_mm, site)
        expected = getattr(vertebra.expected_heights_mm, site)
        worst = site == vertebra.loss_site
        axes.plot(
            *zip(lower, upper, strict=True),
            color=palette.HEIGHT,
            linewidth=2.4 if worst else 1.4,
            path_effects=HALO if worst else None,
        )
        axes.plot(
            *zip(upper, lower, strict=True), "o", color="white", markersize=4.5, markeredgecolor="black"
        )
        if expected is not None:
            along = (upper - lower) / max(float(np.linalg.norm(upper - lower)), 1e-6)
            aside = np.array([-1.6 if number == 0 else 1.6, 0.0])
            ghost = np.stack([lower + aside, lower + aside + along * expected.value])
            axes.plot(*ghost.T, color=palette.EXPECTED, linewidth=1.2, linestyle=(0, (2, 2)))
            if worst:
                # Clear of the wall corners behind and of the edge in front.
                beside = -9.0 if site == "posterior" else 0.0
                top = (float(ghost[1, 0]) + beside, float(ghost[1, 1]) - 2.5)
                text(axes, top, f"expected {expected.value:.1f}", palette.EXPECTED, 9.5)
        if height is not None:
            middle = (upper + lower) / 2
            text(
                axes,
                (float(middle[0]), float(middle[1])),
                f"{height.value:.1f}",
                palette.HEIGHT,
                11.5 if worst else 9.5,
            )


def _posterior_walls(axes: Axes, scene: Scene, plane: Plane, level: Level) -> None:
    """Draw the two wall corners of both segments, each with the line that the shift was measured from."""
    for segment in scene.measurements.segments:
        if level not in (segment.upper, segment.lower) or segment.posterior_walls_lps_mm is None:
            continue
        lower = scene.measurements.vertebra(segment.lower)
        if lower is None:
            continue
        above, below = (plane.project(np.array(p)) for p in segment.posterior_walls_lps_mm)
        cranial = np.array(lower.axes_lps[2])
        up = np.array([cranial @ plane.right, cranial @ plane.down])
        up = up / max(float(np.linalg.norm(up)), 1e-6)
        reach = max(float((above - below) @ up), 0.0) + 4.0
        line = np.stack([below - up * 5.0, below + up * reach])
        axes.plot(*line.T, color=palette.WALL, linewidth=1.4, path_effects=HALO)
        foot = below + up * float((above - below) @ up)
        axes.plot(*np.stack([foot, above]).T, color=palette.WALL, linewidth=2.4)
        axes.plot(
            *np.stack([above, below]).T, "D", color=palette.WALL, markersize=4.0, markeredgecolor="black"
        )
        shift = segment.translation_ap_mm
        if shift is not None:
            place = (float(above[0]) + 14.0, float((above[1] + below[1]) / 2))
            way = "forwards" if shift.value > 0 else "backwards"
            what = f"{segment.upper} {abs(shift.value):.1f} mm {way}"
            if segment.upper is Level.C1:
                what = f"dens to arch {shift.value:.1f} mm"
            words = f"{what}\n({shift.low:+.1f} to {shift.high:+.1f})"
            text(axes, place, words, palette.WALL, 9.0)


def _neighbour_names(axes: Axes, scene: Scene, plane: Plane, vertebra: VertebraMeasurement) -> None:
    left, right, bottom, top = plane.extent
    for other in scene.measurements.vertebrae:
        if other.level is vertebra.level:
            continue
        x, y = plane.project(np.array(other.centre_lps_mm))
        if left + 3 < x < right - 3 and top + 14 < y < bottom - 9:
            text(axes, (float(x), float(y)), str(other.level), "#DDDDDD", 11.0)
