"""Quasi-Newton steps within bounds: the curvature from the last slopes' differences.

Cells are measured in what the objective's diagonal allows them to move, so that deep ones, which
the data see a thousand times less of, begin as fast as shallow ones.

Source:
    R. Byrd, P. Lu, J. Nocedal, C. Zhu, SIAM J. Sci. Comput. 16 (1995), 1190-1208.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import torch
from scipy.optimize import Bounds, OptimizeResult, minimize
from torch import Tensor

from fwi.arrays import Array
from fwi.inversion.band import Band
from fwi.inversion.methods.base import METHODS
from fwi.inversion.methods.coordinates import Coordinates
from fwi.inversion.methods.probes import probed_diagonal
from fwi.inversion.methods.slopes import Minimise, Track, by_slopes
from fwi.inversion.methods.sparse import diagonal
from fwi.inversion.objective import Point
from fwi.inversion.problem import Problem
from fwi.inversion.rung import IsOver, Rung, State, Watch

_PROBES = 2
_STEPS = 20
_MEMORY = 10  # pairs of slopes' differences
_FIRST = 50.0  # m/s, the largest move of a cell that is tried first


@METHODS.register("lbfgs")
def descend(problem: Problem, state: State, rung: Rung, watch: Watch, is_over: IsOver) -> State:
    """Fit a band (`Method`)."""

    def prepare(band: Band, at: Point) -> Minimise:
        misfit = probed_diagonal(problem.geometry, band, at, _PROBES)
        sponge = at.sponge(band)
        of_sponge = misfit.new_tensor([band.product(sponge, sponge)])
        return partial(_minimise, torch.cat([misfit.flatten(), of_sponge]))

    return by_slopes(problem, state, rung, watch, is_over, prepare, _STEPS)


def _minimise(misfit: Tensor, coordinates: Coordinates, track: Track, steps: int) -> None:
    """Go down for some steps (`Minimise`).

    Args:
        misfit: diagonal of its curvature by velocity and by vmin, (cells + 1,).
        coordinates: what is minimised, in m/s.
        track: told of all that is seen.
        steps: most of them.
    """
    scale = _scale(misfit, coordinates, track.best.slope)
    first = replace(track.best, slope=scale * track.best.slope)
    scaled = replace(coordinates, scale=scale)

    def evaluate(x: Array) -> tuple[float, Array]:
        here = scaled.evaluate(torch.from_numpy(x.copy())) if x.any() else first
        track.see(here)
        return here.value, here.slope.numpy()

    def after(intermediate_result: OptimizeResult) -> None:
        track.step()
        if track.over:
            raise StopIteration

    low, high = scaled.bounds()
    minimize(
        evaluate, np.zeros(len(low)), jac=True, method="L-BFGS-B",
        bounds=Bounds(low.numpy(), high.numpy()), callback=after,
        options={"maxiter": steps, "maxcor": _MEMORY},
    )  # fmt: skip


def _scale(misfit: Tensor, coordinates: Coordinates, slope: Tensor) -> Tensor:
    """Scale of each coordinate, m/s: the inverse root of the objective's diagonal, (cells + 1,).

    All of it is made so small that the first try, one step down the slope, stays near: what cells
    have in common is not in the diagonal.
    """
    o, state = coordinates.objective, coordinates.origin
    unknown = coordinates.unknown.slope(state.velocity).flatten()
    prior = diagonal(o.prior.curvature(state.velocity))
    of_map = unknown**2 * (misfit[:-1] / o.tolerance**2 + prior) + state.radius**-2
    of_vmin = misfit[-1:] / o.tolerance**2 + o.sponge_std**-2
    inverse = 1 / torch.cat([of_map, of_vmin])
    first = float((inverse * slope).abs().max())
    return (inverse * min(1.0, _FIRST / max(first, 1e-9))).sqrt()
