"""A network's map as regulariser, and no regulariser at all."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from fwi.inversion.priors.base import PRIORS


@PRIORS.register("reference")
@dataclass(frozen=True)
class Reference:
    """Half the squared distance from a map, in standard deviations of its error.

    Attributes:
        velocity: the map (nz, nx), m/s, such as a network's.
        std: how far it is trusted, m/s.
    """

    velocity: Tensor
    std: float = 150.0

    def value(self, velocity: Tensor) -> float:
        """Energy of a map (nz, nx), m/s."""
        return 0.5 * float((velocity - self.velocity).square().sum()) / self.std**2

    def gradient(self, velocity: Tensor) -> Tensor:
        """Its derivative, (nz, nx)."""
        return (velocity - self.velocity) / self.std**2

    def curvature(self, velocity: Tensor) -> Diagonal:
        """The energy's curvature, the same in every cell."""
        return Diagonal(torch.full_like(velocity.flatten(), self.std**-2))


@PRIORS.register("none")
@dataclass(frozen=True)
class Nothing:
    """No knowledge: all maps are alike, and the trust radius alone holds weak directions."""

    def value(self, velocity: Tensor) -> float:
        """Give 0."""
        return 0.0

    def gradient(self, velocity: Tensor) -> Tensor:
        """Give zeros, (nz, nx)."""
        return torch.zeros_like(velocity)

    def curvature(self, velocity: Tensor) -> Diagonal:
        """Give a matrix of zeros."""
        return Diagonal(torch.zeros_like(velocity.flatten()))


@dataclass(frozen=True)
class Diagonal:
    """A diagonal matrix.

    Attributes:
        weights: (cells,).
    """

    weights: Tensor

    def add_to(self, matrix: Tensor) -> None:
        """Add it to a dense matrix in place."""
        matrix.diagonal().add_(self.weights.to(matrix))

    def apply(self, values: Tensor) -> Tensor:
        """Multiply it with a vector (cells,)."""
        return self.weights * values
