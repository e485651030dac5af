"""Fitting a band, by the name of a method."""

from __future__ import annotations

from fwi.inversion.methods import METHODS, choose
from fwi.inversion.methods.dense import gauss_newton_hessian
from fwi.inversion.problem import BOUNDS, Problem
from fwi.inversion.rung import IsOver, Progress, Rung, State, Watch

__all__ = ["BOUNDS", "Progress", "Rung", "State", "Watch", "descend", "gauss_newton_hessian"]


def descend(
    problem: Problem,
    state: State,
    rung: Rung,
    watch: Watch,
    is_over: IsOver = lambda: False,
    method: str = "auto",
) -> State:
    """Fit a band until it is explained, or nothing moves, or time is up.

    Args:
        problem: the sample.
        state: where to begin.
        rung: the band and how it is fitted.
        watch: told of every step.
        is_over: whether no further step may be begun.
        method: a name of `METHODS`; "auto" takes the one that suits the problem's size.

    Raises:
        KeyError: if there is no such method.
        TypeError: if the method cannot take the rung's prior.
    """
    return METHODS[choose(problem.geometry, method)](problem, state, rung, watch, is_over)
