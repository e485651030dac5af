"""Total variation: maps of few steps, by weights that are found anew at every map."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from fwi.inversion.priors.base import PRIORS
from fwi.inversion.priors.pairs import Pairs


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
        across: weight of differences to the next column over those in depth: large for flat layers.
        curve: rows by which every column's layers lie deeper, (nx,) integers: a cell's neighbour in
            the next column is the one of its layer. None of flat ones.

    Source:
        L. Rudin, S. Osher, E. Fatemi, Physica D 60 (1992); weights by iteration: R. Chartrand,
        W. Yin, ICASSP (2008).
    """

    eps: float = 10.0
    p: float = 1.0
    scale: float = 30.0
    across: float = 1.0
    curve: Tensor | None = None

    def value(self, velocity: Tensor) -> float:
        """Energy of a map (nz, nx), m/s."""
        first, second, weights = self._joined(velocity)
        return float(weights @ self._power(velocity, first, second, self.p / 2)) / self.p

    def gradient(self, velocity: Tensor) -> Tensor:
        """Its derivative, (nz, nx)."""
        return self.curvature(velocity).apply(velocity.flatten()).view_as(velocity)

    def curvature(self, velocity: Tensor) -> Pairs:
        """The quadratic that touches the energy at a map and lies above it."""
        first, second, weights = self._joined(velocity)
        power = self._power(velocity, first, second, self.p / 2 - 1)
        return Pairs(first, second, self.scale**-2 * weights * power)

    def _joined(self, velocity: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Cells and their neighbours, in depth and in the next column, and the pairs' weights."""
        nz, nx = velocity.shape
        cells = torch.arange(nz * nx).view(nz, nx)
        curve = torch.zeros(nx, dtype=torch.long) if self.curve is None else self.curve
        rows = torch.arange(nz)[:, None] + curve.diff()
        within = (rows >= 0) & (rows < nz)
        following = cells[rows.clamp(0, nz - 1), torch.arange(1, nx)][within]
        first = torch.cat([cells[:-1].flatten(), cells[:, :-1][within]])
        second = torch.cat([cells[1:].flatten(), following])
        weights = velocity.new_ones(len(first))
        weights[(nz - 1) * nx :] = self.across
        return first, second, weights

    def _power(self, velocity: Tensor, first: Tensor, second: Tensor, power: float) -> Tensor:
        """((d^2 + eps^2) / b^2)^power of pairs of cells."""
        flat = velocity.flatten()
        return (((flat[first] - flat[second]) ** 2 + self.eps**2) / self.scale**2) ** power
