"""Bounds that a map may overstep a little: hard ones would break the steps' quadratic.

Where one cell of a step was cut off at a bound, what its neighbours made up for was missing: the
misfit of one such step came out 500,000 above its promise.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from fwi.inversion.priors.base import Curvature, Prior

_STD = 15.0  # m/s beyond a bound


@dataclass(frozen=True)
class Within:
    """A prior, and half the squared distance of velocities beyond bounds, in units of 15 m/s.

    Attributes:
        prior: of maps within.
        bounds: smallest and largest velocity, m/s.
    """

    prior: Prior
    bounds: tuple[float, float]

    def value(self, velocity: Tensor) -> float:
        """Energy of a map (nz, nx), m/s."""
        return self.prior.value(velocity) + 0.5 * float(self._beyond(velocity).square().sum())

    def gradient(self, velocity: Tensor) -> Tensor:
        """Its derivative, (nz, nx)."""
        return self.prior.gradient(velocity) + self._beyond(velocity) / _STD

    def curvature(self, velocity: Tensor) -> Held:
        """The prior's, and that of the cells beyond the bounds."""
        beyond = (self._beyond(velocity) != 0).to(velocity) / _STD**2
        return Held(self.prior.curvature(velocity), beyond.flatten())

    def _beyond(self, velocity: Tensor) -> Tensor:
        return (velocity - velocity.clamp(*self.bounds)) / _STD


@dataclass(frozen=True)
class Held:
    """A prior's curvature and a diagonal.

    Attributes:
        prior: the first.
        weights: the second, (cells,).
    """

    prior: Curvature
    weights: Tensor

    def add_to(self, matrix: Tensor) -> None:
        """Add them to a dense matrix in place."""
        self.prior.add_to(matrix)
        matrix.diagonal().add_(self.weights.to(matrix))

    def apply(self, values: Tensor) -> Tensor:
        """Multiply them with a vector (cells,)."""
        return self.prior.apply(values) + self.weights * values
