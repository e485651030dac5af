"""What is known of maps beside the data: an energy, its slope, and a matrix above its curvature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from torch import Tensor

from fwi.registry import Registry


class Curvature(Protocol):
    """A symmetric positive matrix, (cells, cells)."""

    def add_to(self, matrix: Tensor) -> None:
        """Add it to a dense matrix in place."""

    def apply(self, values: Tensor) -> Tensor:
        """Multiply it with a vector (cells,)."""


class Prior(Protocol):
    """Minus the logarithm of maps' probability, up to a constant; float64."""

    def value(self, velocity: Tensor) -> float:
        """Energy of a map (nz, nx), m/s."""

    def gradient(self, velocity: Tensor) -> Tensor:
        """Its derivative, (nz, nx)."""

    def curvature(self, velocity: Tensor) -> Curvature:
        """A quadratic that touches the energy at a map, and lies above it where it is concave."""


PRIORS: Registry[Callable[..., Prior]] = Registry("prior")
