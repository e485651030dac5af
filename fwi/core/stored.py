"""A network's and an optimizer's arrays under the names that they have in safetensors files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from array_api_compat import is_array_api_obj, to_device
from safetensors.numpy import load_file

from fwi.core.arrays import Array
from fwi.core.layer import Layer
from fwi.core.optimizer import Optimizer
from fwi.files import read_safetensors

Arrays = dict[str, npt.NDArray[Any]]
_KINDS = ("params", "state")


def weights(layer: Layer) -> Arrays:
    """Give every parameter and state on the host: `params.<path>.<name>`, `state....`."""
    return {
        f"{which}.{path}": _on_host(arrays[name])
        for which in _KINDS
        for path, arrays, name in layer.entries(which)
    }


def fill_weights(layer: Layer, got: Arrays) -> None:
    """Replace every parameter and state; every array has to fit.

    Raises:
        ValueError: if names or shapes differ.
    """
    expected = {key: value.shape for key, value in weights(layer).items()}
    found = {key: value.shape for key, value in got.items()}
    wrong = sorted(k for k in expected.keys() | found.keys() if expected.get(k) != found.get(k))
    if wrong:
        first = wrong[0]
        raise ValueError(
            f"weights must fit the layers, got {len(wrong)} arrays that differ: {first} must be "
            f"{expected.get(first, 'absent')}, got {found.get(first, 'none')}; "
            "they belong to another network"
        )
    for which in _KINDS:
        for path, arrays, name in layer.entries(which):
            arrays[name] = got[f"{which}.{path}"]


def moments(optimizer: Optimizer) -> Arrays:
    """Give everything that an optimizer remembers on the host: `<path>.<moment>`."""
    return {
        f"{path}.{name}": _on_host(value)
        for path, remembered in optimizer.moments.items()
        for name, value in remembered.items()
    }


def fill_moments(optimizer: Optimizer, got: Arrays) -> None:
    """Undo `moments`.

    Raises:
        ValueError: if a moment's name is not one of this optimizer's.
    """
    optimizer.moments = {}
    for key, value in got.items():
        path, _, name = key.rpartition(".")
        if name not in optimizer.remembered:
            raise ValueError(
                f"moments must be those of {type(optimizer).__name__}, got {key!r}; "
                "they belong to another optimizer"
            )
        optimizer.moments.setdefault(path, {})[name] = value


def read_arrays(file: Path) -> Arrays:
    """Read a safetensors file.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is another kind of file, or is cut short.
    """
    return read_safetensors(file, load_file, "network")


def _on_host(value: Array) -> npt.NDArray[Any]:
    # safetensors writes an array's memory as it lies, so that only C's order reads back right.
    return np.asarray(to_device(value, "cpu") if is_array_api_obj(value) else value, order="C")
