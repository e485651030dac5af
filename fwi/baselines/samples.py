"""What an estimator is given: samples in rows, a target for each, and options that it knows."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from fwi.arrays import Array
from fwi.checks import check_finite, check_shape
from fwi.registry import nearest


def check_features(x: npt.ArrayLike, n_features: int | None = None) -> Array:
    """Check the features of samples: (n, F), float32 or float64, finite.

    Raises:
        ValueError: if the shape or a value does not fit.
        TypeError: if the dtype is another.
    """
    x = np.asarray(x)
    check_shape("x", x, (None, n_features), "give a row of features for each sample")
    if x.dtype not in (np.float32, np.float64):
        raise TypeError(f"x must hold float32 or float64, got {x.dtype}; convert it")
    check_finite("x", x)
    return x


def check_targets(y: npt.ArrayLike, n: int, dtype: npt.DTypeLike) -> Array:
    """Check real targets, (n,) or (n, K), and give them the dtype of the features.

    Raises:
        ValueError: if the shape or a value does not fit.
        TypeError: if they are no real numbers.
    """
    y = np.asarray(y)
    check_shape("y", y, (n,) if y.ndim < 2 else (n, None), "give a target for each row of x")
    if y.dtype.kind not in "fiu":
        raise TypeError(f"y must hold real numbers, got {y.dtype}; convert it")
    y = y.astype(dtype, copy=False)
    check_finite("y", y)
    return y


def check_option(name: str, value: str, known: Iterable[str]) -> None:
    """Refuse a name that is not known.

    Raises:
        KeyError: with the names that resemble it.
    """
    if value not in known:
        raise KeyError(f"{name} must be a known name, got {value!r}; {nearest(str(value), known)}")


def check_not_negative(name: str, value: float) -> None:
    """Refuse what is no number, or one that is negative or not finite.

    Raises:
        TypeError: if it is no real number.
        ValueError: if it is negative or not finite.
    """
    if not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {value!r}; give 0 or more")
    if not 0 <= value < math.inf:
        raise ValueError(
            f"{name} must be 0 or more and finite, got {value}; give 0 to do without it"
        )


def check_fitted(estimator: object) -> None:
    """Refuse an estimator that has learned nothing yet.

    Raises:
        ValueError: if it has no coefficients.
    """
    if not hasattr(estimator, "coef_"):
        raise ValueError(
            f"{type(estimator).__name__} must be fitted before it predicts, "
            "got none of its coefficients; call fit"
        )
