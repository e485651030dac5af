"""The CIFAR network ResNet9 as an encoder of gathers, under a U-Net decoder.

Source: He et al., residual networks, arXiv 1512.03385; the nine-layer form goes back to Page's "How
to train your ResNet" (2018).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from fwi.models.decoders import UNetDecoder
from fwi.models.encoder_decoder import FIELD_CHANNELS, EncoderDecoder
from fwi.models.network import Network
from fwi.models.registry import register_model
from fwi.models.sizes import MAP, Shape, check_map_shape, grid_of
from fwi.models.stem import GatherStem, check_channels


class ResNet9Trunk(nn.Module):
    """Four steps of 3x3 convolutions: w, 2w, 4w and 8w channels, the later three each halving.

    The second and the fourth step end with a residual block of two convolutions.

    Args:
        in_channels: of the image.
        width: w, 64 for CIFAR.

    Attributes:
        channels: of the four feature maps.
    """

    def __init__(self, in_channels: int, width: int = 64) -> None:
        super().__init__()
        if width < 1:
            raise ValueError(f"width must be at least 1, got {width}; 64 is CIFAR's")
        self.channels = [width, 2 * width, 4 * width, 8 * width]
        first, second, third, fourth = self.channels
        self.steps = nn.ModuleList(
            [
                _convolve(in_channels, first),
                nn.Sequential(_convolve(first, second, pool=True), _Residual(second)),
                _convolve(second, third, pool=True),
                nn.Sequential(_convolve(third, fourth, pool=True), _Residual(fourth)),
            ]
        )

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        """(B, in_channels, H, W) -> maps of H, H / 2, H / 4 and H / 8 rows."""
        maps = []
        for step in self.steps:
            image = step(image)
            maps.append(image)
        return maps


@register_model(
    "resnet9",
    {
        "narrow": {"width": 32, "decoder_channels": (96, 64, 48, 32)},
        "cifar": {"width": 64, "decoder_channels": FIELD_CHANNELS},
    },
    source="arXiv 1512.03385",
)
def resnet9(
    width: int,
    decoder_channels: tuple[int, ...],
    stem_channels: tuple[int, int] = (32, 64),
    n_shots: int = 5,
    map_shape: Shape = MAP,
    **heads: Any,
) -> Network:
    """Build a stem, the trunk of ResNet9 at 72, 36, 18 and 9 cells a side, and a decoder.

    Args:
        width: channels of the trunk's first step, 64 for CIFAR.
        decoder_channels: one a feature map, deepest first.
        stem_channels: of the stem's two convolutions.
        n_shots: shots that the network takes.
        map_shape: of `Network`.
        **heads: further options of `Network`.
    """
    trunk = ResNet9Trunk(check_channels(stem_channels)[1], width)
    stem = GatherStem(n_shots, stem_channels, grid_of(check_map_shape(map_shape)))
    encoder = nn.Sequential(stem, trunk)
    body = EncoderDecoder(encoder, UNetDecoder(trunk.channels, decoder_channels))
    return Network(body, decoder_channels[-1], n_shots=n_shots, map_shape=map_shape, **heads)


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(_convolve(channels, channels), _convolve(channels, channels))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image + self.convs(image)


def _convolve(before: int, after: int, pool: bool = False) -> nn.Sequential:
    layers = [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers, *([nn.MaxPool2d(2)] if pool else []))
