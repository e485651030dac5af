"""Maps of few values: every cell near that of a region which it may belong to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from fwi.inversion.priors.base import PRIORS


@PRIORS.register("regions")
@dataclass(frozen=True)
class Regions:
    """Sum over cells and regions of share (m - c)^2 / (2 std^2), the values c where it is least.

    A region's value costs nothing: it is the mean of its cells, by their shares, so that whole
    regions follow the data. It is the step of an expectation-maximisation: shares held, values and
    map free.

    Attributes:
        shares: of each cell in each region, (cells, regions) float64; a cell of none is free.
        std: of cells about their region's value, m/s.

    Source:
        A. Dempster, N. Laird, D. Rubin, J. R. Statist. Soc. B 39 (1977).
    """

    shares: Tensor
    std: float

    def value(self, velocity: Tensor) -> float:
        """Energy of a map (nz, nx), m/s."""
        flat = velocity.flatten()
        return 0.5 * float(flat @ self._matrix.apply(flat))

    def gradient(self, velocity: Tensor) -> Tensor:
        """Its derivative, (nz, nx)."""
        return self._matrix.apply(velocity.flatten()).view_as(velocity)

    def curvature(self, velocity: Tensor) -> Shares:
        """The energy's curvature, the same at every map."""
        return self._matrix

    @cached_property
    def _matrix(self) -> Shares:
        size = self.shares.sum(0).clamp(min=1e-9)
        return Shares(self.shares.sum(1) / self.std**2, self.shares / (size.sqrt() * self.std))


@dataclass(frozen=True)
class Shares:
    """A diagonal, less one outer product for each region.

    Attributes:
        weights: the diagonal, (cells,).
        columns: (cells, regions).
    """

    weights: Tensor
    columns: Tensor

    def add_to(self, matrix: Tensor) -> None:
        """Add it to a dense matrix in place."""
        matrix.diagonal().add_(self.weights.to(matrix))
        columns = self.columns.to(matrix)
        matrix.addmm_(columns, columns.T, alpha=-1)

    def apply(self, values: Tensor) -> Tensor:
        """Multiply it with a vector (cells,)."""
        return self.weights * values - self.columns @ (self.columns.T @ values)
