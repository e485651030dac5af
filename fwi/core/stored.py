"""A network's and an optimizer's arrays under the names that they have in safetensors files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from array_api_compat import is_array_api_obj, to_device
from safetensors import safe_open
from safetensors.numpy import load_file

from fwi.core.arrays import Array
from fwi.core.layer import Layer
from fwi.core.optimizer import Optimizer
from fwi.files import read_safetensors

Arrays = dict[str, npt.NDArray[Any]]


class Shape(NamedTuple):
    """An array's sizes, and the kind of its numbers, as NumPy's `dtype.kind` has it."""

    sizes: tuple[int, ...]
    kind: str

    def __str__(self) -> str:
        """Give the sizes, and the kind where it is not the usual one."""
        return f"{self.sizes}" + ("" if self.kind == "f" else f" of kind {self.kind!r}")


Shapes = dict[str, Shape]
_KINDS = ("params", "state")
_NUMPYS = re.compile(r"F(16|32|64)|[IU](8|16|32|64)|BOOL|C64")  # names in safetensors


def weights(layer: Layer) -> Arrays:
    """Give every parameter and state on the host: `params.<path>.<name>`, `state....`."""
    return {
        f"{which}.{path}": _on_host(arrays[name])
        for which in _KINDS
        for path, arrays, name in layer.entries(which)
    }


def check_weights(layer: Layer, got: Shapes) -> None:
    """Compare the arrays of a file with those of layers; every one has to fit.

    Raises:
        ValueError: if names, shapes or kinds of numbers differ.
    """
    expected = {
        f"{which}.{path}": Shape(arrays[name].shape, arrays[name].dtype.kind)
        for which in _KINDS
        for path, arrays, name in layer.entries(which)
    }
    wrong = sorted(k for k in expected.keys() | got.keys() if expected.get(k) != got.get(k))
    if wrong:
        first = wrong[0]
        raise ValueError(
            f"weights must fit the layers, got {len(wrong)} arrays that differ: {first} must be "
            f"{expected.get(first, 'absent')}, got {got.get(first, 'none')}; "
            "they belong to another network"
        )


def fill_weights(layer: Layer, got: Arrays) -> None:
    """Replace every parameter and state by arrays that `check_weights` has compared."""
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


def check_moments(optimizer: Optimizer, got: Shapes, parameters: Shapes) -> None:
    """Compare the arrays of a file with what an optimizer remembers of a network's parameters.

    Args:
        optimizer: of the right kind.
        got: of `<path>.<moment>`.
        parameters: of `params.<path>`.

    Raises:
        ValueError: if a moment's name is not one of this optimizer's, if one is missing, or if one
            does not have its parameter's shape.
    """
    for key in got:
        path, _, name = key.rpartition(".")
        if name not in optimizer.remembered:
            raise ValueError(
                f"moments must be those of {type(optimizer).__name__}, got {key!r}; "
                "they belong to another optimizer"
            )
        for other in optimizer.remembered:
            expected, found = parameters.get(f"params.{path}"), got.get(f"{path}.{other}")
            if found is None or found != expected:
                raise ValueError(
                    f"moments must fit the weights: {path}.{other} must be "
                    f"{expected or 'absent'}, got {found or 'none'}; they belong to another network"
                )


def fill_moments(optimizer: Optimizer, got: Arrays) -> None:
    """Undo `moments`, for arrays that `check_moments` has compared."""
    optimizer.moments = {}
    for key, value in got.items():
        path, _, name = key.rpartition(".")
        optimizer.moments.setdefault(path, {})[name] = value


def read_shapes(file: Path) -> Shapes:
    """Read the shapes in a safetensors file, and none of its values.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is another kind of file, is cut short, or has numbers that NumPy lacks.
    """

    def shapes(path: Path) -> Shapes:
        with safe_open(path, "numpy") as opened:
            slices = {key: opened.get_slice(key) for key in opened.keys()}
            return {
                key: Shape(tuple(part.get_shape()), _dtype_kind(path, part.get_dtype()))
                for key, part in slices.items()
            }

    return read_safetensors(file, shapes, "network")


def _dtype_kind(path: Path, dtype: str) -> str:
    if not _NUMPYS.fullmatch(dtype):
        raise ValueError(f"{path} must hold numbers that NumPy has, got {dtype}; convert them")
    return dtype[0].lower()


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
