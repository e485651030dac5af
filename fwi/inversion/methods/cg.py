"""Gauss-Newton steps by conjugate gradients alone, for grids whose matrices fit no memory.

What stands before them is sparse: the prior's stencil, exactly, and the misfit's diagonal, found
by probing. It evens out depth and velocity, and leaves to the iterations what cells have in
common.
"""

from __future__ import annotations

from fwi.inversion.band import Band
from fwi.inversion.methods.attempt import Means
from fwi.inversion.methods.base import METHODS
from fwi.inversion.methods.gauss_newton import gauss_newton
from fwi.inversion.methods.probes import probed_diagonal
from fwi.inversion.methods.sparse import CellByCell, parts
from fwi.inversion.objective import Point
from fwi.inversion.problem import Problem
from fwi.inversion.rung import IsOver, Rung, State, Watch

_PROBES = 2
_TIMES = 3  # the iterations of the dense method


@METHODS.register("cg")
def descend(problem: Problem, state: State, rung: Rung, watch: Watch, is_over: IsOver) -> State:
    """Fit a band (`Method`).

    Raises:
        TypeError: if a prior's curvature is dense: a Gaussian process's.
    """
    for prior in rung.priors:  # before anything is simulated
        parts(prior.curvature(state.velocity))

    def prepare(band: Band, at: Point) -> Means:
        diagonal = probed_diagonal(problem.geometry, band, at, _PROBES)
        return Means(CellByCell(diagonal), _TIMES * rung.iterations)

    return gauss_newton(problem, state, rung, watch, is_over, prepare)
