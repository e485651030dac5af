"""What happens to raw gathers before the first layer; part of the network, so of its checkpoint."""

from __future__ import annotations

import torch
from torch import nn


class Compress(nn.Module):
    """Compress amplitudes, asinh(gain g) / 2: linear below 1 / gain, logarithmic above.

    The direct wave is far stronger than the reflections that carry the depth.

    Args:
        gain: the reciprocal of the amplitude at which compression sets in, positive.
    """

    def __init__(self, gain: float) -> None:
        super().__init__()
        if gain <= 0:
            raise ValueError(f"gain must be positive, got {gain}")
        self.gain = gain

    def forward(self, gathers: torch.Tensor) -> torch.Tensor:
        """Compress gathers of any shape and floating dtype; float32 comes out."""
        return torch.asinh(gathers.float() * self.gain) / 2
