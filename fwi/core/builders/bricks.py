"""What every builder needs: layers of one precision and one generator, and sizes of maps."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from fwi.core.activations import Dropout
from fwi.core.arrays import Pair, pair
from fwi.core.convolution import Conv2d
from fwi.core.layer import Layer
from fwi.core.linear import Linear
from fwi.core.normalisation import BatchNorm
from fwi.core.pooling import AvgPool2d, MaxPool2d
from fwi.core.sliding import output_size

Form = TypeVar("Form", int, str)
Choice = TypeVar("Choice")


class Bricks:
    """Makes the layers of one network.

    Args:
        width: times which every inner layer has the published number of channels.
        rng: seed or generator, from which all layers draw in turn, so that no two start alike.
        dtype: float32 or float64.

    Raises:
        ValueError: if the width is not above 0, or not finite.
    """

    def __init__(self, width: float, rng: int | np.random.Generator, dtype: str) -> None:
        if not 0 < width < math.inf:
            raise ValueError(f"width must be above 0, got {width}; 1 is the published network")
        self.width, self.dtype = width, dtype
        self.rng = np.random.default_rng(rng)

    def wide(self, channels: int) -> int:
        """Give the published number of channels times the width, rounded, at least 1."""
        return max(1, round(channels * self.width))

    def conv(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int = 1,
        padding: int = 0,
        bias: bool = True,
    ) -> Conv2d:
        """Make a convolution."""
        return Conv2d(
            inputs, outputs, kernel, stride, padding, bias, rng=self.rng, dtype=self.dtype
        )

    def conv_norm(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int = 1,
        padding: int = 0,
        epsilon: float = 1e-5,
    ) -> list[Layer]:
        """Make a convolution and its batch norm, whose shift stands for the bias."""
        convolution = self.conv(inputs, outputs, kernel, stride, padding, bias=False)
        return [convolution, self.norm(outputs, epsilon)]

    def norm(self, channels: int, epsilon: float = 1e-5) -> BatchNorm:
        """Make a batch norm."""
        return BatchNorm(channels, epsilon=epsilon, dtype=self.dtype)

    def linear(self, inputs: int, outputs: int) -> Linear:
        """Make a linear layer."""
        return Linear(inputs, outputs, rng=self.rng, dtype=self.dtype)

    def dropout(self, rate: float) -> Dropout:
        """Make a dropout."""
        return Dropout(rate, rng=self.rng)


def map_values(layers: Iterable[Layer], size: int | Sequence[int]) -> int:
    """Count the values in a map after convolutions and poolings, which a linear layer must know.

    Args:
        layers: one after another.
        size: of the images, rows and columns, or one number for both.

    Raises:
        TypeError: if the size is not whole.
        ValueError: if a kernel does not fit in the map that it meets.
    """
    left = pair("size", size)
    try:
        for layer in layers:
            left = _size_after(layer, left)
    except ValueError as error:
        raise ValueError(f"size must be enough for all layers, got {size}; enlarge it") from error
    return math.prod(left)


def pick(name: str, asked: Form, known: Mapping[Form, Choice]) -> Choice:
    """Give what a table of published forms holds.

    Raises:
        ValueError: if it holds no such form.
    """
    if asked not in known:
        forms = ", ".join(str(form) for form in known)
        raise ValueError(f"{name} must be one of {forms}, got {asked!r}; choose one")
    return known[asked]


def _size_after(layer: Layer, size: Pair) -> Pair:
    if isinstance(layer, Conv2d):
        kernel: Pair = layer.params["weight"].shape[2:]
        return output_size(size, kernel, layer.stride, layer.padding)
    if isinstance(layer, MaxPool2d | AvgPool2d):
        return output_size(size, layer.kernel, layer.stride, layer.padding)
    return size
