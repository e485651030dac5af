"""Four ways to one cross-correlation, forward and back, and the rule that chooses.

    y[n, k, i, j] = sum over c, u, v of x[n, c, i s + u, j s + v] w[k, c, u, v]

With X[n, c, i, j, u, v] = x[n, c, i s + u, j s + v], the windows, and G = dL/dy:

    dL/dw[k, c, u, v] = sum over n, i, j of G[n, k, i, j] X[n, c, i, j, u, v]
    dL/dX[n, c, i, j, u, v] = sum over k of G[n, k, i, j] w[k, c, u, v]

and dL/dx adds dL/dX up where the windows overlap. The fourth way needs no windows: `fourier`.

Everywhere x is (N, C, H, W), padded; weight w (K, C, R, S); gradient G and y (N, K, H', W').
Forward functions give y, backward functions (dL/dx, dL/dw).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from array_api_compat import array_namespace

from fwi.core.arrays import Array, Pair
from fwi.core.fourier import fourier_backward, fourier_forward
from fwi.core.sliding import add_windows, windows
from fwi.registry import nearest

Gradients = tuple[Array, Array]


class Correlation(NamedTuple):
    """One way: forward(x, w, stride) -> y, backward(x, w, G, stride) -> (dL/dx, dL/dw)."""

    forward: Callable[[Array, Array, Pair], Array]
    backward: Callable[[Array, Array, Array, Pair], Gradients]


def einsum_forward(x: Array, weight: Array, stride: Pair) -> Array:
    """Sum as the formula stands; einsum is no part of the array API, yet all three have it."""
    seen = windows(x, weight.shape[2:], stride)
    return array_namespace(x).einsum("ncijuv,kcuv->nkij", seen, weight)


def einsum_backward(x: Array, weight: Array, gradient: Array, stride: Pair) -> Gradients:
    """Sum both derivatives as their formulas stand."""
    xp = array_namespace(x)
    seen = windows(x, weight.shape[2:], stride)
    kernel = xp.einsum("nkij,ncijuv->kcuv", gradient, seen)
    parts = xp.einsum("nkij,kcuv->ncijuv", gradient, weight)
    return add_windows(parts, x.shape[2:], stride), kernel


def tensordot_forward(x: Array, weight: Array, stride: Pair) -> Array:
    """Contract the windows' axes c, u, v with the kernels'."""
    xp = array_namespace(x)
    seen = windows(x, weight.shape[2:], stride)
    y = xp.tensordot(seen, weight, axes=((1, 4, 5), (1, 2, 3)))
    return xp.permute_dims(y, (0, 3, 1, 2))  # (N, H', W', K) -> (N, K, H', W')


def tensordot_backward(x: Array, weight: Array, gradient: Array, stride: Pair) -> Gradients:
    """Contract n, i, j for dL/dw and k for dL/dX."""
    xp = array_namespace(x)
    seen = windows(x, weight.shape[2:], stride)
    kernel = xp.tensordot(gradient, seen, axes=((0, 2, 3), (0, 2, 3)))
    parts = xp.tensordot(gradient, weight, axes=((1,), (0,)))
    parts = xp.permute_dims(parts, (0, 3, 1, 2, 4, 5))  # (N, H', W', C, R, S) -> windows' order
    return add_windows(parts, x.shape[2:], stride), kernel


def im2col_forward(x: Array, weight: Array, stride: Pair) -> Array:
    """Write every window down as a column: one matrix product, (K, CRS) times (CRS, NH'W').

    Source:
        Chellapilla, Puri and Simard, High performance convolutional neural networks for
        document processing, IWFHR 2006, section 3.
    """
    xp = array_namespace(x)
    columns, (n, rows, width) = _columns(x, weight.shape[2:], stride)
    y = xp.matmul(xp.reshape(weight, (weight.shape[0], -1)), columns)
    return xp.permute_dims(xp.reshape(y, (-1, n, rows, width)), (1, 0, 2, 3))


def im2col_backward(x: Array, weight: Array, gradient: Array, stride: Pair) -> Gradients:
    """Two matrix products: G columns^T for dL/dw, w^T G for the columns of dL/dX."""
    xp = array_namespace(x)
    k, c, r, s = weight.shape
    columns, (n, rows, width) = _columns(x, (r, s), stride)
    flat = xp.reshape(xp.permute_dims(gradient, (1, 0, 2, 3)), (k, -1))
    kernel = xp.reshape(xp.matmul(flat, columns.T), (k, c, r, s))
    parts = xp.matmul(xp.reshape(weight, (k, -1)).T, flat)
    parts = xp.permute_dims(xp.reshape(parts, (c, r, s, n, rows, width)), (3, 0, 4, 5, 1, 2))
    return add_windows(parts, x.shape[2:], stride), kernel


def _columns(x: Array, kernel: Pair, stride: Pair) -> tuple[Array, tuple[int, int, int]]:
    """Copy the windows into (C R S, N H' W'), and give N, H', W'."""
    xp = array_namespace(x)
    seen = xp.permute_dims(windows(x, kernel, stride), (1, 4, 5, 0, 2, 3))
    c, r, s, *places = seen.shape
    return xp.reshape(seen, (c * r * s, -1)), (places[0], places[1], places[2])


METHODS = {
    "einsum": Correlation(einsum_forward, einsum_backward),
    "tensordot": Correlation(tensordot_forward, tensordot_backward),
    "im2col": Correlation(im2col_forward, im2col_backward),
    "fft": Correlation(fourier_forward, fourier_backward),
}

# Kernels of this many values and more cost im2col more than the transforms: measured from 3 x 3 to
# 15 x 15 over 1 to 32 channels, the two met between 5 x 5 and 15 x 15, most near 8 x 8.
_LARGE_KERNEL = 9 * 9


def choose_method(weight: Sequence[int], stride: Pair) -> str:
    """Name the way that a convolution takes when it is not told.

    | kernel R x S         | stride 1 | larger |
    | -------------------- | -------- | ------ |
    | fewer than 9 x 9     | im2col   | im2col |
    | 9 x 9 and more       | fft      | im2col |

    The columns grow with R S, the transforms hardly do; but these calculate every place, also those
    that a stride leaves out.

    Args:
        weight: shape (K, C, R, S) of the kernels.
        stride: down and across.
    """
    large = weight[2] * weight[3] >= _LARGE_KERNEL
    return "fft" if large and stride == (1, 1) else "im2col"


def correlation(name: str) -> Correlation:
    """Find one of METHODS.

    Raises:
        KeyError: if there is none of that name.
    """
    if name not in METHODS:
        raise KeyError(f"method must be a known name, got {name!r}; {nearest(name, METHODS)}")
    return METHODS[name]
