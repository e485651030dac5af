"""What a layer is: a function, its derivative written by hand, and the arrays that it learns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Self

from fwi.core.arrays import Array


class Layer(ABC):
    """A function of an array with parameters, y = f(x; w).

    `backward` takes dL/dy of the last forward pass in training and gives dL/dx; dL/dw goes to
    `grads`, replacing what was there. Losses are means over the batch, so gradients are too.

    Attributes:
        params: learned arrays by name.
        grads: their gradients after `backward`, by the same names.
        state: arrays that are kept and not learned, such as running statistics.
        kind: the class's name in files and tables; with its module if that is not of fwi.
        kinds: every class of layer by that name: all that a file can ask for.
        made_from: what the constructor was given, from which `fwi.core.description` makes
            the layer again.
    """

    kind: ClassVar[str] = "Layer"
    kinds: ClassVar[dict[str, type[Layer]]] = {}
    made_from: tuple[tuple[Any, ...], dict[str, Any]]

    def __init_subclass__(cls, **options: Any) -> None:
        """Enter the class under its name; a cell that runs again replaces its own classes."""
        super().__init_subclass__(**options)
        ours = cls.__module__.startswith("fwi.")
        cls.kind = cls.__name__ if ours else f"{cls.__module__}.{cls.__qualname__}"
        Layer.kinds[cls.kind] = cls

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Remember the constructor's arguments, so that no layer has to list them itself."""
        layer = super().__new__(cls)
        layer.made_from = (args, kwargs)
        return layer

    def __init__(self) -> None:
        self.params: dict[str, Array] = {}
        self.grads: dict[str, Array] = {}
        self.state: dict[str, Array] = {}
        self._kept: tuple[Any, ...] | None = None

    @abstractmethod
    def forward(self, x: Array, *, training: bool = False) -> Array:
        """Give y; in training, keep what `backward` needs."""

    @abstractmethod
    def backward(self, gradient: Array) -> Array:
        """Give dL/dx for a dL/dy, and fill `grads`."""

    def keep(self, *values: Any) -> None:
        """Remember of a forward pass in training what `backward` will ask for."""
        self._kept = values

    def kept(self) -> tuple[Any, ...]:
        """Give what `keep` was handed last.

        Raises:
            RuntimeError: if nothing was.
        """
        if self._kept is None:
            raise RuntimeError(
                "backward must follow a forward pass in training, got none; "
                "call forward(x, training=True) first"
            )
        return self._kept

    def children(self) -> list[tuple[str, Layer]]:
        """List the layers inside, by name; none in a plain layer."""
        return []

    def walk(self, path: str = "") -> Iterator[tuple[str, Layer]]:
        """Go through this layer and all inside, parents first, by dotted path."""
        yield path, self
        for name, child in self.children():
            yield from child.walk(f"{path}.{name}" if path else name)

    def check_places(self) -> None:
        """Refuse what is no layer, and one in two places: what it keeps for `backward` is of one.

        Raises:
            TypeError: if something inside is no layer.
            ValueError: if one stands in two places.
        """
        for name, child in self.children():
            check_layer(f"layer {name}", child)
        seen: dict[int, str] = {}
        for path, layer in self.walk():
            if id(layer) in seen:
                raise ValueError(
                    f"a layer must stand in one place, got the same {layer.kind} as "
                    f"{seen[id(layer)]!r} and {path!r}; make one for each"
                )
            seen[id(layer)] = path

    def entries(self, which: str) -> Iterator[tuple[str, dict[str, Array], str]]:
        """Go through all `params`, `grads` or `state`: dotted path, dictionary, name in it."""
        for path, layer in self.walk():
            arrays = getattr(layer, which)
            for name in list(arrays):
                yield f"{path}.{name}" if path else name, arrays, name

    def convert(self, change: Callable[[Array], Array]) -> None:
        """Replace every parameter and state, here and inside, such as by arrays of torch."""
        for _, layer in self.walk():
            layer.params = {key: change(value) for key, value in layer.params.items()}
            layer.state = {key: change(value) for key, value in layer.state.items()}
            layer.grads = {}
            layer._kept = None


def check_layer(name: str, layer: Any) -> None:
    """Refuse what is no layer, such as the class of one, or a network.

    Raises:
        TypeError: if it is none.
    """
    if not isinstance(layer, Layer):
        got = f"the class {layer.__name__}" if isinstance(layer, type) else type(layer).__name__
        raise TypeError(
            f"{name} must be a layer, got {got}; make one, as Linear(2, 3) does, "
            "or take a network's `layer`"
        )
