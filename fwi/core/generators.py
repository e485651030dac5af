"""Random generators of layers, as JSON: a rebuilt dropout goes on drawing where it stopped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from fwi.core.layer import Layer


def describe_generators(layer: Layer) -> list[dict[str, Any]]:
    """List every generator inside: its state, and the attributes of layers that share it.

    Raises:
        TypeError: if one is not of numpy.random.default_rng's kind.
    """
    places: dict[int, list[tuple[str, str]]] = {}
    states: dict[int, Any] = {}
    for path, name, generator in _generators(layer):
        bits = generator.bit_generator
        if not isinstance(bits, np.random.PCG64):
            raise TypeError(
                f"{name} of layer {path!r} must draw from PCG64 to be saved, "
                f"got {type(bits).__name__}; make it with numpy.random.default_rng"
            )
        states[id(generator)] = bits.state
        places.setdefault(id(generator), []).append((path, name))
    return [{"state": states[key], "places": places[key]} for key in places]


def restore_generators(layer: Layer, described: list[dict[str, Any]]) -> None:
    """Give layers the generators of `describe_generators`, shared as they were.

    Raises:
        KeyError: if a layer has no generator of that name, or a state is not whole.
        TypeError: if the description or a state is of another form.
        ValueError: if a state is not PCG64's.
    """
    parts = dict(layer.walk())
    known = {(path, name) for path, name, _ in _generators(layer)}
    for entry in described:
        generator = np.random.Generator(np.random.PCG64(0))
        generator.bit_generator.state = entry["state"]
        for path, name in entry["places"]:
            if (path, name) not in known:
                raise KeyError(f"layer {path!r} has no generator {name!r}")
            setattr(parts[path], name, generator)


def _generators(layer: Layer) -> Iterator[tuple[str, str, np.random.Generator]]:
    for path, part in layer.walk():
        for name, value in list(vars(part).items()):
            if isinstance(value, np.random.Generator):
                yield path, name, value
