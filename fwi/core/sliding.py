"""A kernel's window sliding over maps: what it sees at each place, and the way back.

Padded by p, a map of H rows under a kernel of R rows with stride s gives H' = (H + 2p - R)//s + 1
rows, whose row i sees the rows i s + u, u = 0 .. R - 1; columns likewise.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from array_api_compat import array_namespace, device, is_torch_array

from fwi.core.arrays import Array, Pair


def output_size(size: Pair, kernel: Pair, stride: Pair, padding: Pair = (0, 0)) -> Pair:
    """Count the places of a kernel on a map, down and across.

    Raises:
        ValueError: if the kernel is larger than the padded map.
    """
    (h, w), (r, s), (p, q) = size, kernel, padding
    if r > h + 2 * p or s > w + 2 * q:
        raise ValueError(
            f"x must be at least as large as the kernel {kernel}, "
            f"got {size} padded by {padding}; enlarge x or the padding"
        )
    return (h + 2 * p - r) // stride[0] + 1, (w + 2 * q - s) // stride[1] + 1


def pad(x: Array, padding: Pair, value: float = 0.0) -> Array:
    """Frame maps (..., H, W) by p rows and q columns on each side."""
    if padding == (0, 0):
        return x
    *batch, h, w = x.shape
    p, q = padding
    xp = array_namespace(x)
    framed = xp.full((*batch, h + 2 * p, w + 2 * q), value, dtype=x.dtype, device=device(x))
    framed[..., p : p + h, q : q + w] = x
    return framed


def crop(x: Array, padding: Pair) -> Array:
    """Take the frame of `pad` off again: a view."""
    p, q = padding
    return x[..., p : x.shape[-2] - p, q : x.shape[-1] - q]


def offsets(kernel: Pair) -> Iterator[Pair]:
    """Go through the places (u, v) inside a kernel, row by row."""
    return product(range(kernel[0]), range(kernel[1]))


def seen(x: Array, offset: Pair, places: Pair, stride: Pair) -> Array:
    """View x[..., i s + u, j s + v], what the kernel's place (u, v) sees from every (i, j)."""
    (u, v), (rows, columns), (s, t) = offset, places, stride
    return x[..., u : u + s * (rows - 1) + 1 : s, v : v + t * (columns - 1) + 1 : t]


def windows(x: Array, kernel: Pair, stride: Pair) -> Array:
    """View maps as windows: out[n, c, i, j, u, v] = x[n, c, i s + u, j s + v], no copy.

    One value stands in many windows, so the view is for reading only. Strides are no part of the
    array API: NumPy and CuPy count them in bytes and torch in values.

    Args:
        x: (N, C, H, W), padded.
        kernel: its rows and columns (R, S).
        stride: rows and columns from one window to the next.

    Returns:
        (N, C, H', W', R, S).
    """
    n, c, h, w = x.shape
    shape = (n, c, *output_size((h, w), kernel, stride), *kernel)
    steps = tuple(x.stride()) if is_torch_array(x) else x.strides
    steps = (*steps[:2], steps[2] * stride[0], steps[3] * stride[1], *steps[2:])
    if is_torch_array(x):
        return x.as_strided(shape, steps)
    return array_namespace(x).lib.stride_tricks.as_strided(x, shape, steps)


def add_windows(values: Array, size: Pair, stride: Pair) -> Array:
    """Add windows up where they lie: the transpose of `windows`, so its derivative's way back.

        out[n, c, a, b] = sum of values[n, c, i, j, u, v] over all i s + u = a, j s + v = b

    Args:
        values: (N, C, H', W', R, S).
        size: of the padded maps (H, W).
        stride: as for `windows`.

    Returns:
        (N, C, H, W).
    """
    n, c, rows, columns, *kernel = values.shape
    xp = array_namespace(values)
    total = xp.zeros((n, c, *size), dtype=values.dtype, device=device(values))
    for u, v in offsets((kernel[0], kernel[1])):
        target = seen(total, (u, v), (rows, columns), stride)
        target += values[..., u, v]
    return total
