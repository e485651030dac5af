"""Ways to solve ridge regression: triangular factors, normal equations, gradient descent.

All minimise |Y - X W|^2 + alpha |W|^2 over the weights W (F, K), for features X (n, F) and
targets Y (n, K) whose means are taken out, so that no intercept is penalised. The fourth way, by
singular values, is in `fwi.baselines.linear_svd`.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from scipy import linalg

from fwi.arrays import Array
from fwi.baselines.descent import Descent, descend


class IllConditionedWarning(UserWarning):
    """A system whose solution can lose half of its digits."""


def solve_qr(x: Array, y: Array, alpha: float) -> Array:
    """Solve by orthogonal and triangular factors of the features.

    [X; sqrt(alpha) I] P = Q R,    R P^T W = Q^T [Y; 0],

    with the pivots P that put the columns into an order of falling |R_jj|: where it falls to
    rounding, the columns are dependent. The condition of X enters once, not squared.

    Args:
        x: centred features (n, F).
        y: centred targets (n, K).
        alpha: ridge penalty, 0 or more.

    Returns:
        Weights (F, K).

    Raises:
        ValueError: if the columns are dependent.

    Source:
        Golub and Van Loan, Matrix Computations, 2013, sections 5.4.2 and 6.1.4.
    """
    n, n_features = x.shape
    if alpha > 0:
        x = np.vstack([x, math.sqrt(alpha) * np.eye(n_features, dtype=x.dtype)])
    q, r, order = linalg.qr(x, mode="economic", pivoting=True, check_finite=False)
    size = np.abs(np.diagonal(r))
    rank = int((size > max(x.shape) * np.finfo(x.dtype).eps * size[0]).sum())
    if rank < n_features:
        raise ValueError(
            f"the centred columns of X (n_samples = {n}) must be independent for solver 'qr', got "
            f"rank {rank} of {n_features}; use solver='svd' or alpha > 0"
        )
    weights = np.empty((n_features, y.shape[1]), x.dtype)
    weights[order] = linalg.solve_triangular(r, q[:n].T @ y, check_finite=False)
    return weights


def solve_normal(x: Array, y: Array, alpha: float) -> Array:
    """Solve the normal equations by Cholesky factors.

    (X^T X + alpha I) W = X^T Y.

    The cheapest way where n is much larger than F; but X^T X has the condition of X squared, and
    a condition c can cost log10(c) digits of the solution.

    Args:
        x: centred features (n, F).
        y: centred targets (n, K).
        alpha: ridge penalty, 0 or more.

    Returns:
        Weights (F, K).

    Raises:
        ValueError: if the matrix is singular to working precision.

    Warns:
        IllConditionedWarning: if half of the digits or more can be lost.

    Source:
        Golub and Van Loan, Matrix Computations, 2013, section 5.3.2; Higham, Accuracy and
        Stability of Numerical Algorithms, 2002, section 15.3 (the estimate of the condition).
    """
    gram = x.T @ x + alpha * np.eye(x.shape[1], dtype=x.dtype)
    try:
        factor = linalg.cho_factor(gram, check_finite=False)
    except linalg.LinAlgError as error:
        raise ValueError(
            f"X^T X + alpha I (n_samples = {len(x)}) must be positive definite for solver 'normal'"
            ", got a singular one; use solver='svd' or alpha > 0"
        ) from error
    _warn_of_condition(gram, factor[0])
    return linalg.cho_solve(factor, x.T @ y, check_finite=False)


def _warn_of_condition(gram: Array, factor: Array) -> None:
    # LAPACK's estimate from the factors costs F^2; eigenvalues would cost more than the solution.
    estimate: Any = linalg.get_lapack_funcs("pocon", (factor,))
    reciprocal, _ = estimate(factor, np.linalg.norm(gram, 1))
    if reciprocal < math.sqrt(np.finfo(gram.dtype).eps):
        condition = 1 / reciprocal if reciprocal > 0 else math.inf
        warnings.warn(
            f"the normal equations are ill-conditioned (about {condition:.0e}) and can lose "
            "half of the digits or more; use solver='qr' or solver='svd', or a larger alpha",
            IllConditionedWarning,
            stacklevel=5,  # the caller of fit
        )


def solve_gd(
    x: Array, y: Array, alpha: float, lr: float | None, max_iter: int, tol: float
) -> Descent:
    """Solve by gradient descent from zero.

    J(W)  = (|X W - Y|^2 + alpha |W|^2) / (2 n),
    dJ/dW = (X^T (X W - Y) + alpha W) / n,
    W    <- W - lr dJ/dW.

    An error along the eigenvector of the Hessian (X^T X + alpha I) / n with eigenvalue l is
    multiplied by 1 - lr l in each step, so it shrinks if and only if lr < 2 / l.

    Args:
        x: centred features (n, F).
        y: centred targets (n, K).
        alpha: ridge penalty, 0 or more.
        lr: largest step, below 2 / lambda_max; 1 / lambda_max where it is None.
        max_iter: steps at most.
        tol: stop where |dJ/dW| <= tol |X|^T |Y| / n, entry by entry.

    Returns:
        The descent: weights (F, K), losses and whether it converged.

    Raises:
        ValueError: if the step is not stable.

    Source:
        Boyd and Vandenberghe, Convex Optimization, 2004, sections 9.2 and 9.3.
    """
    n = len(x)

    def evaluate(weights: Array) -> tuple[float, Array]:
        residual = x @ weights - y
        loss = (np.vdot(residual, residual) + alpha * np.vdot(weights, weights)) / (2 * n)
        return float(loss), (x.T @ residual + alpha * weights) / n

    start = np.zeros((x.shape[1], y.shape[1]), x.dtype)
    scale = np.abs(x).T @ np.abs(y) / n
    step = _stable_step(_largest_curvature(x, alpha), lr)
    return descend(evaluate, lambda _, gradient: gradient, start, step, max_iter, tol, scale)


def _largest_curvature(x: Array, alpha: float) -> float:
    """Give the largest eigenvalue of (X^T X + alpha I) / n, from the smaller of X^T X and X X^T."""
    gram = x.T @ x if x.shape[0] > x.shape[1] else x @ x.T
    last = len(gram) - 1
    top = linalg.eigvalsh(gram, subset_by_index=(last, last), check_finite=False)[0]
    return (max(float(top), 0.0) + alpha) / len(x)


def _stable_step(curvature: float, lr: float | None) -> float:
    limit = 2 / curvature if curvature > 0 else math.inf
    if lr is None:
        return limit / 2 if math.isfinite(limit) else 1.0  # any: the gradient is zero
    if not 0 < lr < limit:
        raise ValueError(
            f"lr must be positive and below 2 / lambda_max = {limit:g}, got {lr:g}; "
            "leave it out for 1 / lambda_max"
        )
    return lr
