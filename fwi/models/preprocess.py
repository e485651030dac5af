"""What happens to raw gathers before the first layer; part of the network, so of its checkpoint."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

from fwi.models.sizes import RECORD, Shape


class Preprocess(nn.Module):
    """Take the network's shots, bring them to its samples, compress their amplitudes.

    asinh(gain g) / 2 is linear below 1 / gain and logarithmic above: the direct wave is far
    stronger than the reflections that carry the depth.

    Args:
        n_shots: shots that are kept, the first ones.
        gain: the reciprocal of the amplitude at which compression sets in, positive; none keeps
            raw amplitudes.
        record: time samples and receivers that a record is brought to, OpenFWI's 1000 and 70.
    """

    def __init__(self, n_shots: int, gain: float | None, record: Shape = RECORD) -> None:
        super().__init__()
        if gain is not None and not 0 < gain < math.inf:
            raise ValueError(f"gain must be positive, or none for raw amplitudes, got {gain}")
        self.n_shots, self.gain, self.record = n_shots, gain, record

    def forward(self, gathers: torch.Tensor) -> torch.Tensor:
        """Bring (B, S, T, R) of any floating dtype to (B, n_shots, 1000, 70) float32.

        A record of other sizes is taken to span the same time and the same line.
        """
        gathers = gathers[:, : self.n_shots].float()
        if gathers.shape[-2:] != self.record:
            gathers = F.interpolate(gathers, self.record, mode="bilinear")
        return gathers if self.gain is None else torch.asinh(gathers * self.gain) / 2
