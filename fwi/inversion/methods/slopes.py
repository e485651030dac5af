"""What methods share that know the objective's slope alone: rounds, the best state, reports."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor

from fwi.inversion.band import Band
from fwi.inversion.methods.base import climb, goal_of
from fwi.inversion.methods.coordinates import Coordinates, Evaluation
from fwi.inversion.objective import Objective, Point, look, objective_about
from fwi.inversion.problem import Problem
from fwi.inversion.rung import IsOver, Progress, Rung, State, Watch

_EVERY = 5  # steps between two reports
_EXPLAINED = 0.8  # of s: a residual below leaves little to the misfit


class Track:
    """What the steps of one objective have reached.

    Attributes:
        best: the least value seen, and where.
        steps: taken.
        done: the band's goal is reached, or time is up.
        over: the same, or the data are explained as closely as s asks for: it has to be set anew.
    """

    def __init__(
        self, rung: Rung, objective: Objective, first: Evaluation, watch: Watch, is_over: IsOver
    ) -> None:
        self.best, self.steps, self.done, self.over = first, 0, False, False
        self._rung, self._goal = rung, goal_of(rung, objective.band)
        self._explained = _EXPLAINED * objective.tolerance
        self._watch, self._is_over = watch, is_over
        self._told, self._at, self._begun = first, 0, time.monotonic()

    def see(self, evaluation: Evaluation) -> None:
        """Keep a state where it is the best one."""
        if evaluation.value < self.best.value:
            self.best = evaluation

    def step(self) -> None:
        """Count a step, and report every few of them."""
        self.steps += 1
        self.done = self.best.relative < self._goal or self._is_over()
        self.over = self.done or self.best.relative < self._explained
        if self.steps - self._at == _EVERY:
            self._tell()

    def close(self) -> None:
        """Report what has not been: a last trial may have found more than the last step."""
        if self.steps > self._at or self.best is not self._told:
            self._tell()

    def _tell(self) -> None:
        """Report what the steps since the last report have done; nothing promised it."""
        before, after, now = self._told.relative, self.best.relative, time.monotonic()
        rung, taken = self._rung, now - self._begun
        state = self.best.state
        self._watch(Progress(rung.peak, before, after, math.nan, state, taken, rung.by_noise))
        self._told, self._at, self._begun = self.best, self.steps, now


# Goes down from the origin of coordinates until the track is over, or for so many steps.
Minimise = Callable[[Coordinates, Track, int], None]
Prepare = Callable[[Band, Point], Minimise]


def by_slopes(
    problem: Problem,
    state: State,
    rung: Rung,
    watch: Watch,
    is_over: IsOver,
    prepare: Prepare,
    steps: int,
) -> State:
    """Fit a band by a method that `prepare` sets up once a build.

    Args:
        problem: the sample.
        state: where to begin.
        rung: the band and how it is fitted.
        watch: told of every few steps.
        is_over: whether no further step may be begun.
        prepare: makes the method from the band and the build's first point.
        steps: a prior and build.
    """
    band = rung.band(problem)

    def build(state: State) -> tuple[State, float]:
        minimise, relative = None, math.inf
        for prior in rung.priors:
            left = steps
            while left > 0:
                at = look(problem, band, state)
                minimise = prepare(band, at) if minimise is None else minimise
                objective = objective_about(problem, rung, prior, band, at)
                coordinates = Coordinates(problem, objective, rung.unknown, state, _ones(state))
                track = Track(rung, objective, coordinates.evaluation(at), watch, is_over)
                minimise(coordinates, track, left)
                track.close()
                state, relative = track.best.state, track.best.relative
                if track.done:
                    return state, relative
                left = left - track.steps if track.over else 0
        return state, relative

    return climb(state, rung, band, is_over, build)


def _ones(state: State) -> Tensor:
    return torch.ones(state.velocity.numel() + 1, dtype=torch.float64)
