"""Minimising the loss of logistic regression, by its gradient or by its curvature too."""

from __future__ import annotations

import numpy as np

from fwi.arrays import Array
from fwi.baselines.descent import Descent, Evaluate, descend
from fwi.baselines.links import Link


def solve_gd(
    link: Link, x: Array, targets: Array, alpha: float, lr: float, max_iter: int, tol: float
) -> Descent:
    """Descend along the gradient from zero: W <- W - lr dJ/dW.

    The rate is halved where the loss would rise, so features of any size converge, if slowly.

    Args:
        link: from scores to probabilities and losses.
        x: features (n, F) float64.
        targets: 0 or 1 (n, K) float64.
        alpha: L2 penalty, 0 or more.
        lr: the largest step.
        max_iter: steps at most.
        tol: gradient at which to stop, as a part of mean |x|.

    Returns:
        The descent; its weights are (F + 1, K), the intercepts in the last row.
    """
    x = _with_ones(x)
    start = np.zeros((x.shape[1], targets.shape[1]))
    evaluate = _objective(link, x, targets, _penalty(x, alpha))
    return descend(evaluate, lambda _, gradient: gradient, start, lr, max_iter, tol, _scale(x))


def solve_newton(
    link: Link,
    x: Array,
    targets: Array,
    alpha: float,
    lr: float,
    damping: float,
    max_iter: int,
    tol: float,
) -> Descent:
    """Descend by Newton's method, here the same as iteratively reweighted least squares.

    W <- W - lr (H + damping g I)^-1 dJ/dW,    g = max |dJ/dW| / mean |x|, at most near 1.

    The damping keeps the system regular where H is singular: for dependent features, and where
    all is classified for sure. It fades with the gradient, so that the last steps are Newton's
    own and double the digits. A system of F + 1 rows is solved for each question of `Sigmoid`,
    one of K (F + 1) rows for `Softmax`.

    Args:
        link: from scores to probabilities, losses and curvature.
        x: features (n, F) float64.
        targets: 0 or 1 (n, K) float64.
        alpha: L2 penalty, 0 or more.
        lr: the largest step, 1 for Newton's own.
        damping: added to the Hessian's diagonal, times the gradient's size.
        max_iter: steps at most.
        tol: gradient at which to stop, as a part of mean |x|.

    Returns:
        The descent; its weights are (F + 1, K), the intercepts in the last row.

    Source:
        Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 2009, eqs. 4.26 to
        4.28; Li, Fukushima, Qi and Yamashita, Computational Optimization and Applications 28
        (2004) 131-147 (damping by the gradient's size).
    """
    x = _with_ones(x)
    start = np.zeros((x.shape[1], targets.shape[1]))
    penalty, scale = _penalty(x, alpha), _scale(x)

    def direction(weights: Array, gradient: Array) -> Array:
        probabilities = link.probabilities(x @ weights)
        damped = penalty[:, 0] + damping * np.abs(gradient).max() / scale.max()
        return link.newton(x, probabilities, gradient, damped)

    evaluate = _objective(link, x, targets, penalty)
    return descend(evaluate, direction, start, lr, max_iter, tol, scale)


def _objective(link: Link, x: Array, targets: Array, penalty: Array) -> Evaluate:
    """Give J(W) = mean loss + sum(penalty W^2) / 2 and dJ/dW = X^T (P - T) / n + penalty W."""

    def evaluate(weights: Array) -> tuple[float, Array]:
        scores = x @ weights
        loss = link.loss(scores, targets) + 0.5 * float((penalty * weights**2).sum())
        residual = link.probabilities(scores) - targets
        return loss, x.T @ residual / len(x) + penalty * weights

    return evaluate


def _with_ones(x: Array) -> Array:
    return np.hstack([x, np.ones((len(x), 1))])


def _penalty(x: Array, alpha: float) -> Array:
    """Give alpha / n for each feature and 0 for the intercept: (F + 1, 1)."""
    penalty = np.full((x.shape[1], 1), alpha / len(x))
    penalty[-1] = 0
    return penalty


def _scale(x: Array) -> Array:
    """Give the gradient's size where every residual is 1: mean |x|, (F + 1, 1)."""
    return np.abs(x).mean(0)[:, None]
