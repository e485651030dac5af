"""Layers as plain JSON and back: a class's name and what its constructor was given."""

from __future__ import annotations

import inspect
from collections import OrderedDict
from typing import Any

import numpy as np

from fwi.core.layer import Layer
from fwi.registry import nearest

_KEYS = {"layer", "arguments"}


def describe(layer: Layer) -> dict[str, Any]:
    """Say how a layer was made, with those inside: `{"layer": kind, "arguments": {...}}`.

    Random generators are left out: what was drawn from them is in the parameters.

    Args:
        layer: of a class in `Layer.kinds`.

    Returns:
        Numbers, texts, None, lists and dictionaries alone.

    Raises:
        TypeError: if an argument is something that JSON cannot hold.
    """
    args, kwargs = layer.made_from
    given = inspect.signature(type(layer)).bind(*args, **kwargs).arguments
    arguments = {
        name: _encode(value, f"{name} of {layer.kind}")
        for name, value in given.items()
        if not isinstance(value, np.random.Generator)
    }
    return {"layer": layer.kind, "arguments": arguments}


def build(description: Any) -> Layer:
    """Make a layer from what `describe` gave; only classes in `Layer.kinds` are ever called.

    Raises:
        KeyError: if there is no such kind of layer.
        TypeError: if it is no description, or the arguments are not the constructor's.
    """
    if not isinstance(description, dict) or set(description) != _KEYS:
        raise TypeError(
            f"a layer must be described by the keys arguments, layer, got {description!r}"
        )
    kind, arguments = description["layer"], description["arguments"]
    if not isinstance(kind, str) or kind not in Layer.kinds:
        raise KeyError(
            f"layer must be a known kind, got {kind!r}; {nearest(str(kind), Layer.kinds)}"
        )
    if not isinstance(arguments, dict):
        raise TypeError(f"arguments of {kind} must be a dictionary, got {arguments!r}")
    signature = inspect.signature(Layer.kinds[kind])
    unknown = sorted(set(arguments) - set(signature.parameters))
    if unknown:
        raise TypeError(f"{kind} takes no argument {unknown[0]!r}; update fwi")
    bound = inspect.BoundArguments(
        signature, OrderedDict((k, _decode(v)) for k, v in arguments.items())
    )
    return Layer.kinds[kind](*bound.args, **bound.kwargs)


def _encode(value: Any, name: str) -> Any:
    if isinstance(value, Layer):
        return describe(value)
    if isinstance(value, list | tuple):
        return [_encode(v, name) for v in value]
    if isinstance(value, dict):
        return {key: _encode(v, name) for key, v in value.items()}
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(
        f"{name} must be a number, text, None, a layer or a list of them to be saved, "
        f"got {type(value).__name__}; give the constructor such a value"
    )


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        # A constructor that takes a sequence takes a tuple; some compare with one.
        return tuple(_decode(v) for v in value)
    if isinstance(value, dict):
        if set(value) == _KEYS:
            return build(value)
        return {key: _decode(v) for key, v in value.items()}
    return value
