"""What a band's map has to minimise: misfit, prior, and the sponge's velocity near the map's.

    |W F r|^2 / (2 s^2) + prior(m) + (v - min m)^2 / (2 sv^2),

the sum over independent data, s and min m held while a step is sought.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from fwi.inversion.band import Band
from fwi.inversion.priors.base import Prior
from fwi.inversion.problem import Problem
from fwi.inversion.rung import Rung, State
from fwi.physics.operator import Operator

_LEAST = 0.3  # of the band's noise: s does not fall below


@dataclass(frozen=True)
class Point:
    """A state about which the scheme is linearised, and what it leaves of a band.

    Attributes:
        state: the map and its sponge's velocity.
        linear: the scheme about them.
        residual: W F r, (S, T, R).
        misfit: half the sum of its squares over independent data.
    """

    state: State
    linear: Operator
    residual: Tensor
    misfit: float

    def sponge(self, band: Band) -> Tensor:
        """The sponge's column of the Jacobian, W F K, (S, T, R)."""
        return band.apply(self.by_sponge)

    @cached_property
    def by_sponge(self) -> Tensor:
        """Derivative of the gathers by the sponge's velocity, K, (S, T, R)."""
        still = torch.zeros(1, *self.state.velocity.shape)
        return self.linear.jvp(still, torch.ones(1))[0]

    def back(self, band: Band, data: Tensor) -> Tensor:
        """(W F J)^T y of data y, over independent rows, (nz, nx) float64."""
        return self.linear.vjp(band.adjoint(data)[None])[0].to(self.state.velocity)


def look(problem: Problem, band: Band, state: State) -> Point:
    """Linearise the scheme about a state, and take its residual."""
    linear = problem.linearize(state.velocity, state.vmin)
    residual = band.apply(linear.gathers[0] - problem.observed)
    return Point(state, linear, residual, 0.5 * band.product(residual, residual))


@dataclass(frozen=True)
class Objective:
    """The sum that a step has to lower.

    Attributes:
        band: what is fitted.
        prior: what the map is drawn to.
        tolerance: s, of the relative residual.
        tied: velocity that the sponge's is drawn to, m/s.
        sponge_std: how far, m/s.
    """

    band: Band
    prior: Prior
    tolerance: float
    tied: float
    sponge_std: float

    def value(self, velocity: Tensor, vmin: float, misfit: float) -> float:
        """The sum, of a map (nz, nx), its sponge's velocity and the misfit that they leave."""
        sponge = 0.5 * ((vmin - self.tied) / self.sponge_std) ** 2
        return misfit / self.tolerance**2 + self.prior.value(velocity) + sponge

    def by_velocity(self, point: Point) -> Tensor:
        """Derivative by the map, (nz, nx) float64."""
        back = point.back(self.band, point.residual)
        return back / self.tolerance**2 + self.prior.gradient(point.state.velocity)

    def by_vmin(self, vmin: float, of_misfit: float) -> float:
        """Derivative by the sponge's velocity, given the misfit's."""
        return of_misfit / self.tolerance**2 + (vmin - self.tied) / self.sponge_std**2


def objective_about(problem: Problem, rung: Rung, prior: Prior, band: Band, at: Point) -> Objective:
    """Lay out the objective of a step from a point: s follows its residual."""
    tolerance = max(rung.tolerance * band.relative(at.misfit), _LEAST * band.noise)
    tied = float(at.state.velocity.min().clamp(*problem.bounds))
    return Objective(band, prior, tolerance, tied, rung.sponge_std)
