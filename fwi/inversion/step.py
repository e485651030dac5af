"""One Gauss-Newton step: conjugate gradients on the exact products, a factored matrix before them.

The map's unknown q and the sponge's velocity are solved for together,

    min over (dq, dv) of |W F (J S dq + K dv) + W F r|^2 / (2 s^2) + prior(m + S dq)
                         + (v + dv - v0)^2 / (2 sv^2) + |dq|^2 / (2 tau^2),

with the exact J and K (`Operator.jvp`, `Operator.vjp`). How near the factored matrix comes to the
objective's curvature says how many iterations are left to do, not where they lead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from fwi.inversion.band import Band
from fwi.inversion.priors.base import Curvature
from fwi.physics.operator import Operator

_GRADIENT = 0.05  # of its first length in the preconditioner's metric: solved far enough


class Factor(Protocol):
    """A factored matrix of the map's cells."""

    def solve(self, values: Tensor) -> Tensor:
        """Divide a vector (cells,) float64 by the matrix."""


class Hessian(Protocol):
    """What stands for H, the curvature of a band's misfit, before conjugate gradients."""

    def factorize(
        self, tolerance: float, curvature: Curvature, slope: Tensor, radius: float
    ) -> Factor:
        """Factor S (H / s^2 + P) S + 1 / tau^2.

        Args:
            tolerance: s, of the relative residual.
            curvature: P, of the prior.
            slope: S, (nz, nx).
            radius: tau, m/s.
        """


@dataclass(frozen=True)
class Quadratic:
    """The objective about a map, and its preconditioner.

    Attributes:
        linear: the scheme linearised about the map.
        band: what is fitted.
        tolerance: s, of the relative residual.
        slope: S = dv / dq of each cell, 0 where a cell is held, (nz, nx).
        curvature: of the prior.
        radius: tau, m/s.
        sponge: W F K, (S, T, R).
        sponge_curvature: of the vmin's objective alone, 1 / sv^2.
        factor: of the map's block, nearly.
    """

    linear: Operator
    band: Band
    tolerance: float
    slope: Tensor
    curvature: Curvature
    radius: float
    sponge: Tensor
    sponge_curvature: float
    factor: Factor

    def apply(self, x: Tensor) -> Tensor:
        """Multiply the curvature with a step, (cells + 1,), the last one vmin's."""
        s2, scale = self.tolerance**2, self.slope.flatten()
        change = scale * x[:-1]
        along = change.view_as(self.slope)[None].float()
        data = self.band.apply(self.linear.jvp(along, x[-1:].float())[0])
        back = self.linear.vjp(self.band.adjoint(data)[None])[0].flatten().to(x)
        own = self.curvature.apply(change) + back / s2
        sponge = self._with_sponge(data) + self.sponge_curvature * float(x[-1])
        return torch.cat([scale * own + x[:-1] / self.radius**2, x.new_tensor([sponge])])

    def precondition(self, r: Tensor) -> Tensor:
        """Solve with the factored matrix, and vmin apart."""
        own = self._with_sponge(self.sponge) + self.sponge_curvature
        return torch.cat([self.factor.solve(r[:-1]), r[-1:] / own])

    def solve(self, gradient: Tensor, iterations: int) -> tuple[Tensor, float]:
        """Minimise by preconditioned conjugate gradients.

        Returns:
            The step (cells + 1,) and the change of the objective that it should bring, without
            the radius's term.
        """
        x, r = torch.zeros_like(gradient), -gradient
        z = self.precondition(r)
        p, first = z.clone(), float(r @ z)
        weight = first
        for _ in range(iterations):
            q = self.apply(p)
            alpha = weight / float(p @ q)
            x, r = x + alpha * p, r - alpha * q
            z = self.precondition(r)
            left = float(r @ z)
            if left < _GRADIENT**2 * first:
                break
            p, weight = z + left / weight * p, left
        return x, 0.5 * float(gradient @ x) - 0.5 * float(x[:-1] @ x[:-1]) / self.radius**2

    def _with_sponge(self, data: Tensor) -> float:
        """(W F K)^T y over the independent rows and s^2."""
        return self.band.product(self.sponge, data) / self.tolerance**2
