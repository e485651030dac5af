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
from fwi.inversion.green import Green
from fwi.inversion.jacobian import gram, jacobian, receiver_spacing
from fwi.inversion.methods.attempt import Means
from fwi.inversion.methods.base import METHODS
from fwi.inversion.methods.gauss_newton import gauss_newton
from fwi.inversion.objective import Point
from fwi.inversion.priors.base import Curvature
from fwi.inversion.problem import Problem
from fwi.inversion.rung import IsOver, Rung, State, Watch
from fwi.physics.operator import Operator


@METHODS.register("dense")
def descend(problem: Problem, state: State, rung: Rung, watch: Watch, is_over: IsOver) -> State:
    """Fit a band (`Method`)."""

    def prepare(band: Band, at: Point) -> Means:
        velocity, vmin = at.state.velocity, at.state.vmin
        hessian = gauss_newton_hessian(problem, velocity, vmin, band, at.linear)
        return Means(Gram(hessian), rung.iterations)

    return gauss_newton(problem, state, rung, watch, is_over, prepare)


def gauss_newton_hessian(
    problem: Problem, velocity: Tensor, vmin: float, band: Band, linear: Operator
) -> Tensor:
    """Gram matrix of a band's Jacobian at a map, (cells, cells), in the problem's memory."""
    highest = band.sampled / problem.geometry.dt
    green = Green(velocity.numpy(), vmin, problem.geometry, highest, problem.room, problem.threads)
    every = receiver_spacing(problem.geometry, float(velocity.min()), band)
    rows = jacobian(linear, green, problem.geometry, band, problem.room, every)
    return gram(rows, problem.room)


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
        """Cholesky factor of S (H / s^2 + P) S + 1 / tau^2.

        Raises:
            FloatingPointError: if the matrix is not positive, however much is added to its
                diagonal.
        """
        matrix, scale = self.matrix / tolerance**2, slope.flatten().to(self.matrix)
        curvature.add_to(matrix)
        matrix.mul_(scale[:, None]).mul_(scale)
        matrix.diagonal().add_(radius**-2)
        for power in range(-6, 0):
            factor, failed = torch.linalg.cholesky_ex(matrix)
            if not int(failed):
                return Cholesky(factor)
            matrix.diagonal().add_(10.0**power * float(matrix.diagonal().mean()))
        raise FloatingPointError("the curvature must be positive; give a stronger prior")


@dataclass(frozen=True)
class Cholesky:
    """A dense factor (`Factor`).

    Attributes:
        lower: triangular, (cells, cells) float32.
    """

    lower: Tensor

    def solve(self, values: Tensor) -> Tensor:
        """Divide a vector (cells,) float64 by the matrix."""
        return torch.cholesky_solve(values[:, None].to(self.lower), self.lower)[:, 0].double()
