"""Gaussian processes: smooth maps about a trend with depth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from fwi.inversion.priors.base import PRIORS
from fwi.inversion.unknowns import REFERENCE

# Of the squared distance in lengths. From smooth maps to ones with kinks: every derivative exists,
# the first one (Matern 3/2), none.
CORRELATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "squared": lambda square: torch.exp(-square / 2),
    "matern": lambda square: (1 + (3 * square).sqrt()) * torch.exp(-(3 * square).sqrt()),
    "exponential": lambda square: torch.exp(-square.sqrt()),
}


@dataclass(frozen=True)
class Part:
    """One process of a sum.

    Attributes:
        std: m/s.
        down: length in depth, cells.
        along: length along rows, cells.
        correlation: name of `CORRELATIONS`: how it falls with the distance in lengths.
    """

    std: float
    down: float
    along: float
    correlation: str = "squared"


@dataclass(frozen=True)
class Process:
    """A sum of processes about a linear trend.

    Attributes:
        parts: the processes.
        surface: mean velocity of the first row, m/s.
        slope: its mean rise, m/s a row.
        surface_std: how uncertain the mean of the map is, m/s.
        slope_std: how uncertain the rise is, m/s a row.
        white: what every cell has for itself, m/s.
        in_slowness: the process is of slowness squared (in m/s at 2,500), not of velocity.
    """

    parts: tuple[Part, ...]
    surface: float = 1900.0
    slope: float = 26.0
    surface_std: float = 400.0
    slope_std: float = 12.0
    white: float = 15.0
    in_slowness: bool = False


# The two of slowness squared carry a bad start through the lowest frequencies.
PROCESSES = {
    "low": Process((Part(400, 12, 20), Part(400, 7, 7)), in_slowness=True),
    "style": Process((Part(400, 12, 20), Part(450, 6, 6, "exponential"))),
    "style_a": Process((Part(183, 3.48, 3.48), Part(200, 10, 25)), 2212.0, 15.0, 520.0, 31.0, 3.0),
    "style_b": Process((Part(158, 1.96, 1.96), Part(150, 8, 20)), 2079.0, 22.0, 415.0, 10.0, 58.0),
}


@PRIORS.register("gaussian")
class Gaussian:
    """Half the squared distance from the trend in the process's own metric.

    Args:
        process: a name of `PROCESSES`.
        shape: of the map.

    Raises:
        KeyError: if there is no such process.
    """

    def __init__(self, process: str = "style", shape: tuple[int, int] = (70, 70)) -> None:
        self._process = PROCESSES[process]
        self._precision = _precision(self._process, shape)
        rows = torch.arange(shape[0], dtype=torch.float64)[:, None]
        trend = (self._process.surface + self._process.slope * rows).expand(shape)
        self._mean = self._unknown(trend)

    def value(self, velocity: Tensor) -> float:
        """Energy of a map (nz, nx), m/s."""
        off = (self._unknown(velocity) - self._mean).flatten()
        return 0.5 * float(off @ (self._precision @ off))

    def gradient(self, velocity: Tensor) -> Tensor:
        """Its derivative, (nz, nx)."""
        off = (self._unknown(velocity) - self._mean).flatten()
        return self._slope(velocity) * (self._precision @ off).view_as(velocity)

    def curvature(self, velocity: Tensor) -> Dense:
        """The energy's curvature, of slowness squared without the unknown's own."""
        slope = self._slope(velocity).flatten()
        return Dense(slope[:, None] * self._precision * slope)

    def _unknown(self, velocity: Tensor) -> Tensor:
        if not self._process.in_slowness:
            return velocity
        return -0.5 * REFERENCE**3 / velocity**2

    def _slope(self, velocity: Tensor) -> Tensor:
        if not self._process.in_slowness:
            return torch.ones_like(velocity)
        return (REFERENCE / velocity) ** 3


@dataclass(frozen=True)
class Dense:
    """A matrix as it is."""

    matrix: Tensor

    def add_to(self, matrix: Tensor) -> None:
        """Add it to a dense matrix in place."""
        matrix.add_(self.matrix.to(matrix.device))

    def apply(self, values: Tensor) -> Tensor:
        """Multiply it with a vector (cells,)."""
        return self.matrix @ values


@lru_cache(maxsize=4)
def _precision(process: Process, shape: tuple[int, int]) -> Tensor:
    """Inverse covariance, (cells, cells) float64: 3 s for a map, once a run."""
    return torch.cholesky_inverse(torch.linalg.cholesky(covariance(process, shape)))


def covariance(process: Process, shape: tuple[int, int]) -> Tensor:
    """Covariance of the cells of a map, (cells, cells) float64, in the square of the unit."""
    cells = shape[0] * shape[1]
    row = torch.arange(shape[0], dtype=torch.float64).repeat_interleave(shape[1])
    row -= (shape[0] - 1) / 2
    total = process.surface_std**2 + process.slope_std**2 * torch.outer(row, row)
    for part in process.parts:
        total += part.std**2 * _correlation(part, shape).reshape(cells, cells)
    total.diagonal().add_(process.white**2)
    return total


def _correlation(part: Part, shape: tuple[int, int]) -> Tensor:
    """Correlation of every two cells, (nz, nx, nz, nx)."""
    down, along = (
        ((torch.arange(n, dtype=torch.float64)[:, None] - torch.arange(n)) / length) ** 2
        for n, length in zip(shape, (part.down, part.along), strict=True)
    )
    return CORRELATIONS[part.correlation](down[:, None, :, None] + along[None, :, None, :])
