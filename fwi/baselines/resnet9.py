"""ResNet9, the small residual network that CIFAR-10 is trained with in minutes.

Source: He et al., residual networks, arXiv 1512.03385; the nine-layer form and its one-cycle recipe
go back to Page's "How to train your ResNet" (2018).
"""

from __future__ import annotations

import torch
from torch import nn

from fwi.models.resnet9 import ResNet9Trunk


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
