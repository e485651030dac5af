"""What happens to raw gathers before the first layer; part of the network, so of its checkpoint."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from fwi.geometry import OPENFWI


class Preprocess(nn.Module):
    """Take the network's shots, bring them to OpenFWI's samples, compress their amplitudes.

    asinh(gain g) / 2 is linear below 1 / gain and logarithmic above: the direct wave is far
    stronger than the reflections that carry the depth.

    Args:
        n_shots: shots that are kept, the first ones.
        gain: the reciprocal of the amplitude at which compression sets in, positive; none keeps
            raw amplitudes.
    """

    def __init__(self, n_shots: int, gain: float | None) -> None:
        super().__init__()
        if gain is not None and gain <= 0:
            raise ValueError(f"gain must be positive, or none for raw amplitudes, got {gain}")
        self.n_shots, self.gain = n_shots, gain

    def forward(self, gathers: torch.Tensor) -> torch.Tensor:
        """Bring (B, S, T, R) of any floating dtype to (B, n_shots, 1000, 70) float32.

        A record of other sizes is taken to span the same second and the same line.
        """
        gathers = gathers[:, : self.n_shots].float()
        size = (OPENFWI.nt, len(OPENFWI.receiver_x))
        if gathers.shape[-2:] != size:
            gathers = F.interpolate(gathers, size, mode="bilinear")
        return gathers if self.gain is None else torch.asinh(gathers * self.gain) / 2
