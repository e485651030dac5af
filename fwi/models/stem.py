"""A learned stem that folds time into channels, for bodies that want a square image."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

GRID = 72  # rows and columns of encoders' first maps: divisible by 8, just above the map's 70
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
    """(B, S, T, R) -> (B, C, 72, R + 2): two anisotropic convolutions, strides 7 and 2 in time.

    Strided convolutions, 7 samples at a time and then 2, bring 1000 x 70 to 72 x 72 without
    discarding a sample.
    """

    def __init__(self, n_shots: int, channels: tuple[int, int]) -> None:
        super().__init__()
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
        padding = GRID * _STRIDES[0] * _STRIDES[1] - gathers.shape[-2]
        gathers = F.pad(gathers, (0, 0, padding // 2, padding - padding // 2))
        return self.fold(gathers).contiguous(memory_format=torch.channels_last)
