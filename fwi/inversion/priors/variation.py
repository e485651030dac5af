"""Total variation: maps of few steps, by weights that are found anew at every map."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from fwi.inversion.priors.base import PRIORS


@PRIORS.register("variation")
@dataclass(frozen=True)
class Variation:
    """Sum over neighbours of ((d^2 + eps^2) / b^2)^(p / 2) / p, d the difference of velocities.

    With p = 1 it is total variation; below, large steps cost little more than small ones, which
    makes maps of plateaus, and many local minima. Differences below eps are smoothed.

    Attributes:
        eps: m/s.
        p: power, above 0 to 2.
        scale: b, m/s: what a difference is measured in.
        across: weight of differences along a row over those in depth: large for flat layers.

    Source:
        L. Rudin, S. Osher, E. Fatemi, Physica D 60 (1992); weights by iteration: R. Chartrand,
        W. Yin, ICASSP (2008).
    """

    eps: float = 10.0
    p: float = 1.0
    scale: float = 30.0
    across: float = 1.0

    def value(self, velocity: Tensor) -> float:
        """Energy of a map (nz, nx), m/s."""
        down, along = self._powers(velocity, self.p / 2)
        return float(down.sum() + self.across * along.sum()) / self.p

    def gradient(self, velocity: Tensor) -> Tensor:
        """Its derivative, (nz, nx)."""
        return self.curvature(velocity).apply(velocity.flatten()).view_as(velocity)

    def curvature(self, velocity: Tensor) -> Differences:
        """The quadratic that touches the energy at a map and lies above it."""
        down, along = self._powers(velocity, self.p / 2 - 1)
        per = self.scale**-2
        return Differences(per * down, per * self.across * along)

    def _powers(self, velocity: Tensor, power: float) -> tuple[Tensor, Tensor]:
        """((d^2 + eps^2) / b^2)^power, in depth (nz - 1, nx) and along rows (nz, nx - 1)."""
        steps = velocity.diff(dim=0), velocity.diff(dim=1)
        down, along = (((d**2 + self.eps**2) / self.scale**2) ** power for d in steps)
        return down, along


@dataclass(frozen=True)
class Differences:
    """Sum of weighted squares of neighbours' differences.

    Attributes:
        down: weights in depth, (nz - 1, nx).
        along: weights along rows, (nz, nx - 1).
    """

    down: Tensor
    along: Tensor

    def add_to(self, matrix: Tensor) -> None:
        """Add it to a dense matrix in place: its five diagonals."""
        nx = self.down.shape[1]
        down = self.down.flatten().to(matrix)
        along = torch.nn.functional.pad(self.along, (0, 1)).flatten()[:-1].to(matrix)
        for weights, step in ((down, nx), (along, 1)):
            matrix.diagonal()[:-step].add_(weights)
            matrix.diagonal()[step:].add_(weights)
            matrix.diagonal(step).sub_(weights)
            matrix.diagonal(-step).sub_(weights)

    def apply(self, values: Tensor) -> Tensor:
        """Multiply it with a vector (cells,)."""
        field = values.view(len(self.along), -1)
        flux_down, flux_along = self.down * field.diff(dim=0), self.along * field.diff(dim=1)
        result = torch.zeros_like(field)
        result[:-1] -= flux_down
        result[1:] += flux_down
        result[:, :-1] -= flux_along
        result[:, 1:] += flux_along
        return result.flatten()
