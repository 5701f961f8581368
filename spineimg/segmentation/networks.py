"""The network architectures of the two bundles (torch modules, no weights).

Both nets are one family: the input is folded 2x2x2 into channels (space to depth),
a residual U-Net works at half resolution and below, and a pixel shuffle brings the
features back to full resolution, where one light convolution sees the input again.
So the heaviest convolutions never run on full resolution voxels, which makes a pass
cheap on a processor without a graphics card.

Array axes are the working grid's: (batch, channel, x, y, z), x toward the patient's
left, y toward the back, z toward the head (LPS mm). Every spatial size must be a
multiple of ``size_multiple``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


def space_to_depth(x: Tensor) -> Tensor:
    """Fold 2x2x2 blocks of voxels into channels.

    Parameters
    ----------
    x
        (batch, channel, 2a, 2b, 2c).

    Returns
    -------
    Tensor
        (batch, 8 * channel, a, b, c).
    """
    n, c, d, h, w = x.shape
    x = x.view(n, c, d // 2, 2, h // 2, 2, w // 2, 2)
    return x.permute(0, 1, 3, 5, 7, 2, 4, 6).reshape(n, 8 * c, d // 2, h // 2, w // 2)


def depth_to_space(x: Tensor) -> Tensor:
    """Unfold channels into 2x2x2 blocks of voxels; the inverse of `space_to_depth`."""
    n, c, d, h, w = x.shape
    x = x.view(n, c // 8, 2, 2, 2, d, h, w)
    return x.permute(0, 1, 5, 2, 6, 3, 7, 4).reshape(n, c // 8, 2 * d, 2 * h, 2 * w)


def narrow_view(wide: Tensor, low_hu: float, high_hu: float) -> Tensor:
    """See the wide channel of `inputs.hu_channels` in a window of HU, smoothed, at 100 HU a unit."""
    low, high = (hu / 1000.0 - 0.2 for hu in (low_hu, high_hu))
    smooth = functional.avg_pool3d(wide.clamp(low, high), 3, stride=1, padding=1, count_include_pad=False)
    return (smooth - 0.5 * (low + high)) * 10.0


class ResidualBlock(nn.Module):
    """Two 3x3x3 convolutions with group norm and a skip connection."""

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(channels_in, channels_out, 3, stride, 1, bias=False)
        self.norm1 = nn.GroupNorm(8, channels_out)
        self.conv2 = nn.Conv3d(channels_out, channels_out, 3, 1, 1, bias=False)
        self.norm2 = nn.GroupNorm(8, channels_out)
        self.act = nn.LeakyReLU(0.01, inplace=True)
        self.skip: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels_out:
            self.skip = nn.Conv3d(channels_in, channels_out, stride, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block."""
        y = self.act(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        out: Tensor = self.act(y + self.skip(x))
        return out


class FoldedUNet(nn.Module):
    """Residual U-Net on 2x2x2-folded input with a full-resolution class head.

    The classes are given at full resolution. The `fields` (offsets, levels and the like,
    smooth in space) are computed at half resolution; in evaluation they are interpolated
    linearly, so that `forward` gives one tensor of the input's size.

    Parameters
    ----------
    channels_in
        Input channels.
    classes
        Output channels at full resolution (logits).
    fields
        Output channels computed at half resolution; 0 for none.
    widths
        Channels per level, the first at half resolution.
    blocks
        Residual blocks per encoder level.
    head_width
        Channels at full resolution.
    narrow_hu
        None, or a window of HU (low, high): the first channel (`inputs.hu_channels`) is then seen once more
        in this window only, averaged over 3x3x3 voxels. Holes in spongy bone differ from it by some 50 HU:
        beside cortex and air that hardly shows in the other channels.
    """

    def __init__(  # noqa: PLR0913 - the keys of a bundle's configuration
        self,
        channels_in: int,
        classes: int,
        fields: int = 0,
        widths: Sequence[int] = (24, 48, 96, 128),
        blocks: Sequence[int] = (1, 2, 2, 2),
        head_width: int = 8,
        narrow_hu: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        self.channels_in = channels_in
        self.narrow_hu = narrow_hu
        seen = channels_in + (narrow_hu is not None)
        self.classes = classes
        self.fields = fields
        self.size_multiple = 2 ** len(widths)
        self.stem = nn.Conv3d(8 * seen, widths[0], 3, 1, 1)
        self.encoder = nn.ModuleList()
        before = widths[0]
        for level, (width, count) in enumerate(zip(widths, blocks, strict=True)):
            layers: list[nn.Module] = []
            for index in range(count):
                stride = 2 if level > 0 and index == 0 else 1
                layers.append(ResidualBlock(before, width, stride))
                before = width
            self.encoder.append(nn.Sequential(*layers))
        self.reduce = nn.ModuleList()
        self.decoder = nn.ModuleList()
        for width in reversed(list(widths)[:-1]):
            self.reduce.append(nn.Conv3d(before, width, 1, bias=False))
            self.decoder.append(ResidualBlock(width, width))
            before = width
        self.expand = nn.Conv3d(before, 8 * head_width, 1)
        self.head_conv = nn.Conv3d(head_width + seen, 12, 3, 1, 1)
        self.head_act = nn.LeakyReLU(0.01, inplace=True)
        self.head_out = nn.Conv3d(12, classes, 1)
        self.field_head: nn.Module | None = None
        if fields:
            self.field_head = nn.Sequential(
                nn.Conv3d(before, before, 1), nn.LeakyReLU(0.01), nn.Conv3d(before, fields, 1)
            )

    def forward_parts(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Give the class logits at full and the fields at half resolution.

        Parameters
        ----------
        x
            (n, channels_in, a, b, c), sizes multiples of `size_multiple`.

        Returns
        -------
        tuple
            (n, classes, a, b, c) and (n, fields, a/2, b/2, c/2) or None. The centre of
            half-resolution voxel i lies between full voxels 2i and 2i + 1.
        """
        if self.narrow_hu is not None:
            x = torch.cat([x, narrow_view(x[:, :1], *self.narrow_hu)], dim=1)
        y = self.stem(space_to_depth(x))
        skips: list[Tensor] = []
        for stage in self.encoder:
            y = stage(y)
            skips.append(y)
        skips.pop()
        for reduce, stage in zip(self.reduce, self.decoder, strict=True):
            y = functional.interpolate(reduce(y), scale_factor=2.0, mode="nearest")
            y = stage(y + skips.pop())
        full = torch.cat([depth_to_space(self.expand(y)), x], dim=1)
        logits: Tensor = self.head_out(self.head_act(self.head_conv(full)))
        fields: Tensor | None = None if self.field_head is None else self.field_head(y)
        return logits, fields

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, channels_in, x, y, z) to (n, classes + fields, x, y, z)."""
        logits, fields = self.forward_parts(x)
        if fields is None:
            return logits
        fields = functional.interpolate(fields, scale_factor=2.0, mode="trilinear", align_corners=False)
        return torch.cat([logits, fields], dim=1)


def build_network(arch: str, kwargs: dict[str, Any]) -> FoldedUNet:
    """Build a network by the name in a bundle's configuration.

    Raises
    ------
    ValueError
        When the name is not known.
    """
    if arch != "FoldedUNet":
        raise ValueError(f"unknown network architecture {arch!r}; known: FoldedUNet")
    return FoldedUNet(**kwargs)
