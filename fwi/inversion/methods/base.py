"""What every method is, and the loop that all of them share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from fwi.inversion.band import Band
from fwi.inversion.problem import Problem
from fwi.inversion.rung import IsOver, Rung, State, Watch
from fwi.registry import Registry


class Method(Protocol):
    """A way down a band's objective."""

    def __call__(
        self, problem: Problem, state: State, rung: Rung, watch: Watch, is_over: IsOver
    ) -> State:
        """Fit a band until it is explained, or nothing moves, or time is up."""


METHODS: Registry[Method] = Registry("method")

# A state in, the next one and its relative residual out.
Build = Callable[[State], tuple[State, float]]


def goal_of(rung: Rung, band: Band) -> float:
    """Relative residual at which a band is left."""
    return max(rung.goal, 1.05 * band.noise)


def climb(state: State, rung: Rung, band: Band, is_over: IsOver, build: Build) -> State:
    """Repeat builds until the band is explained, or nothing moves, or time is up."""
    last = float("inf")
    for _ in range(rung.builds):
        before = state
        state, relative = build(state)
        if relative < goal_of(rung, band) or relative > rung.stagnation * last or state is before:
            break
        if is_over():
            break
        last = relative
    return state
