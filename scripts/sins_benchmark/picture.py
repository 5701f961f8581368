"""One level of a case in its middle plane: what was measured drawn over what is true."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from scipy import ndimage

from sins_benchmark.cases import Case
from sins_benchmark.judge import SETTINGS, true_masks
from spineimg.core.levels import Level
from spineimg.measurement import measure

mpl.use("Agg")
import matplotlib.pyplot as plt

REACH_MM = (34.0, 46.0)
"""Half height, and half depth with the posterior elements, of the picture."""
STEP_MM = 0.35


def draw_level(case: Case, level: Level, file: Path) -> None:
    """Sagittal picture through a level in its true frame, with masks, lesion, and measured endplate points.

    Parameters
    ----------
    case : Case
        A case of the benchmark.
    level : Level
        Which vertebra.
    file : Path
        PNG to write, below 150 kB.
    """
    record = next(v for v in case.truth["measurements"]["vertebrae"] if v["level"] == str(level))
    axes, origin = np.array(record["axes_lps"]), np.array(record["centre_lps_mm"])
    y = np.arange(-0.7 * REACH_MM[1], 1.2 * REACH_MM[1], STEP_MM)
    z = np.arange(-REACH_MM[0], REACH_MM[0], STEP_MM)
    rows, columns = np.meshgrid(z, y, indexing="ij")
    points = origin + rows[..., None] * axes[2] + columns[..., None] * axes[1]
    index = np.moveaxis(case.volume.grid.to_index(points), -1, 0)

    def slice_of(array: Any, order: int) -> Any:
        return ndimage.map_coordinates(array, index, order=order, output=np.float32, mode="nearest")

    extent = (y[0], y[-1], z[0], z[-1])
    figure, plain = plt.subplots(1, 2, figsize=(7.2, 3.9), sharey=True)
    for axis in plain:
        axis.imshow(
            slice_of(case.volume.array, 1), cmap="gray", vmin=-150, vmax=700, extent=extent, origin="lower"
        )
        axis.set_axis_off()
    mask = slice_of((case.labels.array == level.verse_id).astype(np.float32), 1)
    plain[1].contour(y, z, mask, levels=[0.5], colors="tab:blue", linewidths=0.8)
    if case.labels.lesions is not None:
        ill = slice_of((case.labels.lesions > 0).astype(np.float32), 1)
        plain[1].contour(y, z, ill, levels=[0.5], colors="tab:red", linewidths=0.8)
    found = measure(case.volume, true_masks(case), SETTINGS.measurement).vertebra(level)
    if found is not None and found.endplates_lps_mm is not None:
        for plate in (found.endplates_lps_mm.upper, found.endplates_lps_mm.lower):
            three = np.array([plate.anterior, plate.middle, plate.posterior]) - origin
            plain[1].plot(
                three @ axes[1], three @ axes[2], "x", color="yellow", markersize=6, markeredgewidth=1.6
            )
    plain[0].set_title(f"case {case.number} ({case.generator}), {level}", fontsize=9)
    plain[1].set_title(_heights(record, found), fontsize=9)
    figure.tight_layout()
    figure.savefig(file, dpi=100)
    plt.close(figure)


def _heights(record: Mapping[str, Any], found: Any) -> str:
    sites = ("anterior", "middle", "posterior")
    true = "/".join("-" if not (h := record["heights_mm"][s]) else f"{h['value']:.1f}" for s in sites)
    if found is None:
        return f"true {true} mm, not measured"
    ours = "/".join("-" if (h := getattr(found.heights_mm, s)) is None else f"{h.value:.1f}" for s in sites)
    return f"true {true}, measured {ours} mm"
