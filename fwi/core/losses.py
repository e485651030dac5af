"""How wrong predictions are: each loss gives its value and its derivative, both of the mean.

A loss is a function (prediction, target) -> (value, gradient): value an array without axes,
gradient = d value / d prediction, of the prediction's shape. The division by the batch is in the
gradient already, so that no layer divides again.
"""

from __future__ import annotations

import math

from array_api_compat import array_namespace, device

from fwi.checks import check_shape
from fwi.core.arrays import Array, check_array
from fwi.core.stable import log_softmax, sigmoid, softplus

Loss = tuple[Array, Array]


def mse(prediction: Array, target: Array) -> Loss:
    """L = mean of (p - t)^2 over all m values; dL/dp = 2 (p - t) / m.

    Args:
        prediction: (N, ...).
        target: of its shape and dtype.

    Raises:
        ValueError: if the shapes differ.
        TypeError: if the dtypes do.
    """
    _check_same(prediction, target)
    error = prediction - target
    return array_namespace(error).mean(error**2), 2 * error / _size(error)


def l1(prediction: Array, target: Array) -> Loss:
    """L = mean of |p - t| over all m values; dL/dp = sign(p - t) / m, 0 where they are equal.

    Args:
        prediction: (N, ...).
        target: of its shape and dtype.

    Raises:
        ValueError: if the shapes differ.
        TypeError: if the dtypes do.
    """
    _check_same(prediction, target)
    xp, error = array_namespace(prediction), prediction - target
    return xp.mean(xp.abs(error)), xp.sign(error) / _size(error)


def cross_entropy(logits: Array, labels: Array) -> Loss:
    """L = mean over n of log(sum_k e^z_nk) - z_n,label; dL/dz = (softmax(z) - one-hot) / N.

    Args:
        logits: z (N, K), unbounded.
        labels: (N,), whole numbers from 0 to K - 1.

    Raises:
        ValueError: if a shape differs, or a label is outside.
        TypeError: if the labels are not whole numbers.
    """
    check_array("logits", logits)
    check_shape("logits", logits, (None, None))
    _check_real("logits", logits)
    n, k = logits.shape
    check_array("labels", labels, like=logits)
    _check_labels(labels, n, k)
    xp = array_namespace(logits)
    labels = xp.astype(labels, xp.int64)  # a byte counts no more than 256 classes
    classes = xp.arange(k, dtype=labels.dtype, device=device(labels))
    chosen = xp.astype(labels[:, None] == classes, logits.dtype)
    logs = log_softmax(logits, 1)
    return -xp.sum(logs * chosen) / n, (xp.exp(logs) - chosen) / n


def binary_cross_entropy(logits: Array, target: Array) -> Loss:
    """L = mean of softplus(z) - t z over all m values; dL/dz = (sigmoid(z) - t) / m.

    Args:
        logits: z (N, ...), unbounded.
        target: of its shape and dtype, probabilities 0 to 1.

    Raises:
        ValueError: if the shapes differ, or a target is outside.
        TypeError: if the dtypes differ.
    """
    _check_same(logits, target)
    _check_parts(target)
    value = array_namespace(logits).mean(softplus(logits) - target * logits)
    return value, (sigmoid(logits) - target) / _size(logits)


def _size(values: Array) -> int:
    return math.prod(values.shape)


def _check_same(prediction: Array, target: Array) -> None:
    """Refuse what would be broadcast, (N, 1) against (N,), or would change the precision."""
    check_array("prediction", prediction)
    check_array("target", target, like=prediction)
    if prediction.shape != target.shape:
        raise ValueError(
            f"target must have the prediction's shape {tuple(prediction.shape)}, "
            f"got {tuple(target.shape)}; reshape it"
        )
    if prediction.dtype != target.dtype:
        raise TypeError(
            f"target must be {prediction.dtype} as the prediction is, got {target.dtype}; "
            "convert either"
        )
    _check_real("prediction", prediction)
    if not _size(prediction):
        raise ValueError(
            f"prediction must hold values, got {tuple(prediction.shape)}; give a sample or more"
        )


def _check_real(name: str, values: Array) -> None:
    if not array_namespace(values).isdtype(values.dtype, "real floating"):
        raise TypeError(f"{name} must hold floating numbers, got {values.dtype}; convert it")


def _check_parts(target: Array) -> None:
    xp = array_namespace(target)
    low, high = float(xp.min(target)), float(xp.max(target))
    if not (low >= 0 and high <= 1):  # nor NaN
        raise ValueError(f"target must be 0 to 1, got {low:g} to {high:g}; give probabilities")


def _check_labels(labels: Array, n: int, k: int) -> None:
    check_shape("labels", labels, (n,))
    xp = array_namespace(labels)
    if not xp.isdtype(labels.dtype, "integral"):
        raise TypeError(f"labels must be whole numbers, got {labels.dtype}; convert them")
    low, high = int(xp.min(labels)), int(xp.max(labels))
    if low < 0 or high >= k:
        raise ValueError(
            f"labels must be 0 to {k - 1}, got {low} to {high}; number the classes from 0"
        )
