"""Functions of exponentials that overflow for no input, however large."""

from __future__ import annotations

from array_api_compat import array_namespace

from fwi.core.arrays import Array


def sigmoid(z: Array) -> Array:
    """1 / (1 + e^-z), as e^z / (1 + e^z) below zero.

    Args:
        z: any shape.

    Returns:
        Its shape, 0 to 1.
    """
    xp = array_namespace(z)
    small = xp.exp(-xp.abs(z))
    return xp.where(z >= 0, xp.ones_like(z), small) / (1 + small)


def softplus(z: Array) -> Array:
    """log(1 + e^z) = max(z, 0) + log(1 + e^-|z|).

    Args:
        z: any shape.

    Returns:
        Its shape, positive.
    """
    xp = array_namespace(z)
    return xp.maximum(z, xp.zeros_like(z)) + xp.log1p(xp.exp(-xp.abs(z)))


def log_softmax(z: Array, axis: int) -> Array:
    """log(e^z / sum e^z) = (z - m) - log(sum e^(z - m)), with m the largest z along the axis.

    Args:
        z: any shape.
        axis: the one over which the exponentials of the result sum to 1.

    Returns:
        Its shape, at most 0.
    """
    xp = array_namespace(z)
    below = z - xp.max(z, axis=axis, keepdims=True)
    return below - xp.log(xp.sum(xp.exp(below), axis=axis, keepdims=True))


def softmax(z: Array, axis: int) -> Array:
    """e^z / sum e^z.

    Args:
        z: any shape.
        axis: the one over which the result sums to 1.

    Returns:
        Its shape, 0 to 1.
    """
    return array_namespace(z).exp(log_softmax(z, axis))
