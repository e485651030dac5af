"""Linear regression with an optional ridge penalty, by hand."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self, get_args

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, RegressorMixin

from fwi.arrays import Array
from fwi.baselines.descent import ConvergenceWarning
from fwi.baselines.linear_solvers import solve_gd, solve_normal, solve_qr
from fwi.baselines.linear_svd import factorise, leave_one_out, solve_svd
from fwi.baselines.samples import (
    check_features,
    check_fitted,
    check_not_negative,
    check_option,
    check_targets,
)
from fwi.checks import check_shape

Solver = Literal["qr", "svd", "normal", "gd"]


@dataclass(eq=False)
class LinearRegression(RegressorMixin, BaseEstimator):
    """Least squares of one or more targets, with a penalty on the slopes and none on the intercept.

    W, b = argmin |Y - X W - 1 b^T|^2 + alpha |W|^2.

    At the minimum b = mean(Y) - W^T mean(X), so that W is that of X and Y without their means.
    alpha is that of scikit-learn's Ridge: against the sum of squares, not their mean.

    Args:
        solver: "qr" (accurate; independent columns), "svd" (accurate; minimum norm where columns
            depend), "normal" (cheap; squares the condition) or "gd" (gradient descent).
        alpha: penalty, 0 or more. Several positive ones, with "svd": the one with the least
            leave-one-out error is taken.
        lr: largest step of the descent, below 2 / lambda_max of (X^T X + alpha I) / n; None for
            half of that.
        max_iter: steps of the descent at most.
        tol: gradient at which the descent ends, as a part of mean |x| |y|.

    Attributes:
        coef_: slopes, (F,) for targets (n,), (K, F) for targets (n, K).
        intercept_: scalar, or (K,).
        alpha_: the penalty used.
        errors_: leave-one-out mean squared errors of several alphas; empty for one.
        history_: loss (|Y - X W - 1 b^T|^2 + alpha |W|^2) / (2 n) after each step of the descent;
            empty for the direct solvers.
    """

    solver: Solver = "qr"
    alpha: float | Sequence[float] = 0.0
    lr: float | None = None
    max_iter: int = 10_000
    tol: float = 1e-6
    coef_: Array = field(init=False, repr=False)
    intercept_: Any = field(init=False, repr=False)
    alpha_: float = field(init=False, repr=False)
    errors_: list[float] = field(init=False, repr=False)
    history_: list[float] = field(init=False, repr=False)

    def fit(self, x: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Learn slopes and intercept.

        Args:
            x: features (n, F), float32 or float64; the work is done in that dtype.
            y: targets (n,) or (n, K), real numbers.

        Returns:
            The estimator itself.

        Raises:
            ValueError: if shapes, values, the penalty or the step do not fit, or if the columns
                of x depend on each other and the solver cannot bear it.
            TypeError: if a dtype does not fit, or the penalty is no number.
            KeyError: if there is no such solver.

        Warns:
            IllConditionedWarning: if "normal" can lose half of the digits or more.
            ConvergenceWarning: if "gd" ends before its gradient is small.
        """
        x = check_features(x)
        y = check_targets(y, len(x), x.dtype)
        targets = y.reshape(len(y), -1)
        (x_mean, x_centred), (y_mean, y_centred) = _centre(x), _centre(targets)
        weights = self._solve(x_centred, y_centred)
        intercept = y_mean - x_mean @ weights
        self.coef_ = weights[:, 0] if y.ndim == 1 else weights.T
        self.intercept_ = intercept[0] if y.ndim == 1 else intercept
        return self

    def predict(self, x: npt.ArrayLike) -> Array:
        """Predict X W + b for features (n, F): (n,) or (n, K), as the targets were."""
        check_fitted(self)
        x = check_features(x, self.coef_.shape[-1])
        return x @ self.coef_.T + self.intercept_

    def score(self, x: npt.ArrayLike, y: npt.ArrayLike) -> float:
        """Give R^2 = 1 - |y - yhat|^2 / |y - mean(y)|^2, the mean over targets.

        A constant target, for which it is 0 / 0, counts 1 if it is met exactly and 0 otherwise.
        """
        predicted = self.predict(x)
        y = check_targets(y, len(predicted), np.float64)
        check_shape("y", y, predicted.shape, "give as many targets as in the fit")
        residual = ((y - predicted) ** 2).sum(0)
        spread = (_centre(y)[1] ** 2).sum(0)
        explained = 1 - residual / np.where(spread > 0, spread, 1)
        return float(np.mean(np.where(spread > 0, explained, residual == 0)))

    def _solve(self, x: Array, y: Array) -> Array:
        alphas = self._check_options()
        self.alpha_, self.errors_, self.history_ = alphas[0], [], []
        if self.solver == "svd":
            return self._solve_svd(x, y, alphas)
        if self.solver == "gd":
            return self._descend(x, y)
        return (solve_qr if self.solver == "qr" else solve_normal)(x, y, self.alpha_)

    def _solve_svd(self, x: Array, y: Array, alphas: list[float]) -> Array:
        factors = factorise(x)
        if len(alphas) > 1:
            errors = leave_one_out(factors, y, alphas)
            self.alpha_, self.errors_ = alphas[int(errors.argmin())], errors.tolist()
        return solve_svd(factors, y, self.alpha_)

    def _descend(self, x: Array, y: Array) -> Array:
        descent = solve_gd(x, y, self.alpha_, self.lr, self.max_iter, self.tol)
        self.history_ = descent.history
        if not descent.converged:
            warnings.warn(
                f"gradient descent ended after {self.max_iter} steps with a gradient above tol; "
                "standardise x, raise max_iter or alpha, or use solver='svd'",
                ConvergenceWarning,
                stacklevel=4,  # the caller of fit
            )
        return descent.weights

    def _check_options(self) -> list[float]:
        check_option("solver", self.solver, get_args(Solver))
        for alpha in np.ravel(self.alpha):
            check_not_negative("alpha", alpha)
        alphas = [float(alpha) for alpha in np.ravel(self.alpha)]
        if len(alphas) != 1 and (self.solver != "svd" or min(alphas, default=0.0) <= 0):
            raise ValueError(
                "alpha must be one penalty, or several positive ones with solver 'svd', "
                f"got {self.alpha} with {self.solver!r}; give one number, or take that solver"
            )
        return alphas


def _centre(samples: Array) -> tuple[Array, Array]:
    """Give the mean over samples, and the samples without it."""
    # From the first sample on: exact for a constant column, and large offsets lose no digits.
    shifted = samples - samples[0]
    mean = shifted.mean(0)
    return samples[0] + mean, shifted - mean
