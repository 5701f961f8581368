"""Arrays on the fine grid that bones, discs and lesions are drawn into."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from spineimg.core.grid import Grid, Points
from spineimg.phantom.shapes import FAR_MM, Coordinates, Field

Window = tuple[slice, slice, slice]
JOINT_GAP_MM = 1.3


def coordinates(to_frame: Points, window: Window) -> Coordinates:
    """Coordinates of the voxels of a window; axes that a coordinate does not depend on keep length 1."""
    steps = [np.arange(w.start, w.stop, dtype=np.float32) for w in window]
    shaped = [s.reshape([-1 if axis == place else 1 for axis in range(3)]) for place, s in enumerate(steps)]
    result = []
    for row in to_frame[:3]:
        total: Field = np.full((1, 1, 1), row[3], np.float32)
        for weight, index in zip(row[:3], shaped, strict=True):
            if abs(weight) > 1e-9:
                total = total + np.float32(weight) * index
        result.append(total)
    return Coordinates(*result)


def full_coordinates(to_frame: Points, window: Window) -> Coordinates:
    """As `coordinates`, each of the window's whole shape."""
    return Coordinates(*np.broadcast_arrays(*coordinates(to_frame, window)))


def window_of(to_frame: Points, low: Points, high: Points, shape: tuple[int, int, int]) -> Window | None:
    """Voxels whose coordinates may lie in a box of the frame; None when there are none."""
    corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T
    inverse = np.linalg.inv(to_frame)
    index = corners @ inverse[:3, :3].T + inverse[:3, 3]
    start = np.maximum(np.floor(index.min(axis=0)).astype(int), 0)
    stop = np.minimum(np.ceil(index.max(axis=0)).astype(int) + 1, shape)
    if (start >= stop).any():
        return None
    return slice(start[0], stop[0]), slice(start[1], stop[1]), slice(start[2], stop[2])


def frame_affine(to_patient: Points, centre: Points, frame: Points) -> Points:
    """From voxels to the own frame of a vertebra."""
    result = np.eye(4)
    result[:3, :3] = frame @ to_patient[:3, :3]
    result[:3, 3] = frame @ (to_patient[:3, 3] - centre)
    return result


@dataclass(eq=False)
class Canvas:
    """Nearest and second nearest bone per voxel, whose bone it is, and what fills it."""

    grid: Grid
    nearest: Field = field(init=False)
    second: Field = field(init=False)
    owner: NDArray[np.uint8] = field(init=False)
    part: NDArray[np.uint8] = field(init=False)
    marrow: NDArray[np.int16] = field(init=False)
    shell: NDArray[np.uint8] = field(init=False)
    """Thickness of the cortex, hundredths of a millimetre."""
    lesion: NDArray[np.uint8] = field(init=False)
    lesion_kind: NDArray[np.uint8] = field(init=False)
    lesion_share: NDArray[np.uint8] = field(init=False)
    """How much of the voxel the lesion fills, of 255."""
    lesion_hu: NDArray[np.int16] = field(init=False)
    fused: NDArray[np.bool_] | None = field(init=False, default=None)
    """Where bones have grown together; None when none have."""

    def __post_init__(self) -> None:
        shape = self.grid.shape
        self.nearest = np.full(shape, FAR_MM, np.float32)
        self.second = np.full(shape, FAR_MM, np.float32)
        for name in ("owner", "part", "shell", "lesion", "lesion_kind", "lesion_share"):
            setattr(self, name, np.zeros(shape, np.uint8))
        self.marrow = np.zeros(shape, np.int16)
        self.lesion_hu = np.zeros(shape, np.int16)

    def draw(self, window: Window, owner: int, distance: Field) -> NDArray[np.bool_]:
        """Let a bone compete for the voxels of a window; return where it is the nearest."""
        before = self.nearest[window]
        mine = self.owner[window] == owner
        won = distance < before
        # A bone drawn in pieces is no rival to itself.
        rival = np.where(won & ~mine, before, np.where(~won & ~mine, distance, FAR_MM))
        self.second[window] = np.minimum(self.second[window], rival)
        self.nearest[window] = np.minimum(before, distance)
        self.owner[window][won] = owner
        return won

    def fuse(self, window: Window, inside: NDArray[np.bool_]) -> None:
        """Close the joint space between bones inside a bridge of bone."""
        if self.fused is None:
            self.fused = np.zeros(self.grid.shape, bool)
        self.fused[window] |= inside

    def bone(self) -> Field:
        """Signed distance of all bone; between two bones a joint space stays open, unless they are fused."""
        gap = (np.float32(JOINT_GAP_MM) - (self.second - self.nearest)) / 2
        if self.fused is not None:
            gap[self.fused] = -FAR_MM
        return np.maximum(self.nearest, gap)
