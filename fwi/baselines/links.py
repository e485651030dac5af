"""From scores to probabilities: the losses of logistic regression and their curvature.

Scores Z = X W (n, K) of a design matrix X (n, D), 0/1 targets T (n, K), probabilities P. Both
links have dJ/dZ = (P - T) / n, so that they differ in P, in the loss, and in the Hessian.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from scipy import linalg

from fwi.arrays import Array
from fwi.core.stable import log_softmax, sigmoid, softmax, softplus


class Link(ABC):
    """What gradient descent and Newton's method ask of a model of probabilities."""

    @abstractmethod
    def loss(self, scores: Array, targets: Array) -> float:
        """Give the mean over samples of -log P(target)."""

    @abstractmethod
    def probabilities(self, scores: Array) -> Array:
        """Give P (n, K)."""

    @abstractmethod
    def newton(self, x: Array, probabilities: Array, gradient: Array, ridge: Array) -> Array:
        """Solve (H + diag(ridge)) S = G for the step S (D, K); ridge (D,), none negative."""

    @abstractmethod
    def separates(self, scores: Array, targets: Array) -> bool:
        """Say whether the scores split off a class without an error: steeper ones fit better."""


class Sigmoid(Link):
    """K questions of yes or no, each on its own: one for two classes, K for one-vs-rest.

    P = 1 / (1 + exp(-Z)),    J = sum_k mean_n(softplus(Z) - T Z),
    H_k = X^T diag(P_k (1 - P_k)) X / n.
    """

    def loss(self, scores: Array, targets: Array) -> float:
        """Give the sum over questions of the mean cross-entropy."""
        return float((softplus(scores) - targets * scores).sum() / len(scores))

    def probabilities(self, scores: Array) -> Array:
        """Give the probability of yes to each question."""
        return sigmoid(scores)

    def newton(self, x: Array, probabilities: Array, gradient: Array, ridge: Array) -> Array:
        """Solve one system (D, D) for each question."""
        step = np.empty_like(gradient)
        for k, p in enumerate(probabilities.T):
            hessian = _curvature(x, p * (1 - p)) + np.diag(ridge)
            step[:, k] = _solve_positive(hessian, gradient[:, k])
        return step

    def separates(self, scores: Array, targets: Array) -> bool:
        """Say whether any question is answered rightly for every sample."""
        return bool(((scores > 0) == (targets > 0)).all(0).any())


class Softmax(Link):
    """One question with K answers: multinomial regression.

    P = exp(Z) / sum_k exp(Z_k),    J = mean_n(log sum_k exp(Z_k) - sum_k T_k Z_k),
    H_kl = X^T diag(P_k (delta_kl - P_l)) X / n,    blocks (D, D) of a matrix (K D, K D).
    """

    def loss(self, scores: Array, targets: Array) -> float:
        """Give the mean cross-entropy."""
        return float(-(targets * log_softmax(scores, 1)).sum(1).mean())

    def probabilities(self, scores: Array) -> Array:
        """Give the probability of each class; each row sums to 1."""
        return softmax(scores, 1)

    def newton(self, x: Array, probabilities: Array, gradient: Array, ridge: Array) -> Array:
        """Solve one system (K D, K D)."""
        d, k = gradient.shape
        hessian = np.empty((k, d, k, d))
        for i in range(k):
            for j in range(i, k):
                p, q = probabilities[:, i], probabilities[:, j]
                block = _curvature(x, p * ((i == j) - q))
                hessian[i, :, j], hessian[j, :, i] = block, block
        system = hessian.reshape(k * d, k * d) + np.diag(np.tile(ridge, k))
        step = _solve_positive(system, gradient.T.reshape(-1)).reshape(k, d).T
        # H is blind to a constant in all classes' scores: only rounding steps that way.
        return step - step.mean(1, keepdims=True)

    def separates(self, scores: Array, targets: Array) -> bool:
        """Say whether the highest score is right, or one class above its mean, for every sample."""
        above = scores > scores.mean(1, keepdims=True)
        right = scores.argmax(1) == targets.argmax(1)
        return bool(right.all() or (above == (targets > 0)).all(0).any())


def _curvature(x: Array, weights: Array) -> Array:
    """Give X^T diag(weights) X / n."""
    return x.T @ (weights[:, None] * x) / len(x)


def _solve_positive(matrix: Array, right: Array) -> Array:
    """Solve a system that is positive semidefinite but for its rounding."""
    # n eps |H|, what Cholesky's steps may round off: with it no pivot turns negative.
    rounding = len(matrix) * np.finfo(matrix.dtype).eps * matrix.diagonal().max()
    matrix = matrix + np.diag(np.full(len(matrix), rounding))
    factor = linalg.cho_factor(matrix, overwrite_a=True, check_finite=False)
    return linalg.cho_solve(factor, right, check_finite=False)
