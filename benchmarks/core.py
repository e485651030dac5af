"""Time the from-scratch core's four convolutions beside torch's, forward and backward.

    python benchmarks/core.py

On one thread and on two, in float32 and float64, and on a GPU through CuPy where there is one.
Every figure is the median of repeated calls in this one process; a call is a forward pass in
training and a backward pass that gives the derivatives by the input, the kernel and the bias.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import torch
from threadpoolctl import threadpool_limits
from torch.utils.benchmark import Timer

from fwi.core import Conv2d
from fwi.core.correlations import METHODS

# Name: batch, channels, rows, columns; kernels, their rows and columns; stride, padding.
SHAPES: dict[str, tuple[tuple[int, int, int, int], tuple[int, tuple[int, int]], int, Any]] = {
    "digits, 7x7": ((64, 1, 8, 8), (10, (7, 7)), 1, 3),
    "images, 7x7": ((64, 3, 32, 32), (10, (7, 7)), 1, 3),
    "images, 3x3": ((64, 3, 32, 32), (64, (3, 3)), 1, 1),
    "reduced gathers, 7x7": ((32, 5, 50, 14), (10, (7, 7)), 1, 3),
    "features, 1x1": ((64, 64, 16, 16), (128, (1, 1)), 1, 0),
    "features, 3x3": ((64, 64, 16, 16), (64, (3, 3)), 1, 1),
    "stem, 7x7, stride 2": ((8, 3, 112, 112), (64, (7, 7)), 2, 3),
    "large kernel, 11x11": ((8, 8, 64, 64), (8, (11, 11)), 1, 5),
    "large kernel, 15x15": ((8, 8, 64, 64), (8, (15, 15)), 1, 7),
    "large kernel, 31x31": ((8, 8, 64, 64), (8, (31, 31)), 1, 15),
}
DEFAULT = ("images, 7x7", "images, 3x3")

Work = Callable[[], object]


def ours(
    name: str, method: str | None, dtype: str, move: Callable[[Any], Any] = np.asarray
) -> Work:
    """Prepare a forward and backward pass of the core's layer, in any library."""
    shape, (outputs, kernel), stride, padding = SHAPES[name]
    layer = Conv2d(shape[1], outputs, kernel, stride, padding, method=method, dtype=dtype)
    layer.convert(move)
    x = move(np.random.default_rng(0).normal(size=shape).astype(dtype))
    gradient = layer.forward(x)

    def work() -> object:
        layer.forward(x, training=True)
        return layer.backward(gradient)

    return work


def torchs(name: str, dtype: str, device: str = "cpu") -> Work:
    """Prepare the same with torch's layer and its autograd."""
    shape, (outputs, kernel), stride, padding = SHAPES[name]
    precision = getattr(torch, dtype)
    layer = torch.nn.Conv2d(
        shape[1], outputs, kernel, stride, padding, dtype=precision, device=device
    )
    x = torch.randn(shape, dtype=precision, device=device, requires_grad=True)
    gradient = torch.randn_like(layer(x))

    def work() -> object:
        return torch.autograd.grad(layer(x), (x, layer.weight, layer.bias), gradient)

    return work


def milliseconds(work: Work, threads: int) -> float:
    """Time some work on so many threads, of NumPy's BLAS and of torch."""
    with threadpool_limits(threads):
        timer = Timer("work()", globals={"work": work}, num_threads=threads)
        return 1e3 * timer.blocked_autorange(min_run_time=0.5).median


def compare(threads: int, dtype: str, names: list[str]) -> pl.DataFrame:
    """Time every method and torch on some shapes, ms."""
    rows = []
    for name in names:
        shape, (outputs, kernel), stride, _ = SHAPES[name]
        timed = {method: milliseconds(ours(name, method, dtype), threads) for method in METHODS}
        reference = milliseconds(torchs(name, dtype), threads)
        chosen = Conv2d(shape[1], outputs, kernel, stride).method
        row = {"convolution": name, **timed, "torch": reference, "default": chosen}
        rows.append(row | {"default / torch": timed[chosen] / reference})
    return pl.DataFrame(rows)


def gpu(dtype: str) -> pl.DataFrame | str:
    """Time the default on CuPy's arrays beside torch's on the same GPU, or say why not."""
    if not torch.cuda.is_available():
        return "CuPy: skipped, there is no GPU"
    try:
        import cupy
    except ImportError:
        return "CuPy: skipped, it is not installed"

    def waited(work: Work, wait: Work) -> Work:
        return lambda: (work(), wait())

    rows = []
    for name in SHAPES:
        by_cupy = waited(ours(name, None, dtype, cupy.asarray), cupy.cuda.Device().synchronize)
        by_torch = waited(torchs(name, dtype, "cuda"), torch.cuda.synchronize)
        timed = [milliseconds(work, 1) for work in (by_cupy, by_torch)]
        rows.append({"convolution": name, "CuPy": timed[0], "torch": timed[1]})
    return pl.DataFrame(rows)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=list(SHAPES), help="names of convolutions")
    names = parser.parse_args().only
    with pl.Config(
        tbl_rows=-1, tbl_cols=-1, tbl_width_chars=200, tbl_formatting="MARKDOWN", float_precision=2
    ):
        for threads in (1, 2):
            print(f"float32, threads: {threads}, ms\n{compare(threads, 'float32', names)}\n")
        print(f"float64, threads: 1, ms\n{compare(1, 'float64', list(DEFAULT))}\n")
        print(f"GPU, float32, ms\n{gpu('float32')}")


if __name__ == "__main__":
    main()
