"""The convolution layer (a cross-correlation, as everywhere in networks)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from array_api_compat import array_namespace, device

from fwi.core.arrays import Array, Pair, check_input, count, on_gpu, pair
from fwi.core.correlations import Correlation, choose_method, correlation
from fwi.core.initialisers import constant, initial
from fwi.core.layer import Layer
from fwi.core.sliding import crop, output_size, pad

# Windows repeat a map R S times; a part of the batch at a time keeps them in a processor's cache,
# and from filling a GPU's memory (benchmarks/core.py).
WINDOW_BYTES, GPU_WINDOW_BYTES = 2**21, 2**28


class Conv2d(Layer):
    """y[n, k] = b[k] + sum over c of x[n, c] correlated with W[k, c]; x padded by zeros.

    dL/dW and dL/dx are those of `correlations`; dL/db[k] = sum over n, i, j of dL/dy[n, k, i, j].

    Args:
        inputs: channels C.
        outputs: channels that come out, K.
        kernel: rows and columns (R, S), or one number for both.
        stride: from one place of the kernel to the next, likewise.
        padding: zeros on each side, likewise.
        bias: whether there is a b; it starts at 0.
        method: one of METHODS; by default as `choose_method` says.
        initialiser: name of one of INITIALISERS, for W.
        rng: seed or generator; hand one generator to all layers, so that no two start alike.
        dtype: float32 or float64.

    Attributes:
        params: weight W (K, C, R, S) and bias b (K,).

    Raises:
        TypeError: if a size is not a whole number.
        ValueError: if a size is too small.
        KeyError: if the method or the initialiser is unknown.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 0,
        bias: bool = True,
        *,
        method: str | None = None,
        initialiser: str = "he_normal",
        rng: int | np.random.Generator = 0,
        dtype: str = "float32",
    ) -> None:
        super().__init__()
        self.inputs, self.outputs = count("inputs", inputs), count("outputs", outputs)
        self.stride, self.padding = pair("stride", stride), pair("padding", padding, 0)
        shape = (self.outputs, self.inputs, *pair("kernel", kernel))
        self.method = method or choose_method(shape, self.stride)
        self.correlation: Correlation = correlation(self.method)
        self.params["weight"] = initial(initialiser, shape, rng, dtype)
        if bias:
            self.params["bias"] = constant(0, (self.outputs,), dtype)

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """Give y (N, K, H', W') for x (N, C, H, W).

        Raises:
            ValueError: if the shape differs, or x is smaller than the kernel.
            TypeError: if the dtype differs from the parameters'.
        """
        weight = self.params["weight"]
        check_input(x, weight, (None, self.inputs, None, None))
        if training:
            self.keep(x)
        places = output_size(x.shape[2:], weight.shape[2:], self.stride, self.padding)
        shape = (x.shape[0], self.outputs, *places)
        y = array_namespace(x).empty(shape, dtype=x.dtype, device=device(x))
        for part in self._parts(x, places):
            y[part, ...] = self.correlation.forward(self._padded(x, part), weight, self.stride)
        if "bias" in self.params:
            y += self.params["bias"][:, None, None]
        return y

    def backward(self, gradient: Array) -> Array:
        """Give dL/dx (N, C, H, W) for dL/dy (N, K, H', W')."""
        (x,) = self.kept()
        xp, weight = array_namespace(gradient), self.params["weight"]
        image, kernel = xp.empty_like(x), xp.zeros_like(weight)
        for part in self._parts(x, gradient.shape[2:]):
            framed, added = self.correlation.backward(
                self._padded(x, part), weight, gradient[part, ...], self.stride
            )
            image[part, ...] = crop(framed, self.padding)
            kernel += added
        self.grads["weight"] = kernel
        if "bias" in self.params:
            self.grads["bias"] = xp.sum(gradient, axis=(0, 2, 3))
        return image

    def _padded(self, x: Array, part: slice) -> Array:
        return pad(x[part, ...], self.padding)

    def _parts(self, x: Array, places: Pair) -> Iterator[slice]:
        """Cut the batch so that a part's windows, or spectra, fit in the bytes above."""
        weight = self.params["weight"]
        if self.method == "fft":
            values = 2 * math.prod(x.shape[2:]) * (2 * self.inputs + self.outputs)
        else:
            values = math.prod(places) * (math.prod(weight.shape[1:]) + self.outputs)
        limit = GPU_WINDOW_BYTES if on_gpu(x) else WINDOW_BYTES
        step = max(1, limit // (values * weight.dtype.itemsize))
        for start in range(0, x.shape[0], step):
            yield slice(start, start + step)
