"""Layers that bring values to mean 0 and variance 1, then to a learned scale and shift.

Over m values, with mean u, biased variance v = sum (x - u)^2 / m and r = 1 / sqrt(v + epsilon):

    z = (x - u) r,    y = w z + b

u and v depend on every x, so with g = dL/dz = w dL/dy and the means over the same m values:

    dL/dx = r (g - mean(g) - z mean(g z)),    dL/dw = sum of dL/dy z,    dL/db = sum of dL/dy
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from array_api_compat import array_namespace

from fwi.core.arrays import Array, check_array, check_input, count, real, sizes
from fwi.core.initialisers import constant
from fwi.core.layer import Layer

Axes = tuple[int, ...]


def _epsilon(epsilon: float) -> float:
    if not 0 <= real("epsilon", epsilon) < math.inf:
        raise ValueError(f"epsilon must be 0 or more and finite, got {epsilon}; choose another")
    return float(epsilon)


def _normalised(x: Array, mean: Array, variance: Array, epsilon: float) -> tuple[Array, Array]:
    """Give z = (x - u) r and r = 1 / sqrt(v + epsilon)."""
    scale = 1 / array_namespace(x).sqrt(variance + epsilon)
    return (x - mean) * scale, scale


def _through(g: Array, z: Array, scale: Array, axes: Axes) -> Array:
    """Give dL/dx = r (g - mean(g) - z mean(g z)) for g = dL/dz."""
    xp = array_namespace(g)
    level = xp.mean(g, axis=axes, keepdims=True)
    return scale * (g - level - z * xp.mean(g * z, axis=axes, keepdims=True))


class BatchNorm(Layer):
    """Normalise each feature over the batch (and the map, where there is one).

    In training by the batch's own mean and variance, of which it keeps running ones:

        running = (1 - momentum) running + momentum batch's (its variance times m / (m - 1))

    and otherwise by the running ones, which start at mean 0 and variance 1.

    Args:
        features: values per sample, or channels, C.
        momentum: weight of the newest batch in the running statistics, 0 to 1.
        epsilon: added to the variance under the root.
        dtype: float32 or float64.

    Attributes:
        params: weight w (C,), starting at 1, and bias b (C,), at 0.
        state: running_mean and running_var (C,).

    Source:
        Ioffe and Szegedy, arXiv 1502.03167, algorithms 1 and 2.
    """

    def __init__(
        self,
        features: int,
        momentum: float = 0.1,
        epsilon: float = 1e-5,
        *,
        dtype: str = "float32",
    ) -> None:
        super().__init__()
        self.features = count("features", features)
        self.momentum, self.epsilon = real("momentum", momentum), _epsilon(epsilon)
        if not 0 <= self.momentum <= 1:
            raise ValueError(f"momentum must be 0 to 1, got {momentum}; choose another")
        shape = (self.features,)
        self.params = {"weight": constant(1, shape, dtype), "bias": constant(0, shape, dtype)}
        self.state = {
            "running_mean": constant(0, shape, dtype),
            "running_var": constant(1, shape, dtype),
        }

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """Give y, of the shape of x: (N, C) or (N, C, H, W).

        Raises:
            ValueError: if the shape differs, or in training there is one value per feature.
            TypeError: if the dtype differs from the parameters'.
        """
        weight, bias = self.params["weight"], self.params["bias"]
        check_array("x", x)
        check_input(x, weight, (None, self.features, *[None] * (x.ndim - 2)))
        mean, variance = self._batch_statistics(x) if training else self._running_statistics(x)
        z, scale = _normalised(x, mean, variance, self.epsilon)
        if training:
            self.keep(z, scale)
        return z * self._spread(weight, x) + self._spread(bias, x)

    def backward(self, gradient: Array) -> Array:
        """Give dL/dx for dL/dy."""
        z, scale = self.kept()
        xp, axes = array_namespace(gradient), self._axes(gradient)
        self.grads["weight"] = xp.sum(gradient * z, axis=axes)
        self.grads["bias"] = xp.sum(gradient, axis=axes)
        g = gradient * self._spread(self.params["weight"], gradient)
        return _through(g, z, scale, axes)

    def _batch_statistics(self, x: Array) -> tuple[Array, Array]:
        values = math.prod(x.shape) // self.features
        if values == 1:
            raise ValueError(
                f"x must have two or more values a feature in training, got {tuple(x.shape)}; "
                "enlarge the batch"
            )
        xp, axes = array_namespace(x), self._axes(x)
        mean = xp.mean(x, axis=axes, keepdims=True)
        variance = xp.mean((x - mean) ** 2, axis=axes, keepdims=True)
        self._follow("running_mean", mean)
        self._follow("running_var", variance * (values / (values - 1)))
        return mean, variance

    def _follow(self, name: str, newest: Array) -> None:
        newest = array_namespace(newest).reshape(newest, (self.features,))
        self.state[name] = (1 - self.momentum) * self.state[name] + self.momentum * newest

    def _running_statistics(self, x: Array) -> tuple[Array, Array]:
        mean, variance = self.state["running_mean"], self.state["running_var"]
        return self._spread(mean, x), self._spread(variance, x)

    def _spread(self, values: Array, x: Array) -> Array:
        """Shape (C,) so that it stands along the features of x."""
        return array_namespace(x).reshape(values, (1, self.features, *[1] * (x.ndim - 2)))

    def _axes(self, x: Array) -> Axes:
        return (0, *range(2, x.ndim))


class LayerNorm(Layer):
    """Normalise each sample over its last axes; alike in training and afterwards.

    Args:
        shape: sizes of the axes normalised over, or one number for the last alone.
        epsilon: added to the variance under the root.
        dtype: float32 or float64.

    Attributes:
        params: weight w (*shape), starting at 1, and bias b (*shape), at 0.

    Source:
        Ba, Kiros and Hinton, arXiv 1607.06450, equation 3.
    """

    def __init__(
        self, shape: int | Sequence[int], epsilon: float = 1e-5, *, dtype: str = "float32"
    ) -> None:
        super().__init__()
        self.shape, self.epsilon = sizes("shape", shape), _epsilon(epsilon)
        self.params["weight"] = constant(1, self.shape, dtype)
        self.params["bias"] = constant(0, self.shape, dtype)

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """Give y, of the shape of x: (N, ..., *shape).

        Raises:
            ValueError: if the shape differs.
            TypeError: if the dtype differs from the parameters'.
        """
        weight, bias = self.params["weight"], self.params["bias"]
        check_array("x", x)
        check_input(x, weight, (*[None] * max(1, x.ndim - len(self.shape)), *self.shape))
        xp, axes = array_namespace(x), tuple(range(-len(self.shape), 0))
        mean = xp.mean(x, axis=axes, keepdims=True)
        variance = xp.mean((x - mean) ** 2, axis=axes, keepdims=True)
        z, scale = _normalised(x, mean, variance, self.epsilon)
        if training:
            self.keep(z, scale)
        return z * weight + bias

    def backward(self, gradient: Array) -> Array:
        """Give dL/dx for dL/dy."""
        z, scale = self.kept()
        xp, others = array_namespace(gradient), gradient.ndim - len(self.shape)
        batch = tuple(range(others))
        self.grads["weight"] = xp.sum(gradient * z, axis=batch)
        self.grads["bias"] = xp.sum(gradient, axis=batch)
        return _through(
            gradient * self.params["weight"], z, scale, tuple(range(others, gradient.ndim))
        )
