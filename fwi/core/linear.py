"""The linear layer."""

from __future__ import annotations

import numpy as np
from array_api_compat import array_namespace

from fwi.core.arrays import Array, check_input, count
from fwi.core.initialisers import constant, initial
from fwi.core.layer import Layer


class Linear(Layer):
    """y = x W^T + b, with G = dL/dy: dL/dx = G W, dL/dW = G^T x, dL/db = sum over the batch of G.

    Args:
        inputs: values per sample, F.
        outputs: values per sample that come out, K.
        bias: whether there is a b; it starts at 0.
        initialiser: name of one of INITIALISERS, for W.
        rng: seed or generator; hand one generator to all layers, so that no two start alike.
        dtype: float32 or float64.

    Attributes:
        params: weight W (K, F) and bias b (K,).
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        bias: bool = True,
        *,
        initialiser: str = "he_normal",
        rng: int | np.random.Generator = 0,
        dtype: str = "float32",
    ) -> None:
        super().__init__()
        self.inputs, self.outputs = count("inputs", inputs), count("outputs", outputs)
        self.params["weight"] = initial(initialiser, (self.outputs, self.inputs), rng, dtype)
        if bias:
            self.params["bias"] = constant(0, (self.outputs,), dtype)

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """Give y (B, K) for x (B, F).

        Raises:
            ValueError: if the shape differs.
            TypeError: if the dtype differs from the parameters'.
        """
        weight = self.params["weight"]
        check_input(x, weight, (None, self.inputs))
        if training:
            self.keep(x)
        y = array_namespace(x).matmul(x, weight.T)
        return y + self.params["bias"] if "bias" in self.params else y

    def backward(self, gradient: Array) -> Array:
        """Give dL/dx (B, F) for dL/dy (B, K)."""
        (x,) = self.kept()
        xp = array_namespace(gradient)
        self.grads["weight"] = xp.matmul(gradient.T, x)
        if "bias" in self.params:
            self.grads["bias"] = xp.sum(gradient, axis=0)
        return xp.matmul(gradient, self.params["weight"])
