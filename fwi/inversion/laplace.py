"""The objective's quadratic about a refined map, as a precision of maps.

With every datum weighed by its known error, the curvature of the objective is

    A = H / s^2 + P - c c' / k,    H = J' W^2 J,

P the prior's, and s the residual in those errors where it is above 1. The sponge's velocity is an
unknown too: c is its product with the map's columns, k its own curvature, and taking it out leaves
the map's marginal precision.
"""

from __future__ import annotations

from torch import Tensor

from fwi.inversion.band import Band
from fwi.inversion.jacobian import gram, thinned_rows
from fwi.inversion.methods.dense import rows_at
from fwi.inversion.objective import Point, look
from fwi.inversion.priors.base import Prior
from fwi.inversion.problem import Problem
from fwi.inversion.rung import SPONGE_STD, State


def quadratic(
    problem: Problem, velocity: Tensor, vmin: float, prior: Prior
) -> tuple[Tensor, Tensor]:
    """Give the objective's precision (cells, cells) and slope (cells,), the sponge taken out.

    Args:
        problem: the sample.
        velocity: the refined map (nz, nx) float64, m/s.
        vmin: the sponge's velocity there, m/s.
        prior: what is known of the map beside the data.

    Returns:
        Both on the device of the problem's matrices.
    """
    band = problem.noise_band()
    at = look(problem, band, State(velocity, vmin))
    weight = max(1.0, band.relative(at.misfit)) ** -2
    sponge = at.sponge(band)

    hessian, coupling, own = _information(problem, band, at)
    precision = weight * hessian.double()
    prior.curvature(velocity).add_to(precision)
    coupling, own = weight * coupling, weight * own + SPONGE_STD**-2
    precision.addr_(coupling, coupling, alpha=-1 / own)

    slope = (weight * at.back(band, at.residual) + prior.gradient(velocity)).flatten()
    of_sponge = weight * band.product(sponge, at.residual)
    of_sponge += (vmin - float(velocity.min())) / SPONGE_STD**2
    return precision, slope.to(coupling) - of_sponge / own * coupling


def _information(problem: Problem, band: Band, at: Point) -> tuple[Tensor, Tensor, float]:
    """H (cells, cells), c (cells,) and k.

    The sponge's column is cut to the rows of the map's: with the exact product, which edge columns
    miss by some percent, what is left of H would not be positive.
    """
    rows, every = rows_at(problem, band, at)
    column = thinned_rows(band, at.by_sponge, every).flatten().to(rows)
    own = float(column.double().square().sum())
    return gram(rows, problem.room), (rows.flatten(1) @ column).double(), own
