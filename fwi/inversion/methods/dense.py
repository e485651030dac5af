"""Gauss-Newton steps behind the Jacobian's whole Gram matrix, for which small grids have room.

By reciprocity the Jacobian of some thousand cells costs seconds. Its Gram matrix is a few percent
off in weak directions, where frozen steps fail; as a preconditioner it leaves two to five
iterations to do.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from fwi.inversion.band import Band
from fwi.inversion.cholesky import factorize
from fwi.inversion.green import Green
from fwi.inversion.jacobian import gram, jacobian, receiver_spacing
from fwi.inversion.methods.attempt import Means
from fwi.inversion.methods.base import METHODS
from fwi.inversion.methods.gauss_newton import gauss_newton
from fwi.inversion.objective import Point
from fwi.inversion.priors.base import Curvature
from fwi.inversion.problem import Problem
from fwi.inversion.rung import IsOver, Rung, State, Watch


@METHODS.register("dense")
def descend(problem: Problem, state: State, rung: Rung, watch: Watch, is_over: IsOver) -> State:
    """Fit a band (`Method`)."""

    def prepare(band: Band, at: Point) -> Means:
        rows, _ = rows_at(problem, band, at)
        return Means(Gram(gram(rows, problem.room)), rung.iterations)

    return gauss_newton(problem, state, rung, watch, is_over, prepare)


def rows_at(problem: Problem, band: Band, at: Point, whole: bool = False) -> tuple[Tensor, int]:
    """A band's Jacobian, transposed (`jacobian`), in the problem's memory.

    Args:
        problem: the sample.
        band: filter and weights.
        at: where the scheme is linearised.
        whole: take the padding to its end (`edges`): slower, and exact at the map's edge too.

    Returns:
        (cells, S, R', T') float32, and which so-manieth receiver was taken.
    """
    g, velocity = problem.geometry, at.state.velocity
    highest = band.sampled / g.dt
    green = Green(
        velocity.numpy(), at.state.vmin, g, highest, problem.room, problem.threads,
        problem.observed.device, whole,
    )  # fmt: skip
    every = receiver_spacing(g, float(velocity.min()), band)
    return jacobian(at.linear, green, g, band, problem.room, every), every


@dataclass(frozen=True)
class Gram:
    """The Gram matrix as it is (`Hessian`).

    Attributes:
        matrix: H, (cells, cells) float32.
    """

    matrix: Tensor

    def factorize(
        self, tolerance: float, curvature: Curvature, slope: Tensor, radius: float
    ) -> Cholesky:
        """Cholesky factor of S (H / s^2 + P) S + 1 / tau^2 (`factorize`)."""
        matrix, scale = self.matrix / tolerance**2, slope.flatten().to(self.matrix)
        curvature.add_to(matrix)
        matrix.mul_(scale[:, None]).mul_(scale)
        matrix.diagonal().add_(radius**-2)
        return Cholesky(factorize(matrix))


@dataclass(frozen=True)
class Cholesky:
    """A dense factor (`Factor`).

    Attributes:
        lower: triangular, (cells, cells) float32.
    """

    lower: Tensor

    def solve(self, values: Tensor) -> Tensor:
        """Divide a vector (cells,) float64 by the matrix."""
        return torch.cholesky_solve(values[:, None].to(self.lower), self.lower)[:, 0].to(values)
