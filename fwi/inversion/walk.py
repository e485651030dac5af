"""Steps from one state to the next: rungs that are taken, or left out where they bring nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fwi.inversion.band import Band
from fwi.inversion.ladder import followed
from fwi.inversion.methods.base import Method, goal_of
from fwi.inversion.problem import Problem
from fwi.inversion.rung import IsOver, Rung, State, Watch

_REACHED = 0.15  # relative residual of a band whose valley the map is in
_NOISE = 1.5  # times that of a band explains it


@dataclass(frozen=True)
class Walk:
    """How a sample's map is moved.

    Attributes:
        problem: the sample.
        descend: the way down a band's objective.
        watch: told of every step.
        is_over: whether no further step may be begun.
    """

    problem: Problem
    descend: Method
    watch: Watch
    is_over: IsOver

    def take(self, state: State, rungs: Sequence[Rung]) -> State:
        """Climb all rungs."""
        for rung in rungs:
            if self.is_over():
                break
            here = followed(rung, state.velocity)
            state = self.descend(self.problem, state, here, self.watch, self.is_over)
        return state

    def rise(self, state: State, rungs: Sequence[Rung]) -> State:
        """Climb bands, but none that is explained, or from which the next one can be climbed."""
        for rung, following in zip(rungs, [*rungs[1:], None], strict=True):
            band = self.problem.band(rung.peak)
            explained = self.residual(band, state) < goal_of(rung, band)
            if not explained and not (following and self.reaches(following, rung, state)):
                state = self.take(state, [rung])
        return state

    def reaches(self, following: Rung, rung: Rung, state: State) -> bool:
        """Say whether a map is in the valley of a rung that is above another."""
        band = self.problem.band(following.peak)
        return following.peak > rung.peak and self.residual(band, state) < _REACHED

    def is_near(self, band: Band, state: State, least: float) -> bool:
        """Say whether a band is explained as well as by the right valley and a right guess."""
        return self.residual(band, state) < max(least, _NOISE * band.noise)

    def residual(self, band: Band, state: State) -> float:
        """Relative residual of a band, or in noise deviations."""
        return self.problem.relative(band, state.velocity, state.vmin)
