"""Steps of one length in every cell, however small its slope: Adam, to compare others with.

Source:
    D. Kingma, J. Ba, arXiv:1412.6980 (2014).
"""

from __future__ import annotations

import torch

from fwi.inversion.methods.base import METHODS
from fwi.inversion.methods.coordinates import Coordinates
from fwi.inversion.methods.slopes import Track, by_slopes
from fwi.inversion.problem import Problem
from fwi.inversion.rung import IsOver, Rung, State, Watch

_RATE = 10.0  # m/s a step, falling to nothing
_STEPS = 40


@METHODS.register("adam")
def descend(problem: Problem, state: State, rung: Rung, watch: Watch, is_over: IsOver) -> State:
    """Fit a band (`Method`); the best state seen is kept, since values may rise on the way."""
    return by_slopes(problem, state, rung, watch, is_over, lambda band, at: _minimise, _STEPS)


def _minimise(coordinates: Coordinates, track: Track, steps: int) -> None:
    """Go down for some steps (`Minimise`)."""
    low, high = coordinates.bounds()
    x, here = torch.zeros_like(low), track.best
    optimizer = torch.optim.Adam([x], _RATE)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        x.grad = here.slope
        optimizer.step()
        rate.step()
        x.clamp_(low, high)
        here = coordinates.evaluate(x)
        track.see(here)
        track.step()
        if track.over:
            break
