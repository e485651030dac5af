"""Seeing what passes through a network's layers, of whatever kind they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from fwi.core.arrays import Array
from fwi.core.layer import Layer, check_layer

See = Callable[[str, Layer, Array, Array], None]


@contextmanager
def watched(layer: Layer, see: See) -> Iterator[None]:
    """Call see(path, part, x, y) after every forward pass y = part(x), here and inside.

    Args:
        layer: all of whose parts are watched while the block runs.
        see: gets the dotted path, the part, its input and its output.
    """
    check_layer("layer", layer)
    with ExitStack() as undo:
        for path, part in layer.walk():
            # The instance's own attribute hides the class's method; without it, that is back.
            vars(part)["forward"] = _telling(path, part, see)
            undo.callback(vars(part).pop, "forward")
        yield


def _telling(path: str, part: Layer, see: See) -> Callable[..., Array]:
    forward = part.forward

    def told(x: Array, *, training: bool = False) -> Array:
        y = forward(x, training=training)
        see(path, part, x, y)
        return y

    return told
