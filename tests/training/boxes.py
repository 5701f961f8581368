"""A column of boxes whose centres, faces and lesions are known by construction."""

from __future__ import annotations

import numpy as np

from spineimg.training.templates import Template, body_centres, region_of, signed_distance

SPACING = np.full(3, 2.0)
ORIGIN = np.array([-60.0, -50.0, -80.0])
SHAPE = (60, 70, 80)
BODY_HEIGHT_MM = 24.0
PITCH_MM = 32.0
FIRST_LEVEL = 20


def column_arrays() -> tuple[np.ndarray, np.ndarray]:
    """Labels and parts: five boxes from L1 (top) to L5 along z, arches behind."""
    x, y, z = (ORIGIN[a] + np.arange(SHAPE[a]) * SPACING[a] for a in range(3))
    x, y, z = np.meshgrid(x, y, z, indexing="ij")
    labels = np.zeros(SHAPE, np.uint8)
    parts = np.zeros(SHAPE, np.uint8)
    for i in range(5):
        centre = 64.0 - PITCH_MM * i
        tall = np.abs(z - centre) < BODY_HEIGHT_MM / 2
        body = tall & (np.abs(x) < 20) & (np.abs(y) < 15)
        arch = (np.abs(z - centre) < 8) & (np.abs(x) < 4) & (y >= 30) & (y < 60)
        labels[body | arch] = FIRST_LEVEL + i
        parts[body] = 1
        parts[arch] = 2
        gap = (z < centre - BODY_HEIGHT_MM / 2) & (z > centre - PITCH_MM + BODY_HEIGHT_MM / 2)
        parts[gap & (np.abs(x) < 20) & (np.abs(y) < 15)] = 11
    parts[(labels == 0) & (np.hypot(x, y - 23) < 7)] = 10
    return labels, parts


def column() -> Template:
    """The column as a template."""
    labels, parts = column_arrays()
    region = region_of(labels, parts)
    return Template(
        name="boxes",
        labels=labels,
        region=region,
        sdf=signed_distance(labels, SPACING),
        spacing=SPACING,
        origin=ORIGIN,
        centres=body_centres(labels, region, SPACING, ORIGIN),
        cut=frozenset(),
        torso=False,
    )
