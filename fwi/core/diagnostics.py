"""Looking into a network: its parts, and how large everything in it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from array_api_compat import array_namespace, device

from fwi.core.arrays import Array, check_array, sizes
from fwi.core.layer import Layer, check_layer
from fwi.core.watching import watched

_FIGURES = ("mean", "std", "l1", "l2")


def summary(layer: Layer, shape: int | Sequence[int]) -> pl.DataFrame:
    """List a network's parts, found by passing one sample of zeros.

    Args:
        layer: the network.
        shape: of one sample, without the batch axis.

    Returns:
        A row a part, parents first: path, kind, output (shape of a sample's), parameters (its own,
        so that the column's sum is the whole network's).
    """
    shapes: dict[str, tuple[int, ...]] = {}

    def see(path: str, part: Layer, x: Array, y: Array) -> None:
        shapes[path] = tuple(y.shape[1:])

    with watched(layer, see):
        layer.forward(_zeros(layer, (1, *sizes("shape", shape))))
    rows = [
        (path, part.kind, list(shapes.get(path, ())), _count(part)) for path, part in layer.walk()
    ]
    frame = pl.DataFrame(rows, ["path", "kind", "output", "parameters"], orient="row")
    return frame.cast({"output": pl.List(pl.Int64)})


def activation_statistics(layer: Layer, x: Array) -> pl.DataFrame:
    """Describe the output y of every part for samples x (N, ...), outside training.

    Returns:
        A row a part that was used, parents first: path, kind and, over all elements of y, the
        mean, std = sqrt(mean (y - mean)^2), l1 = sum |y| and l2 = sqrt(sum y^2).
    """
    check_array("x", x)
    seen: dict[str, tuple[float, ...]] = {}

    def see(path: str, part: Layer, x: Array, y: Array) -> None:
        seen[path] = _figures(y)

    with watched(layer, see):
        layer.forward(x)
    rows = [(path, part.kind, *seen[path]) for path, part in layer.walk() if path in seen]
    return _table(("path", "kind"), rows)


def parameter_statistics(layer: Layer) -> pl.DataFrame:
    """Describe every parameter: path with its name, mean, std, l1, l2 as for activations."""
    return _array_statistics(layer, "params")


def gradient_statistics(layer: Layer) -> pl.DataFrame:
    """Describe every gradient of the last `backward`: path with its name, mean, std, l1, l2."""
    return _array_statistics(layer, "grads")


def _array_statistics(layer: Layer, which: str) -> pl.DataFrame:
    check_layer("layer", layer)
    rows = [(path, *_figures(arrays[name])) for path, arrays, name in layer.entries(which)]
    return _table(("path",), rows)


def _table(names: tuple[str, ...], rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    schema = dict.fromkeys(names, pl.String) | dict.fromkeys(_FIGURES, pl.Float64)
    return pl.DataFrame(rows, schema, orient="row")


def _figures(y: Array) -> tuple[float, float, float, float]:
    xp = array_namespace(y)
    y = xp.astype(y, xp.float64)  # a sum of squares in float32 overflows beyond 1e19
    mean, l1, square = float(xp.mean(y)), float(xp.sum(xp.abs(y))), float(xp.sum(y * y))
    return mean, math.sqrt(float(xp.mean((y - mean) ** 2))), l1, math.sqrt(square)


def _count(part: Layer) -> int:
    return sum(math.prod(value.shape) for value in part.params.values())


def _zeros(layer: Layer, shape: tuple[int, ...]) -> Array:
    """Make zeros of the library, place and dtype of the first parameter, or NumPy's without one."""
    for _, params, name in layer.entries("params"):
        like = params[name]
        xp = array_namespace(like)
        return xp.zeros(shape, dtype=like.dtype, device=device(like))
    return np.zeros(shape, np.float32)
