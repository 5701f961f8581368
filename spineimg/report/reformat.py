"""Pictures cut out of a scan along any plane, with what stands in that plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.core.grid import Grid, Points
from spineimg.core.settings.report import ReportSettings
from spineimg.core.volume import Modality


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """A rectangle in the patient: ``lps = origin + right * x + down * y`` with x, y in mm from its centre.

    ``right`` and ``down`` are unit vectors along the rows' and columns' direction of the picture.
    """

    origin: Points
    right: Points
    down: Points
    width_mm: float
    height_mm: float
    step_mm: float

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top of the picture in mm, for an image whose y runs down."""
        return (-self.width_mm / 2, self.width_mm / 2, self.height_mm / 2, -self.height_mm / 2)

    def axes_mm(self) -> tuple[Points, Points]:
        """Places of the pixel centres along x and y, mm."""
        x = np.arange(-self.width_mm / 2 + self.step_mm / 2, self.width_mm / 2, self.step_mm)
        y = np.arange(-self.height_mm / 2 + self.step_mm / 2, self.height_mm / 2, self.step_mm)
        return x, y

    def points_lps_mm(self) -> Points:
        """LPS place of every pixel, shape (rows, columns, 3)."""
        x, y = self.axes_mm()
        return self.origin + y[:, None, None] * self.down + x[None, :, None] * self.right

    def project(self, lps_mm: Points) -> Points:
        """Place on the picture (x, y mm) of points in the patient, dropped at right angles."""
        offset = np.asarray(lps_mm, dtype=np.float64) - self.origin
        return np.stack([offset @ self.right, offset @ self.down], axis=-1)


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """Where the pixels of a picture lie in an array: the box that is read, and the places in it."""

    box: tuple[slice, slice, slice]
    index: Points
    outside: NDArray[np.bool_]
    shape: tuple[int, int]

    def image(self, array: NDArray[Any]) -> Points:
        """Image by linear interpolation, NaN outside the scan; shape (rows, columns)."""
        found = self._sample(array[self.box])
        found[self.outside] = np.nan
        return found

    def mask(self, box: NDArray[np.bool_]) -> Points:
        """Share (0-1) of a mask given on the box (``array[cut.box] == label``), for an outline at 0.5.

        Smoothed by a pixel and a half, which takes the steps of the voxels off the line and moves it by less
        than its width.
        """
        if not box.any():
            return np.zeros(self.shape)
        found = self._sample(box.astype(np.float32))
        found[self.outside] = 0.0
        return np.asarray(ndimage.gaussian_filter(found, 1.5))

    def _sample(self, box: NDArray[Any]) -> Points:
        values = ndimage.map_coordinates(box, self.index, output=np.float32, order=1, mode="nearest")
        return np.asarray(values, dtype=np.float64).reshape(self.shape)


def cut(grid: Grid, points_lps_mm: Points) -> Cut:
    """Find the pixels (LPS mm, shape (rows, columns, 3)) in a grid."""
    index = grid.to_index(points_lps_mm.reshape(-1, 3))
    last = np.array(grid.shape) - 1
    low = np.clip(np.floor(index.min(axis=0)).astype(int) - 1, 0, last)
    high = np.clip(np.ceil(index.max(axis=0)).astype(int) + 2, low + 1, last + 1)
    outside = ((index < -0.5) | (index > last + 0.5)).any(axis=1)
    rows, columns = points_lps_mm.shape[:2]
    box = (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
    return Cut(box, (index - low).T, outside.reshape(rows, columns), (rows, columns))


def window(image: Points, modality: Modality, settings: ReportSettings) -> tuple[float, float]:
    """Grey values shown as black and white."""
    if modality is Modality.CT:
        centre, width = settings.window_ct_hu
        return centre - width / 2, centre + width / 2
    seen = image[np.isfinite(image)]
    if seen.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(seen, settings.window_mr_percentiles)
    return float(low), float(max(high, low + 1e-6))
