"""Collapse of a body by a map that is linear on every cranial line, so that each line's loss is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from painted.frame import Array, Outline

Kind = Literal["wedge", "biconcave", "crush"]
POSTERIOR_FADE_MM = 9.0
"""Behind the posterior wall the bone is whole again after so much."""


@dataclass(frozen=True)
class Fracture:
    """A collapsed body.

    ``loss_percent`` at the site that loses most; ``rest`` is the share of it that the other sites lose too.
    """

    kind: Kind
    loss_percent: float
    rest: float = 0.0

    def left(self, own: Array, outline: Outline) -> Array:
        """Share of the height that is left on the cranial line through own points (..., 3)."""
        x, y = own[..., 0], own[..., 1]
        depth = outline.wall_y - outline.front_y
        at = np.clip((y - outline.front_y) / depth, 0.0, 1.0)
        loss = self.loss_percent / 100.0
        if self.kind == "crush":
            shape = np.ones_like(at)
        elif self.kind == "wedge":
            # Full loss in front, falling evenly to none at nine tenths of the depth.
            shape = np.clip((0.9 - at) / 0.8, 0.0, 1.0)
        else:
            side = np.clip(np.abs(x) / (0.55 * outline.width), 0.0, 1.0)
            shape = (1.0 - np.clip(np.abs(at - 0.5) / 0.4, 0.0, 1.0) ** 2) * (1.0 - side**2)
        shape = self.rest + (1.0 - self.rest) * shape
        behind = np.clip((y - outline.wall_y) / POSTERIOR_FADE_MM, 0.0, 1.0)
        left: Array = 1.0 - loss * shape * (1.0 - behind)
        return left

    def fixed(self, outline: Outline) -> float:
        """Plane that does not move: the lower endplate, of a biconcave body its middle."""
        return 0.5 * (outline.lower_z + outline.upper_z) if self.kind == "biconcave" else outline.lower_z

    def undo(self, own: Array, outline: Outline) -> Array:
        """Coordinates of the broken body to those of the intact one (..., 3)."""
        fixed = self.fixed(outline)
        z = fixed + (own[..., 2] - fixed) / self.left(own, outline).astype(own.dtype)
        result: Array = np.concatenate([own[..., :2], z[..., None]], axis=-1)
        return result

    def apply(self, own: Array, outline: Outline) -> Array:
        """Coordinates of the intact body to those of the broken one (..., 3)."""
        fixed = self.fixed(outline)
        z = fixed + (own[..., 2] - fixed) * self.left(own, outline)
        result: Array = np.concatenate([own[..., :2], z[..., None]], axis=-1)
        return result
