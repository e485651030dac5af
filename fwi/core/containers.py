"""Layers made of layers: one after another, around a shortcut, and side by side."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from array_api_compat import array_namespace

from fwi.core.arrays import Array
from fwi.core.layer import Layer


class Sequential(Layer):
    """y = f_n(... f_2(f_1(x))); dL/dx goes back through them, last first (the chain rule).

    Args:
        layers: in the order in which x meets them.
    """

    def __init__(self, *layers: Layer) -> None:
        super().__init__()
        self.layers = layers
        self.check_places()

    def children(self) -> list[tuple[str, Layer]]:
        """List the layers, named 0, 1, and so on."""
        return [(str(place), layer) for place, layer in enumerate(self.layers)]

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """Give y for x."""
        for layer in self.layers:
            x = layer.forward(x, training=training)
        return x

    def backward(self, gradient: Array) -> Array:
        """Give dL/dx for dL/dy."""
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient)
        return gradient


class Residual(Layer):
    """y = body(x) + shortcut(x); dL/dx adds what comes back through both.

    Args:
        body: the layers that are gone around.
        shortcut: brings x to the shape of body(x); by default x itself.

    Source:
        He et al., arXiv 1512.03385, equations 1 and 2.
    """

    def __init__(self, body: Layer, shortcut: Layer | None = None) -> None:
        super().__init__()
        self.body, self.shortcut = body, shortcut
        self.check_places()

    def children(self) -> list[tuple[str, Layer]]:
        """List body and, where there is one, shortcut."""
        shortcut = [] if self.shortcut is None else [("shortcut", self.shortcut)]
        return [("body", self.body), *shortcut]

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """Give y for x.

        Raises:
            ValueError: if body and shortcut come to different shapes.
        """
        y = self.body.forward(x, training=training)
        around = x if self.shortcut is None else self.shortcut.forward(x, training=training)
        if y.shape != around.shape:
            raise ValueError(
                f"body must give the shortcut's shape {tuple(around.shape)}, "
                f"got {tuple(y.shape)}; give a shortcut that reshapes x"
            )
        return y + around

    def backward(self, gradient: Array) -> Array:
        """Give dL/dx for dL/dy."""
        around = gradient if self.shortcut is None else self.shortcut.backward(gradient)
        return self.body.backward(gradient) + around


class Concat(Layer):
    """y = branches side by side along the channels; dL/dx adds what comes back through each.

    Args:
        branches: layers that all take x and agree in all sizes but the channels.

    Raises:
        ValueError: if there is no branch.

    Source:
        Szegedy et al., arXiv 1409.4842, figure 2 (the inception module).
    """

    def __init__(self, branches: Sequence[Layer]) -> None:
        super().__init__()
        if not isinstance(branches, Sequence):
            raise TypeError(
                f"branches must be a list of layers, got {type(branches).__name__}; give a list"
            )
        if not branches:
            raise ValueError("branches must be one or more layers, got none; add a layer")
        self.branches = tuple(branches)
        self.check_places()

    def children(self) -> list[tuple[str, Layer]]:
        """List the branches, named 0, 1, and so on."""
        return [(str(place), branch) for place, branch in enumerate(self.branches)]

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """Give y (N, sum of the branches' channels, ...) for x."""
        parts = [branch.forward(x, training=training) for branch in self.branches]
        if training:
            ends = [0]
            for part in parts:
                ends.append(ends[-1] + part.shape[1])
            self.keep(ends)
        return array_namespace(x).concat(parts, axis=1)

    def backward(self, gradient: Array) -> Array:
        """Give dL/dx for dL/dy."""
        (ends,) = self.kept()
        first, *others = [
            branch.backward(gradient[:, start:end, ...])
            for branch, (start, end) in zip(self.branches, pairwise(ends), strict=True)
        ]
        return sum(others, start=first)
