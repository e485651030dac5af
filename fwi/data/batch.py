"""What a network learns from at once."""

from __future__ import annotations

from typing import NamedTuple, Self

import torch


class Batch(NamedTuple):
    """Samples side by side.

    Attributes:
        gathers: raw (B, S, T, R), any floating dtype.
        velocity: true maps (B, Z, X) float32, m/s.
        family: labels (B,) int64, `fwi.openfwi.UNKNOWN` where there is none.
        weight: how much each sample's error counts, (B,) float32, 1 in an ordinary store.
    """

    gathers: torch.Tensor
    velocity: torch.Tensor
    family: torch.Tensor
    weight: torch.Tensor

    def to(self, device: torch.device) -> Self:
        """Bring the tensors to a device; from pinned memory without waiting for the copy."""
        return type(self)(*(part.to(device, non_blocking=True) for part in self))
