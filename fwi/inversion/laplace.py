"""The objective's quadratic about a refined map, as a precision of maps.

With every datum weighed by its known error, the curvature of the objective is

    A = H / s^2 + P - c c' / k,    H = J' W^2 J,

P the prior's, and s the residual in those errors where it is above 1. The sponge's velocity is an
unknown too: c is its product with the map's columns, k its own curvature, and taking it out leaves
the map's marginal precision.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fwi.inversion.band import Band
from fwi.inversion.green import Green
from fwi.inversion.jacobian import gram, jacobian, receiver_spacing
from fwi.inversion.priors.base import Prior
from fwi.inversion.problem import Problem
from fwi.physics.operator import Operator

_SPONGE_STD = 60.0  # m/s: of the sponge's velocity about the map's smallest one, as in a step
_ADDED = 0.0, 1e-6, 1e-5, 1e-4, 1e-3  # of the diagonal: what rounding takes from a positive matrix


def quadratic(
    problem: Problem, velocity: Tensor, vmin: float, prior: Prior
) -> tuple[Tensor, Tensor]:
    """Give the objective's precision (cells, cells) and slope (cells,), the sponge taken out.

    Args:
        problem: the sample.
        velocity: the refined map (nz, nx) float64, m/s.
        vmin: the sponge's velocity there, m/s.
        prior: what is known of the map beside the data.
    """
    band, linear = problem.noise_band(), problem.linearize(velocity, vmin)
    residual = band.apply(linear.gathers[0] - problem.observed)
    misfit = float(residual.double().square().sum()) / (2 * band.spacing)
    weight = max(1.0, band.relative(misfit)) ** -2
    sponge = band.apply(linear.jvp(torch.zeros(1, *velocity.shape), torch.ones(1))[0])

    hessian, coupling, own = _information(problem, velocity, vmin, band, linear, sponge)
    precision = weight * hessian.double()
    prior.curvature(velocity).add_to(precision)
    coupling, own = weight * coupling, weight * own + _SPONGE_STD**-2
    precision.addr_(coupling, coupling, alpha=-1 / own)

    back = linear.vjp(band.adjoint(residual)[None])[0].double()
    slope = (weight * back + prior.gradient(velocity)).flatten()
    of_sponge = weight * float((sponge.double() * residual.double()).sum()) / band.spacing
    of_sponge += (vmin - float(velocity.min())) / _SPONGE_STD**2
    return precision, slope - of_sponge / own * coupling


def factorize(precision: Tensor) -> Tensor:
    """Cholesky factor; where rounding has made a weak direction negative, of a little more.

    Raises:
        FloatingPointError: if neither data nor prior hold some direction.
    """
    diagonal, matrix = precision.diagonal().clone(), precision.clone()
    for share in _ADDED:
        matrix.diagonal().copy_((1 + share) * diagonal)
        factor, failed = torch.linalg.cholesky_ex(matrix)
        if not int(failed):
            return factor
    raise FloatingPointError("the precision must be positive; give a stronger prior")


def _information(
    problem: Problem, velocity: Tensor, vmin: float, band: Band, linear: Operator, sponge: Tensor
) -> tuple[Tensor, Tensor, float]:
    """H (cells, cells), c (cells,) and k.

    The sponge's column is cut to the rows of the map's: with the exact product, which edge columns
    miss by some percent, what is left of H would not be positive.
    """
    g, highest = problem.geometry, band.sampled / problem.geometry.dt
    green = Green(velocity.numpy(), vmin, g, highest, problem.room, problem.threads)
    every = receiver_spacing(g, float(velocity.min()), band)
    rows = jacobian(linear, green, g, band, problem.room, every).flatten(1)
    kept = sponge[:, band.times][..., ::every]
    share = math.sqrt(sponge.shape[-1] / kept.shape[-1])
    column = share * kept.transpose(1, 2).flatten()
    own = float(column.double().square().sum())
    return gram(rows, problem.room), (rows @ column).double(), own
