"""Functions of each value alone (or, softmax, of an axis), and dropout."""

from __future__ import annotations

import math

import numpy as np
from array_api_compat import array_namespace, device

from fwi.core.arrays import Array, generator, real
from fwi.core.layer import Layer
from fwi.core.stable import sigmoid, softmax


class ReLU(Layer):
    """y = max(x, 0); dL/dx = dL/dy where x > 0, else 0."""

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """Give y for x of any shape."""
        xp = array_namespace(x)
        if training:
            self.keep(x > 0)
        return xp.maximum(x, xp.zeros_like(x))  # hands NaN on, which a comparison would hide

    def backward(self, gradient: Array) -> Array:
        """Give dL/dx for dL/dy."""
        (positive,) = self.kept()
        xp = array_namespace(gradient)
        return xp.where(positive, gradient, xp.zeros_like(gradient))


class LeakyReLU(Layer):
    """y = x where x > 0, else slope * x; dL/dx = dL/dy, else slope * dL/dy.

    Args:
        slope: of the negative side.

    Source:
        Maas, Hannun and Ng, Rectifier nonlinearities, ICML workshop 2013.
    """

    def __init__(self, slope: float = 0.01) -> None:
        super().__init__()
        self.slope = real("slope", slope)
        if not math.isfinite(self.slope):
            raise ValueError(f"slope must be finite, got {slope}; choose another")

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """Give y for x of any shape."""
        if training:
            self.keep(x > 0)
        return array_namespace(x).where(x > 0, x, self.slope * x)

    def backward(self, gradient: Array) -> Array:
        """Give dL/dx for dL/dy."""
        (positive,) = self.kept()
        return array_namespace(gradient).where(positive, gradient, self.slope * gradient)


class Sigmoid(Layer):
    """y = 1 / (1 + e^-x); dL/dx = dL/dy * y (1 - y)."""

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """Give y for x of any shape."""
        y = sigmoid(x)
        if training:
            self.keep(y)
        return y

    def backward(self, gradient: Array) -> Array:
        """Give dL/dx for dL/dy."""
        (y,) = self.kept()
        return gradient * y * (1 - y)


class Softmax(Layer):
    """y_i = e^(x_i) / sum_j e^(x_j); dL/dx_i = y_i (dL/dy_i - sum_j dL/dy_j y_j).

    Args:
        axis: the one over which y sums to 1.
    """

    def __init__(self, axis: int = -1) -> None:
        super().__init__()
        if isinstance(axis, bool) or not isinstance(axis, int | np.integer):
            raise TypeError(f"axis must be a whole number, got {axis!r}; give an int")
        self.axis = int(axis)

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """Give y for x of any shape."""
        y = softmax(x, self.axis)
        if training:
            self.keep(y)
        return y

    def backward(self, gradient: Array) -> Array:
        """Give dL/dx for dL/dy."""
        (y,) = self.kept()
        xp = array_namespace(gradient)
        return y * (gradient - xp.sum(gradient * y, axis=self.axis, keepdims=True))


class Dropout(Layer):
    """y = m x / (1 - rate), m drawn anew 0 or 1, mean 1 - rate; dL/dx = m dL/dy / (1 - rate).

    Divided in training, so that y has the mean x and there is nothing to do afterwards: y = x.

    Args:
        rate: part of the values that are set to 0, from 0 to below 1.
        rng: seed or generator; the draws are NumPy's, so alike whatever library x is of.

    Raises:
        ValueError: if the rate is outside.

    Source:
        Srivastava et al., JMLR 15 (2014) 1929, section 10, for the division in training.
    """

    def __init__(self, rate: float = 0.5, *, rng: int | np.random.Generator = 0) -> None:
        super().__init__()
        if not 0 <= real("rate", rate) < 1:
            raise ValueError(f"rate must be from 0 to below 1, got {rate}; keep some values")
        self.rate = rate
        self.rng = generator(rng)

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """Give y for x of any shape; x itself when not in training."""
        if not training:
            return x
        stays = self.rng.random(tuple(x.shape), dtype=np.float32) >= self.rate
        mask = array_namespace(x).asarray(stays, dtype=x.dtype, device=device(x))
        mask = mask / (1 - self.rate)
        self.keep(mask)
        return x * mask

    def backward(self, gradient: Array) -> Array:
        """Give dL/dx for dL/dy."""
        (mask,) = self.kept()
        return gradient * mask
