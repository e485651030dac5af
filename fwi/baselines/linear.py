"""Linear regression with an optional ridge penalty, by hand."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self, get_args

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import Tags

from fwi.arrays import Array
from fwi.baselines.descent import ConvergenceWarning
from fwi.baselines.linear_solvers import solve_gd, solve_normal, solve_qr
from fwi.baselines.linear_svd import factorise, leave_one_out, solve_svd
from fwi.baselines.options import check_not_negative, check_option, check_steps
from fwi.baselines.samples import (
    check_features,
    check_fitted,
    check_range,
    check_targets,
)
from fwi.checks import check_shape

Solver = Literal["qr", "svd", "normal", "gd"]


@dataclass(eq=False, repr=False)
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
        n_iter_: steps of the descent; 1 for the direct solvers.
        n_features_in_: F.
        feature_names_in_: names of the columns, where X was a table with names.
    """

    solver: Solver = "qr"
    alpha: float | Sequence[float] = 0.0
    lr: float | None = None
    max_iter: int = 10_000
    tol: float = 1e-6
    coef_: Array = field(init=False)
    intercept_: Any = field(init=False)
    alpha_: float = field(init=False)
    errors_: list[float] = field(init=False)
    history_: list[float] = field(init=False)
    n_iter_: int = field(init=False)

    def __sklearn_tags__(self) -> Tags:
        """Tell scikit-learn that there may be several targets."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Learn slopes and intercept.

        Args:
            X: features (n, F), an array, a list of rows or a table. The work is done in float32
                where they are float32, otherwise in float64.
            y: targets (n,) or (n, K), real numbers.

        Returns:
            The estimator itself.

        Raises:
            ValueError: if shapes, values, the penalty or the step do not fit, or if the columns
                of X depend on each other and the solver cannot bear it.
            TypeError: if X or y hold no real numbers or X is sparse, or an option is no number.
            KeyError: if there is no such solver.

        Warns:
            IllConditionedWarning: if "normal" can lose half of the digits or more.
            ConvergenceWarning: if "gd" ends before its gradient is small.
        """
        alphas = self._check_options()
        x = check_features(self, X, fitting=True)
        y = check_targets(y, len(x), x.dtype)
        targets = y.reshape(len(y), -1)
        (x_mean, x_centred), (y_mean, y_centred) = _centre(x), _centre(targets)
        check_range("X", x_centred)
        check_range("y", y_centred)
        weights = self._solve(x_centred, y_centred, alphas)
        intercept = y_mean - x_mean @ weights
        self.coef_ = weights[:, 0] if y.ndim == 1 else weights.T
        self.intercept_ = intercept[0] if y.ndim == 1 else intercept
        return self

    def predict(self, X: npt.ArrayLike) -> Array:
        """Predict X W + b for features (n, F): (n,) or (n, K), as the targets were."""
        check_fitted(self)
        return check_features(self, X) @ self.coef_.T + self.intercept_

    def score(
        self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> float:
        """Give R^2 = 1 - |y - yhat|^2 / |y - mean(y)|^2, the mean over targets.

        A constant target, for which it is 0 / 0, counts 1 if it is met exactly and 0 otherwise.
        """
        check_fitted(self)
        n = len(check_features(self, X))
        y = check_targets(y, n, np.float64)
        check_shape("y", y, (n, *self.coef_.shape[:-1]), "give as many targets as in the fit")
        return super().score(X, y, sample_weight)

    def _solve(self, x: Array, y: Array, alphas: list[float]) -> Array:
        self.alpha_, self.errors_, self.history_, self.n_iter_ = alphas[0], [], [], 1
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
        self.history_, self.n_iter_ = descent.history, len(descent.history) - 1
        if not descent.converged:
            warnings.warn(
                f"gradient descent ended after {self.max_iter} steps with a gradient above tol; "
                "standardise X, raise max_iter or alpha, or use solver='svd'",
                ConvergenceWarning,
                stacklevel=4,  # the caller of fit
            )
        return descent.weights

    def _check_options(self) -> list[float]:
        check_option("solver", self.solver, get_args(Solver))
        check_steps(self.lr, self.max_iter, self.tol)
        alphas = list(np.asarray(self.alpha, object).ravel())
        for alpha in alphas:
            check_not_negative("alpha", alpha)
        alphas = [float(alpha) for alpha in alphas]
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
