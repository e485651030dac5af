"""Gauss-Newton steps in one band, whatever stands before their conjugate gradients."""

from __future__ import annotations

import time
from collections.abc import Callable

from fwi.inversion.band import Band
from fwi.inversion.methods.attempt import POOR, Attempt, Means
from fwi.inversion.methods.base import climb
from fwi.inversion.objective import Point, look
from fwi.inversion.problem import Problem
from fwi.inversion.rung import IsOver, Progress, Rung, State, Watch

Prepare = Callable[[Band, Point], Means]


def gauss_newton(
    problem: Problem, state: State, rung: Rung, watch: Watch, is_over: IsOver, prepare: Prepare
) -> State:
    """Fit a band by steps for which `prepare` makes the means, once a build."""
    band = rung.band(problem)

    def build(state: State) -> tuple[State, float]:
        begun, means, relative = time.monotonic(), None, float("inf")
        for prior in rung.priors:
            at = look(problem, band, state)
            means = prepare(band, at) if means is None else means
            attempt = Attempt(problem, rung, prior, band, at, means)
            state, ratio, relative = attempt.take()
            seconds, before = time.monotonic() - begun, attempt.relative
            watch(Progress(rung.peak, before, relative, ratio, state, seconds, rung.by_noise))
            begun = time.monotonic()
            if ratio < POOR or is_over():
                break
        return state, relative

    return climb(state, rung, band, is_over, build)
