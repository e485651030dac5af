"""What the layers ask of sizes and arrays that come in, in the house's one voice."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
from array_api_compat import is_cupy_array, is_torch_array

from fwi.checks import check_shape

Array = Any  # of NumPy, torch or CuPy: whatever array-api-compat knows
Pair = tuple[int, int]


def count(name: str, value: int, least: int = 1) -> int:
    """Give a whole number back, if it is one and large enough.

    Raises:
        TypeError: if it is not a whole number.
        ValueError: if it is below `least`.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be a whole number, got {value!r}; give an int")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}; give a larger one")
    return int(value)


def real(name: str, value: float, fix: str = "give a float") -> float:
    """Give a real number back as a float, if it is one; its range is the caller's to check.

    Raises:
        TypeError: if it is no real number.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {value!r}; {fix}")
    return float(value)


def pair(name: str, value: int | Sequence[int], least: int = 1) -> Pair:
    """Read a size along depth and width: one number for both, or two.

    Raises:
        TypeError: if a size is not a whole number.
        ValueError: if there are not one or two, or one is below `least`.
    """
    sizes = tuple(value) if isinstance(value, Sequence) else (value, value)
    if len(sizes) != 2:
        raise ValueError(f"{name} must be one or two numbers, got {value}; give (rows, columns)")
    return count(name, sizes[0], least), count(name, sizes[1], least)


def float_dtype(dtype: str) -> np.dtype:
    """Read the precision of a layer's parameters.

    Raises:
        ValueError: if it is neither float32 nor float64.
    """
    if dtype not in ("float32", "float64"):
        raise ValueError(f"dtype must be float32 or float64, got {dtype!r}; choose one")
    return np.dtype(dtype)


def on_gpu(x: Array) -> bool:
    """Say whether an array lies on an accelerator."""
    return is_cupy_array(x) or (is_torch_array(x) and x.device.type != "cpu")


def check_input(x: Array, parameter: Array, shape: Sequence[int | None]) -> None:
    """Check that a layer's input has its shape (None: any size) and its parameters' precision.

    Raises:
        ValueError: if the shape differs.
        TypeError: if the dtype, or the library of the array, differs from the parameters'.
    """
    check_shape("x", x, shape)
    if x.dtype != parameter.dtype:
        raise TypeError(
            f"x must be {parameter.dtype} as the layer's parameters are, got {x.dtype}; "
            "convert either"
        )
