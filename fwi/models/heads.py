"""What stands after the last features: the map, and what a network knows about its own map.

Every head computes in float32: bfloat16 steps by 16 m/s at 3000 m/s.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from fwi.openfwi import FASTEST, SLOWEST

Output = Literal["linear", "sigmoid"]

# Raw outputs are near unit scale: the mean and spread of velocity over all families, m/s.
MEAN, SPREAD = 2900.0, 800.0
# A usual error of a young network, m/s.
_ERROR = 200.0


class MapHead(nn.Module):
    """3x3 convolution to velocity in m/s.

    - linear: 2900 + 800 y, unbounded, so that its gradient never vanishes;
    - sigmoid: 1500 + 3000 / (1 + exp(-y)), which cannot leave OpenFWI's range.

    Args:
        channels: of the features.
        output: "linear" or "sigmoid".
        norm: normalise y over the batch, as OpenFWI's networks do before their tanh.
    """

    def __init__(self, channels: int, output: Output = "linear", norm: bool = False) -> None:
        super().__init__()
        if output not in ("linear", "sigmoid"):
            raise ValueError(f"output must be 'linear' or 'sigmoid', got {output!r}")
        self.conv = nn.Conv2d(channels, 1, 3, padding=1, bias=not norm)
        self.norm = nn.BatchNorm2d(1) if norm else nn.Identity()
        self.output = output

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(B, C, Z, X) -> velocity (B, 1, Z, X), m/s."""
        with full_precision(features):
            y = self.norm(self.conv(features.float()))
            if self.output == "linear":
                return y * SPREAD + MEAN
            return SLOWEST + (FASTEST - SLOWEST) * torch.sigmoid(y)


class ErrorHead(nn.Module):
    """3x3 convolution to the absolute error of each cell, m/s: 200 log(1 + exp(y))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 1, 3, padding=1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(B, C, Z, X) -> positive (B, 1, Z, X), m/s."""
        with full_precision(features):
            return F.softplus(self.conv(features.float())) * _ERROR


class FamilyHead(nn.Module):
    """Mean over the cells, then a linear layer to the logits of the families."""

    def __init__(self, channels: int, n_families: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.linear = nn.Linear(channels, n_families)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(B, C, Z, X) -> logits (B, n_families)."""
        with full_precision(features):
            return self.linear(self.norm(features.float().mean(dim=(-2, -1))))


def full_precision(like: torch.Tensor) -> AbstractContextManager[object]:
    """Switch autocast off on a tensor's device; the meta device has none."""
    kind = like.device.type
    if not torch.amp.is_autocast_available(kind):
        return nullcontext()
    return torch.autocast(kind, enabled=False)
