"""ResNet9, the small residual network that CIFAR-10 is trained with in minutes, and its trunk.

Source: He et al., residual networks, arXiv 1512.03385; the nine-layer form and its one-cycle recipe
go back to Page's "How to train your ResNet" (2018).
"""

from __future__ import annotations

import torch
from torch import nn


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


class ResNet9(nn.Module):
    """Classifier over the trunk: largest value of each map, dropout, one linear layer.

    Args:
        in_channels: of the images, whose sides are at least 8.
        n_classes: logits that come out.
        width: see `ResNet9Trunk`.
        dropout: probability with which a value is left out in training.
    """

    def __init__(
        self, in_channels: int = 3, n_classes: int = 10, width: int = 64, dropout: float = 0.2
    ) -> None:
        super().__init__()
        self.trunk = ResNet9Trunk(in_channels, width)
        self.head = nn.Sequential(
            nn.AdaptiveMaxPool2d(1),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(8 * width, n_classes),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(B, in_channels, H, W) -> logits (B, n_classes)."""
        return self.head(self.trunk(images)[-1])


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(_convolve(channels, channels), _convolve(channels, channels))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image + self.convs(image)


def _convolve(before: int, after: int, pool: bool = False) -> nn.Sequential:
    layers = [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers, *([nn.MaxPool2d(2)] if pool else []))
