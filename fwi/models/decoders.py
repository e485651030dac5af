"""U-Net decoders over the feature maps of an encoder.

Source: Ronneberger et al., U-Net, arXiv 1505.04597; Shi et al., sub-pixel convolution, arXiv
1609.05158; Roy et al., concurrent squeeze and excitation, arXiv 1803.02579.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from segmentation_models_pytorch.base.modules import SCSEModule
from torch import nn

Upsample = Literal["nearest", "bilinear", "subpixel"]


class UNetDecoder(nn.Module):
    """From four feature maps to one at the finest grid.

    Each step doubles the grid, concatenates the encoder's map of that size, and convolves twice;
    the last step convolves at the finest grid.

    Args:
        encoder_channels: of the encoder's maps, shallow first, each half as large as the last.
        channels: one a step, so as many as there are maps.
        upsample: "nearest", "bilinear", or "subpixel": a convolution to four times the channels
            whose values become 2 x 2 cells.
        scse: attention over channels and cells, on each step's input and output.
        skips: use all of the encoder's maps, or the deepest alone.
    """

    def __init__(
        self,
        encoder_channels: Sequence[int],
        channels: Sequence[int],
        upsample: Upsample = "nearest",
        scse: bool = False,
        skips: bool = True,
    ) -> None:
        super().__init__()
        if len(channels) != len(encoder_channels):
            raise ValueError(
                f"decoder_channels must be {len(encoder_channels)} numbers, got {channels!r}"
            )
        *shallow, deepest = encoder_channels
        beside = [*reversed(shallow if skips else [0] * len(shallow)), 0]
        self.skips = skips
        self.blocks = nn.ModuleList(
            _Block(before, skip, after, upsample if i < len(shallow) else None, scse)
            for i, ((before, after), skip) in enumerate(
                zip(pairwise([deepest, *channels]), beside, strict=True)
            )
        )

    def forward(self, features: Sequence[torch.Tensor]) -> torch.Tensor:
        """Encoder's maps, shallow first, to (B, channels[-1], H, W) of the first one's size."""
        *shallow, image = features
        beside = [*reversed(shallow), None] if self.skips else [None] * len(features)
        for block, skip in zip(self.blocks, beside, strict=True):
            image = block(image, skip)
        return image


class _Block(nn.Module):
    """Upsample, concatenate, two 3x3 convolutions with neither bias nor norm."""

    def __init__(
        self, before: int, skip: int, after: int, upsample: Upsample | None, scse: bool
    ) -> None:
        super().__init__()
        self.upsample = _upsample(before, upsample)
        self.convs = nn.Sequential(
            _attention(before + skip, scse),
            _convolve(before + skip, after),
            nn.ReLU(),
            _convolve(after, after),
            nn.ReLU(),
            _attention(after, scse),
        )

    def forward(self, image: torch.Tensor, skip: torch.Tensor | None) -> torch.Tensor:
        image = self.upsample(image)
        return self.convs(image if skip is None else torch.cat([image, skip], 1))


def _convolve(before: int, after: int) -> nn.Conv2d:
    convolution = nn.Conv2d(before, after, 3, padding=1, bias=False)
    # Without norms nothing else keeps the signal's size over eight layers: torch's own start
    # leaves 0.4 of it after each.
    nn.init.kaiming_normal_(convolution.weight)
    return convolution


def _attention(channels: int, scse: bool) -> nn.Module:
    """Squeeze to a sixteenth of the channels, one at least."""
    return SCSEModule(channels, min(16, channels)) if scse else nn.Identity()


def _upsample(channels: int, how: Upsample | None) -> nn.Module:
    if how is None:
        return nn.Identity()
    if how == "subpixel":
        return nn.Sequential(nn.Conv2d(channels, channels * 4, 3, padding=1), nn.PixelShuffle(2))
    if how not in ("nearest", "bilinear"):
        raise ValueError(f"upsample must be 'nearest', 'bilinear' or 'subpixel', got {how!r}")
    return nn.Upsample(scale_factor=2, mode=how)
