"""Networks without weights, and scans whose truth is known by construction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from spineimg.core.grid import Grid
from spineimg.core.volume import Modality, Volume

RADIUS_MM = 8.5
BONE = 330.0
BALLS = ("T6", "T7", "T8", "T9", "T10", "T11")
SPACING_MM = (22.6, 23.3, 23.9, 25.4, 27.3)
LOCATE_OUTPUTS = 16


@dataclass(frozen=True)
class Balls:
    """A column of balls, their centres (LPS mm), and the label each voxel should get."""

    volume: Volume
    centres: NDArray[np.float64]
    truth: NDArray[np.uint8]


def oblique(angles_deg: tuple[float, float, float]) -> NDArray[np.float64]:
    """Rotation about the three axes."""
    out = np.eye(3)
    for axis, angle in enumerate(np.radians(angles_deg)):
        a, b = [n for n in range(3) if n != axis]
        turn = np.eye(3)
        turn[a, a] = turn[b, b] = np.cos(angle)
        turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
        out = out @ turn
    return out


def balls(spacing_mm: tuple[float, float, float], axes: NDArray[np.float64]) -> Balls:
    """Draw the column on a grid with given spacing and axis directions (columns of ``axes``)."""
    drop = np.concatenate([[0.0], np.cumsum(SPACING_MM)])
    centres = np.stack([np.full(len(drop), 3.0), -5.0 + 0.02 * drop, 80.0 - drop], 1)
    margin = np.array([30.0, 30.0, 25.0])
    low, high = centres.min(0) - margin, centres.max(0) + margin
    corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T @ axes
    step = np.array(spacing_mm)
    shape = tuple(int(n) for n in np.ceil((corners.max(0) - corners.min(0)) / step) + 1)
    affine = np.eye(4)
    affine[:3, :3] = axes * step
    affine[:3, 3] = axes @ corners.min(0)
    grid = Grid((shape[0], shape[1], shape[2]), affine)
    points = grid.to_lps_mm(np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), -1))
    truth = np.zeros(shape, dtype=np.uint8)
    hu = np.full(shape, 40, dtype=np.int16)
    for n, centre in enumerate(centres):
        distance = np.linalg.norm(points - centre, axis=-1)
        truth[distance <= RADIUS_MM] = 16 + n
        # Half the contrast at the surface, as a scanner's partial volume gives.
        soft = np.clip((RADIUS_MM - distance) / 1.5 + 0.5, 0, 1)
        hu = np.maximum(hu, (40 + soft * (2 * BONE - 80)).astype(np.int16))
    return Balls(Volume(hu, grid, Modality.CT), centres, truth)


class FakeLocate(nn.Module):
    """Calls bright voxels body and points to the bright mass round them; all thoracic."""

    def forward(self, x: Tensor) -> Tensor:
        bright = (x[:, :1] > BONE / 1000.0 - 0.2).float()
        reach = 4
        axis = torch.arange(-reach, reach + 1, dtype=torch.float32) * 3.0
        window = torch.ones(1, 1, *(3 * [2 * reach + 1]))
        mass = nn.functional.conv3d(bright, window, padding=reach).clamp(min=1)
        out = torch.zeros(x.shape[0], LOCATE_OUTPUTS, *x.shape[2:])
        out[:, 0] = 8.0 * (1 - bright[:, 0])
        out[:, 1] = 8.0 * bright[:, 0]
        for n in range(3):
            weight = axis.reshape([-1 if k == n else 1 for k in range(3)]).expand(window.shape[2:])
            moment = nn.functional.conv3d(bright, weight[None, None], padding=reach)
            out[:, 8 + n] = (moment / mass)[:, 0] / 10
        out[:, 12] = 3.0
        out[:, 15] = 15.5 / 26.0
        return out


class CanalBehind(FakeLocate):
    """The same, with canal 18 mm behind every bright voxel."""

    def forward(self, x: Tensor) -> Tensor:
        out = super().forward(x)
        behind = torch.roll(out[:, 1], 6, dims=2)
        out[:, 7] = torch.where(out[:, 1] > 0, 0.0, 2.0 * behind)
        return out


class FakeRefine(nn.Module):
    """Bright voxels near the guide are this body, the others another one; very bright is a lesion."""

    def forward(self, x: Tensor) -> Tensor:
        hu = (x[:, 0] + 0.2) * 1000.0
        bright = torch.sigmoid((hu - BONE) / 30.0)
        near = (x[:, 2] > float(np.exp(-0.5 * (11.5 / 6.0) ** 2))).float()
        out = torch.zeros(x.shape[0], 7, *x.shape[2:])
        out[:, 0] = torch.log(1 - bright + 1e-4)
        out[:, 1] = torch.log(bright * near + 1e-4)
        out[:, 2] = -9.0
        out[:, 3] = torch.log(bright * (1 - near) + 1e-4)
        out[:, 4] = -9.0
        out[:, 5] = -9.0
        out[:, 6] = (hu - 900.0) / 20.0
        return out
