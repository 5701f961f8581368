"""The two endplates of a body as height fields, whole and fractured, and the heights between them.

Own frame of the vertebra: x left, y posterior, z cranial, mm, origin at the centre of the unfractured body.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from spineimg.core.levels import Level, Region
from spineimg.phantom.shapes import Field, Number
from spineimg.phantom.sizes import VertebraSize
from spineimg.phantom.spec import FractureSpec, LookAlikeSpec, SpurSpec

HOLLOW = 0.05
"""How far the posterior wall is drawn in at the midline, share of the depth."""
MIDLINE_BACK = 1 / (1 + 2 * HOLLOW)
"""Where the endplate ends behind in the midline, in half depths; in front it ends at -1."""
SITES = {
    site: -1 + share * (1 + MIDLINE_BACK)
    for site, share in (("anterior", 0.1), ("middle", 0.5), ("posterior", 0.9))
}
"""Readers' points on an endplate, 10, 50, 90 % of its depth (six-point morphometry), in half depths."""
_UPPER_SHARE = {"wedge": 1.0, "biconcave": 0.5, "crush": 0.65}


@dataclass(frozen=True, slots=True)
class BodyShape:
    """A body's outline and endplates."""

    size: VertebraSize
    concavity_upper_mm: float
    concavity_lower_mm: float
    waist: float
    taper: float
    """How much narrower the front is than the back (thoracic bodies are heart-shaped)."""
    fracture: FractureSpec | None
    loss_mm: float = 0.0
    wings: tuple[float, ...] = ()
    """Sides (sign of x) whose transverse process runs down into the sacrum."""
    spurs: tuple[SpurSpec, ...] = ()
    dents: tuple[LookAlikeSpec, ...] = ()
    """Schmorl's nodes; the endplates' heights are those without them."""

    @property
    def wedge_deg(self) -> float:
        """Angle between the unfractured endplates, positive when the front is lower."""
        size = self.size
        return float(np.degrees((size.height_posterior - size.height_anterior) / (0.8 * size.depth)))

    def _fall(self, y_share: Number) -> Field:
        """Share of the largest loss at a place from front (-1) to back (1)."""
        y = np.asarray(y_share, dtype=np.float32)
        if self.fracture is None:
            return np.zeros_like(y)
        if self.fracture.kind == "wedge":
            return np.asarray((np.clip(0.9 - y, 0.0, 2.0) / np.float32(1.7)) ** np.float32(1.3))
        if self.fracture.kind == "biconcave":
            return np.asarray(np.clip(1.0 - 0.85 * y * y, 0.1, 1.0))
        return np.asarray(np.clip(0.94 - 0.11 * y + 0.02 * y * y, 0.0, 1.2))

    @property
    def _upper_share(self) -> float:
        return _UPPER_SHARE[self.fracture.kind] if self.fracture else 0.0

    @property
    def upper_drop_mm(self) -> float:
        """How far the posterior rim of the upper endplate sank: what stands on it sinks as much."""
        return float(self.loss_mm * self._upper_share * self._fall(0.8))

    @property
    def lower_drop_mm(self) -> float:
        """How far the posterior rim of the lower endplate rose."""
        return float(self.loss_mm * (1 - self._upper_share) * self._fall(0.8))

    @property
    def upper_tilt_deg(self) -> float:
        """Extra forward tilt of the upper endplate by the fracture."""
        share = self.loss_mm * self._upper_share / (0.8 * self.size.depth)
        return float(np.degrees(np.arctan(share * (self._fall(-0.8) - self._fall(0.8)))))

    def endplates(self, x: Number, y: Number) -> tuple[Field, Field]:
        """Height (z) of the upper and the lower endplate over the places (x, y)."""
        size = self.size
        half_x, half_y = np.float32(size.width / 2), np.float32(size.depth / 2)
        slope = np.float32((size.height_posterior - size.height_anterior) / (0.8 * size.depth))
        half = np.float32(size.height / 2) + slope * y / 2
        dish = np.maximum(
            1
            - (x / (half_x * np.float32(0.86))) ** 2
            - ((y - half_y * np.float32(0.08)) / (half_y * np.float32(0.86))) ** 2,
            np.float32(0),
        )
        upper = half - np.float32(self.concavity_upper_mm) * dish
        lower = -half + np.float32(self.concavity_lower_mm) * dish
        if self.fracture is not None:
            share = np.clip(y / half_y, -1.05, 1.05)
            loss = np.float32(self.loss_mm) * self._fall(share)
            if self.fracture.kind == "biconcave":
                loss = loss * np.clip(1 - np.float32(0.5) * (x / half_x) ** 2, np.float32(0.3), np.float32(1))
            upper = upper - np.float32(self._upper_share) * loss
            lower = lower + np.float32(1 - self._upper_share) * loss
        return upper, lower

    def heights_mm(self) -> dict[str, float]:
        """Distance of the paired endplate points in the midline."""
        result = {}
        for site, share in SITES.items():
            y = np.float32(share * self.size.depth / 2)
            upper, lower = self.endplates(np.float32(0), y)
            result[site] = float(upper - lower)
        return result

    def unfractured(self) -> BodyShape:
        """The same body before its fracture."""
        return replace(self, fracture=None, loss_mm=0.0)


def body_shape(level: Level, size: VertebraSize, fracture: FractureSpec | None, seed: int) -> BodyShape:
    """Shape of one body; the fracture's largest loss is set against the unfractured height at its site."""
    rng = np.random.default_rng([seed, 103, level.verse_id])
    region = level.region
    concavity = {Region.CERVICAL: 0.8, Region.THORACIC: 1.5, Region.LUMBAR: 2.2}.get(region, 0.5)
    upper, lower = concavity * rng.uniform(0.7, 1.3, 2)
    taper = {Region.CERVICAL: 0.02, Region.THORACIC: 0.22, Region.LUMBAR: 0.08}.get(region, 0.1)
    waist = {Region.CERVICAL: 0.05, Region.THORACIC: 0.10, Region.LUMBAR: 0.12}.get(region, 0.05)
    shape = BodyShape(size, float(upper), float(lower), waist * float(rng.uniform(0.8, 1.2)), taper, None)
    if fracture is None:
        return shape
    whole = shape.heights_mm()
    broken = replace(shape, fracture=fracture, loss_mm=1.0)
    percent_per_mm = max(100 * (1 - height / whole[site]) for site, height in broken.heights_mm().items())
    return replace(broken, loss_mm=fracture.loss_percent / percent_per_mm)
