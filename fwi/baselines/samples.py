"""What an estimator is given to learn from: samples in rows, and a target or label for each."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from fwi.arrays import Array
from fwi.checks import check_finite, check_shape

_FLOATS = (np.float32, np.float64)


def check_features(estimator: Any, x: npt.ArrayLike, *, fitting: bool = False) -> Array:
    """Check the features of samples, in an array, a list of rows or a table.

    A fit notes in `n_features_in_`, and for a table in `feature_names_in_`, what a prediction
    then compares with.

    Returns:
        (n, F) finite; float32 or float64 as they came, anything else as float64.

    Raises:
        ValueError: if the shape, the names of the columns or a value does not fit.
        TypeError: if they are no real numbers, or sparse.
    """
    _refuse_masked("X", x)
    try:
        # The dtype stays, so that text and dates are not taken for numbers below.
        rows = validate_data(estimator, x, dtype=None, ensure_all_finite=False, reset=fitting)
    except (TypeError, ValueError, RuntimeError) as error:
        raise _refusal(estimator, x, error, fitting) from None
    rows = _as_floats("X", rows, None)
    check_finite("X", rows)
    return rows


def check_targets(y: npt.ArrayLike, n: int, dtype: npt.DTypeLike) -> Array:
    """Check real targets, (n,) or (n, K), and give them the dtype of the features.

    Raises:
        ValueError: if there are none, or if the shape or a value does not fit.
        TypeError: if they are no real numbers.
    """
    y = _plain_array("y", y)
    check_shape("y", y, (n,) if y.ndim < 2 else (n, None), "give a target for each row of X")
    y = _as_floats("y", y, dtype)
    check_finite("y", y)
    return y


def check_labels(y: npt.ArrayLike, n: int) -> Array:
    """Check labels: (n,), or a column of them, of which scikit-learn's warning tells.

    Raises:
        ValueError: if there are none, the shape does not fit, a label is missing, or they are
            numbers with fractions.
    """
    labels = _plain_array("y", y)
    if labels.shape == (n, 1):
        labels = column_or_1d(labels, warn=True)
    check_shape("y", labels, (n,), "give a label for each row of X")
    missing = _missing(labels)
    if missing.any():
        raise ValueError(
            f"y must hold a label for every sample, got None or NaN for {int(missing.sum())}, "
            f"the first at {int(missing.argmax())}; leave those samples out"
        )
    if labels.dtype.kind == "f" and (labels != np.trunc(labels)).any():
        first = labels[labels != np.trunc(labels)][0]
        raise ValueError(
            f"y must hold labels of classes, got continuous values such as {first}; "
            "Unknown label type: continuous"
        )
    return labels


def check_range(name: str, values: Array) -> None:
    """Refuse values whose squares no longer have a finite sum in their dtype.

    Raises:
        ValueError: with the largest of them.
    """
    with np.errstate(over="ignore"):
        total = np.vdot(values, values)
    if not math.isfinite(total):
        raise ValueError(
            f"{name} must have squares that sum to a finite {values.dtype}, got values up to "
            f"{np.abs(values).max():g} from their mean; scale it"
        )


def check_fitted(estimator: object) -> None:
    """Refuse an estimator that has learned nothing yet.

    Raises:
        NotFittedError: a ValueError and an AttributeError, if it has no coefficients.
    """
    message = "%(name)s must be fitted before it predicts, got none of its coefficients; call fit"
    check_is_fitted(estimator, "coef_", msg=message)


def _plain_array(name: str, values: npt.ArrayLike) -> Array:
    if values is None:
        raise ValueError(
            f"{name} must be given, got None: a fit requires y to be passed, but the target y is "
            "None; give one for each row of X"
        )
    if issparse(values):
        raise TypeError(f"{name} must be dense, got {type(values).__name__}; call its toarray()")
    _refuse_masked(name, values)
    try:
        return np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:  # ragged lists among them
        raise ValueError(f"{name} must be an array, got none: {_one_line(error)}") from None


def _refuse_masked(name: str, values: npt.ArrayLike) -> None:
    if np.ma.is_masked(values):
        raise ValueError(f"{name} must hold no masked values, got some; fill or remove them")


def _as_floats(name: str, values: Array, dtype: npt.DTypeLike | None) -> Array:
    """Convert real numbers to a dtype; None keeps float32, and makes anything else float64."""
    if values.dtype.kind not in "fiubO":
        raise TypeError(f"{name} must hold real numbers, got {values.dtype}; convert it")
    keep = values.dtype if values.dtype in _FLOATS else np.dtype(np.float64)
    try:
        with np.errstate(over="ignore"):  # an infinity is told of in a sentence
            return values.astype(keep if dtype is None else dtype, copy=False)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"{name} must hold real numbers, got others: {_one_line(error)}; convert it"
        ) from None


def _refusal(estimator: Any, x: Any, error: Exception, fitting: bool) -> Exception:
    """Tell in one sentence what scikit-learn has against the features."""
    if str(error).startswith("Complex data"):
        return ValueError(
            "X must hold real numbers, got complex ones; Complex data not supported: give real "
            "and imaginary parts as columns"
        )
    got = tuple(x.shape) if hasattr(x, "shape") else type(x).__name__
    got = f"{type(x).__name__} {got}" if issparse(x) else got
    width = "n" if fitting else estimator.n_features_in_
    kind = TypeError if isinstance(error, TypeError) else ValueError
    return kind(
        f"X must be (n, {width}), got {got}; give a row of features for each sample: "
        f"{_one_line(error)}"
    )


def _one_line(error: Exception) -> str:
    # Values are left out: a thousand of them are no sentence.
    said = re.sub(r":\s*array=.*\.\nReshape", ". Reshape", str(error), flags=re.DOTALL)
    return " ".join(said.split()).rstrip(".")


def _missing(labels: Array) -> Array:
    """Say which labels are None or NaN."""
    if labels.dtype.kind == "O":
        return np.array([label is None or label != label for label in labels])
    return np.isnan(labels) if labels.dtype.kind in "fcmM" else np.zeros(len(labels), bool)
