"""Ridge regression by singular values: one factorisation, and every penalty is cheap after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import linalg

from fwi.arrays import Array


class Factors(NamedTuple):
    """X = U diag(s) V^T without the singular values that are rounding.

    Attributes:
        u: (n, r), orthonormal columns; r is the rank of X.
        s: (r,), falling, positive.
        vt: (r, F), orthonormal rows.
    """

    u: Array
    s: Array
    vt: Array


def factorise(x: Array) -> Factors:
    """Take the singular values of centred features apart, in the economy size.

    A singular value below max(n, F) eps s_0 is the rounding of a zero: its direction says nothing
    about the data, and dropping it gives the weights of minimum norm.

    Args:
        x: centred features (n, F).

    Returns:
        The factors of rank r <= min(n, F).
    """
    u, s, vt = linalg.svd(x, full_matrices=False, check_finite=False)
    rank = int((s > max(x.shape) * np.finfo(x.dtype).eps * s[0]).sum())
    return Factors(u[:, :rank], s[:rank], vt[:rank])


def solve_svd(factors: Factors, y: Array, alpha: float) -> Array:
    """Minimise |Y - X W|^2 + alpha |W|^2; of all minima the one of least norm.

    W = V diag(s / (s^2 + alpha)) U^T Y.

    Args:
        factors: of the centred features (n, F).
        y: centred targets (n, K).
        alpha: ridge penalty, 0 or more.

    Returns:
        Weights (F, K).

    Source:
        Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 2009, eq. 3.47.
    """
    u, s, vt = factors
    return vt.T @ ((s / (s**2 + alpha))[:, None] * (u.T @ y))


def leave_one_out(factors: Factors, y: Array, alphas: Sequence[float]) -> Array:
    """Give the mean squared error of leave-one-out predictions for each penalty.

    The error at a sample that the fit did not see follows from the fit that saw it:

        e_i = (y_i - yhat_i) / (1 - h_i),    h_i = 1 / n + sum_j u_ij^2 s_j^2 / (s_j^2 + alpha),

    1 / n for the intercept. With t = alpha / (s^2 + alpha), the part of each direction that the
    penalty leaves unexplained, both are sums without cancellation:

        y - yhat = (Y - U U^T Y) + U diag(t) U^T Y,
        1 - h_i  = (1 - 1 / n - sum_j u_ij^2) + sum_j u_ij^2 t_j.

    An alpha costs one product of (n, r) and (r, K).

    Args:
        factors: of the centred features (n, F).
        y: centred targets (n, K).
        alphas: ridge penalties, positive.

    Returns:
        Errors (A,) float64, in the targets' unit squared, means over samples and targets.

    Raises:
        ValueError: if there is a single sample.

    Source:
        Golub, Heath and Wahba, Technometrics 21 (1979) 215-223; Hastie et al., eq. 7.64.
    """
    if len(y) < 2:
        raise ValueError(
            "X must hold 2 samples or more to leave one out, got 1 sample; give one alpha"
        )
    u, s, _ = factors
    inside, leverages = u.T @ y, u**2
    outside = y - u @ inside
    outside_leverage = np.maximum(1 - 1 / len(y) - leverages.sum(1), 0)
    errors = []
    for alpha in alphas:
        unexplained = alpha / (s**2 + alpha)
        residual = outside + u @ (unexplained[:, None] * inside)
        residual /= (outside_leverage + leverages @ unexplained)[:, None]
        errors.append(np.mean(residual**2, dtype=np.float64))
    return np.array(errors)
