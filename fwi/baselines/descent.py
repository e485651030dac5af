"""Descent of a loss along a direction, with a step that is halved until the loss falls."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from fwi.arrays import Array

Evaluate = Callable[[Array], tuple[float, Array]]
Direction = Callable[[Array, Array], Array]

_FALL = 0.1  # delta of the source
_SMALLEST = 2.0**-60  # beyond float64's digits: a smaller step changes nothing


class ConvergenceWarning(UserWarning):
    """The iterations ended before the gradient was small."""


class Descent(NamedTuple):
    """Where a descent ended.

    Attributes:
        weights: of the last iterate.
        history: the loss of each iterate, the start's first.
        converged: whether the gradient became small.
    """

    weights: Array
    history: list[float]
    converged: bool


def descend(
    evaluate: Evaluate,
    direction: Direction,
    start: Array,
    lr: float,
    max_iter: int,
    tol: float,
    scale: Array,
) -> Descent:
    """Go downhill until no entry of the gradient matters.

    w <- w - r d(w, g), with g = dJ/dw; d = g is gradient descent, d = H^-1 g Newton's method.
    The rate r is halved until the loss falls by a part c = 0.1 of what its slope promises, and
    doubled again, up to lr, before the next step:

        J(w - r d) <= J(w) - c r <g, d>.

    Near the minimum rounding hides that fall, and the slope beyond the step decides instead,
    which for a quadratic J is the same condition:

        -<g(w - r d), d> <= (1 - 2 c) <g, d>.

    Args:
        evaluate: gives J and g at weights.
        direction: gives d at weights with that g.
        start: first weights.
        lr: the largest rate, positive.
        max_iter: steps at most.
        tol: stop where |g| <= tol * scale, entry by entry, though not below rounding.
        scale: size of each entry of g for weights that explain nothing; broadcasts to g.

    Returns:
        The last weights, the history and whether it converged.

    Source:
        Nocedal and Wright, Numerical Optimization, 2006, algorithm 3.1; Hager and Zhang, SIAM
        Journal on Optimization 16 (2005) 170-192 (approximate Wolfe conditions, for the slope).
    """
    eps = float(np.finfo(start.dtype).eps)
    goal = max(tol, 10 * eps) * scale
    weights, rate = start, lr
    loss, gradient = evaluate(weights)
    history = [loss]
    while not (converged := bool((np.abs(gradient) <= goal).all())) and len(history) <= max_iter:
        step = direction(weights, gradient)
        slope, rounding = float(np.vdot(gradient, step)), 10 * eps * history[0]
        rate = min(2 * rate, lr)
        trial = evaluate(weights - rate * step)
        while not _falls(trial, loss, step, slope, rate, rounding) and rate > lr * _SMALLEST:
            rate /= 2
            trial = evaluate(weights - rate * step)
        weights, (loss, gradient) = weights - rate * step, trial
        history.append(loss)
    return Descent(weights, history, converged)


def _falls(
    trial: tuple[float, Array],
    loss: float,
    step: Array,
    slope: float,
    rate: float,
    rounding: float,
) -> bool:
    trial_loss, trial_gradient = trial
    fall = _FALL * rate * slope
    if fall > rounding:
        return trial_loss <= loss - fall
    beyond = -float(np.vdot(trial_gradient, step))
    return trial_loss <= loss + rounding and beyond <= (1 - 2 * _FALL) * slope
