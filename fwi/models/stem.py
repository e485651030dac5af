"""A learned stem that folds time into channels, for bodies that want a square image."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from fwi.models.sizes import GRID, Shape

_STRIDES = (7, 2)


def check_channels(channels: Sequence[int]) -> tuple[int, int]:
    """Give the channels of a stem's two convolutions.

    Raises:
        ValueError: if they are not two positive numbers.
    """
    if len(channels) != 2 or min(channels) < 1:
        raise ValueError(
            f"stem_channels must be two positive numbers, got {channels!r}; give such as (32, 64)"
        )
    return channels[0], channels[1]


class GatherStem(nn.Module):
    """(B, S, T, R) -> (B, C, 72, 72): two anisotropic convolutions, strides 7 and 2 in time.

    Strided convolutions, 7 samples at a time and then 2, bring 1000 x 70 to 72 x 72 without
    discarding a sample.

    Args:
        n_shots: channels of the gathers.
        channels: of the two convolutions.
        grid: rows and columns that come out, see `fwi.models.sizes`.
    """

    def __init__(self, n_shots: int, channels: tuple[int, int], grid: Shape = GRID) -> None:
        super().__init__()
        self.grid = grid
        first, second = check_channels(channels)
        self.fold = nn.Sequential(
            nn.Conv2d(n_shots, first, (7, 3), (_STRIDES[0], 1), (0, 1), bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(),
            nn.Conv2d(first, second, (4, 3), (_STRIDES[1], 1), (1, 2), bias=False),
            nn.BatchNorm2d(second),
            nn.ReLU(),
        )

    def forward(self, gathers: torch.Tensor) -> torch.Tensor:
        """Pad 1000 samples to 1008 with silence, and fold them into 72 rows."""
        rows, columns = gathers.shape[-2:]
        down = self.grid[0] * _STRIDES[0] * _STRIDES[1] - rows
        across = self.grid[1] - columns - 2  # the convolutions add two
        gathers = F.pad(gathers, (across // 2, across - across // 2, down // 2, down - down // 2))
        return self.fold(gathers).contiguous(memory_format=torch.channels_last)
