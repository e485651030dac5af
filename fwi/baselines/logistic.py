"""Logistic regression, of two classes or many, by hand."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field
from typing import Literal, Self, get_args

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin

from fwi.arrays import Array
from fwi.baselines.descent import ConvergenceWarning, Descent
from fwi.baselines.links import Link, Sigmoid, Softmax
from fwi.baselines.logistic_solvers import solve_gd, solve_newton
from fwi.baselines.options import check_not_negative, check_option, check_steps
from fwi.baselines.samples import (
    check_features,
    check_fitted,
    check_labels,
    check_range,
)
from fwi.core.stable import softplus

Solver = Literal["newton", "gd"]
MultiClass = Literal["multinomial", "ovr"]

_RATES: dict[Solver, float] = {"newton": 1.0, "gd": 0.1}
_STEPS: dict[Solver, int] = {"newton": 100, "gd": 10_000}


class SeparableWarning(UserWarning):
    """Classes that a plane splits without an error: no weights are steep enough."""


@dataclass(eq=False, repr=False)
class LogisticRegression(ClassifierMixin, BaseEstimator):
    """Probabilities of classes from scores that are linear in the features.

    W, b = argmin mean_n(-log P(y_n | x_n W + b)) + alpha / (2 n) |W|^2.

    The intercepts b are not penalised. alpha is 1 / C of scikit-learn. The work is done in
    float64, because the Hessian squares the condition of the features.

    Args:
        solver: "newton" (few steps, each a linear system) or "gd" (gradient descent).
        alpha: L2 penalty, 0 or more.
        multi_class: for three classes or more, "multinomial" (softmax) or "ovr" (one classifier
            for each class against the rest); two classes need one sigmoid either way.
        lr: largest step; None for 1 (newton) or 0.1 (gd). It is halved where the loss would rise.
        damping: of newton, added to the diagonal of the mean loss's Hessian; it fades with the
            gradient.
        max_iter: steps at most; None for 100 (newton) or 10,000 (gd).
        tol: gradient at which to stop, as a part of mean |x|.

    Attributes:
        classes_: labels, sorted (K,).
        coef_: slopes, (1, F) for two classes, (K, F) for more.
        intercept_: (1,) or (K,).
        history_: loss at the start and after each step; for "ovr" the sum over classes.
        n_iter_: steps that were made.
        n_features_in_: F.
        feature_names_in_: names of the columns, where X was a table with names.
    """

    solver: Solver = "newton"
    alpha: float = 0.0
    multi_class: MultiClass = "multinomial"
    lr: float | None = None
    damping: float = 1e-4
    max_iter: int | None = None
    tol: float = 1e-8
    classes_: Array = field(init=False)
    coef_: Array = field(init=False)
    intercept_: Array = field(init=False)
    history_: list[float] = field(init=False)
    n_iter_: int = field(init=False)

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Learn slopes and intercepts.

        Args:
            X: features (n, F), an array, a list of rows or a table; standardised ones converge
                fastest. Where they are float32, so are the slopes; otherwise float64.
            y: labels (n,) of any dtype that sorts, of two classes or more; no None and no NaN,
                and no numbers with fractions.

        Returns:
            The estimator itself.

        Raises:
            ValueError: if shapes, values or options do not fit, or if there is a single class.
            TypeError: if X holds no real numbers or is sparse, the labels do not sort, or an
                option is no number.
            KeyError: if there is no such solver or way with many classes.

        Warns:
            SeparableWarning: if a plane splits classes without an error and alpha is 0: the
                minimum lies at infinity, and the weights are where the steps ended.
            ConvergenceWarning: if the steps ended before the gradient was small.
            DataConversionWarning: if y is a column (n, 1).
        """
        self._check_options()
        x = check_features(self, X, fitting=True)
        self.classes_, numbers = _number(check_labels(y, len(x)))
        targets = np.eye(len(self.classes_))[numbers]
        targets = targets[:, 1:] if len(self.classes_) == 2 else targets
        design = x.astype(np.float64)
        check_range("X", design)
        descent = self._descend(design, targets)
        weights, self.history_ = descent.weights, descent.history
        self.n_iter_ = len(self.history_) - 1
        self._warn(descent, design @ weights[:-1] + weights[-1], targets)
        self.coef_, self.intercept_ = weights[:-1].T.astype(x.dtype), weights[-1].astype(x.dtype)
        return self

    def decision_function(self, X: npt.ArrayLike) -> Array:
        """Give scores X W + b: (n,) for two classes, above 0 for the second; (n, K) for more."""
        check_fitted(self)
        scores = check_features(self, X) @ self.coef_.T + self.intercept_
        return scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X: npt.ArrayLike) -> Array:
        """Give the likeliest label of each row of features (n, F)."""
        scores = self.decision_function(X)
        return self.classes_[(scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(1)]

    def predict_proba(self, X: npt.ArrayLike) -> Array:
        """Give the probability of each class, (n, K); rows sum to 1.

        Those of one-vs-rest are the sigmoids, divided by their sum.
        """
        scores = self.decision_function(X)
        if scores.ndim == 1:
            return Sigmoid().probabilities(np.stack([-scores, scores], 1))
        if self.multi_class == "ovr":
            # log(sigmoid(z)) = -softplus(-z): their ratios survive where all sigmoids are 0.
            scores = -softplus(-scores)
        return Softmax().probabilities(scores)

    def score(
        self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> float:
        """Give the part of samples whose label is predicted."""
        check_fitted(self)
        return super().score(X, check_labels(y, len(check_features(self, X))), sample_weight)

    def _link(self) -> Link:
        two = len(self.classes_) == 2
        return Sigmoid() if two or self.multi_class == "ovr" else Softmax()

    def _descend(self, x: Array, targets: Array) -> Descent:
        lr = _RATES[self.solver] if self.lr is None else self.lr
        steps = _STEPS[self.solver] if self.max_iter is None else self.max_iter
        link = self._link()
        if self.solver == "gd":
            return solve_gd(link, x, targets, self.alpha, lr, steps, self.tol)
        return solve_newton(link, x, targets, self.alpha, lr, self.damping, steps, self.tol)

    def _warn(self, descent: Descent, scores: Array, targets: Array) -> None:
        steps = len(descent.history) - 1
        if self.alpha == 0 and self._link().separates(scores, targets):
            text = "a plane splits classes without an error, so the loss has no minimum and the "
            text += f"weights are those after {steps} steps; give alpha > 0"
            warnings.warn(text, SeparableWarning, stacklevel=3)
        elif not descent.converged:
            text = f"{self.solver} ended after {steps} steps with a gradient above tol; "
            text += "standardise X, raise max_iter, or give alpha > 0"
            warnings.warn(text, ConvergenceWarning, stacklevel=3)

    def _check_options(self) -> None:
        check_option("solver", self.solver, get_args(Solver))
        check_option("multi_class", self.multi_class, get_args(MultiClass))
        check_not_negative("alpha", self.alpha)
        check_not_negative("damping", self.damping)
        check_steps(self.lr, self.max_iter, self.tol)
        if self.lr is not None and not 0 < self.lr < math.inf:
            raise ValueError(f"lr must be positive, got {self.lr}; leave it out for the default")


def _number(labels: Array) -> tuple[Array, Array]:
    """Give the sorted classes and the number of each label's class."""
    try:
        classes, numbers = np.unique(labels, return_inverse=True)
    except TypeError:
        kinds = ", ".join(sorted({type(label).__name__ for label in labels}))
        raise TypeError(f"y must hold labels that sort, got {kinds}; convert them") from None
    if len(classes) < 2:
        raise ValueError(
            f"y must hold two classes or more, got {classes.tolist()}, one class; add another"
        )
    return classes, numbers
