"""What the layers ask of sizes and arrays that come in, in the house's one voice."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_array_api_obj, is_cupy_array, is_torch_array

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
    sizes = (value, value) if isinstance(value, str) or not isinstance(value, Sequence) else value
    if len(sizes) != 2:
        raise ValueError(f"{name} must be one or two numbers, got {value}; give (rows, columns)")
    return count(name, sizes[0], least), count(name, sizes[1], least)


def sizes(name: str, value: int | Sequence[int]) -> tuple[int, ...]:
    """Read the sizes of one axis or more.

    Raises:
        TypeError: if a size is not a whole number.
        ValueError: if there is none, or one is below 1.
    """
    given = value if isinstance(value, Sequence) else (value,)
    if not len(given):
        raise ValueError(f"{name} must be one size or more, got none; give the last axis's")
    return tuple(count(name, size) for size in given)


def generator(rng: int | np.random.Generator) -> np.random.Generator:
    """Give a generator as it is, or one that starts from a seed.

    Raises:
        TypeError: if it is neither.
        ValueError: if the seed is negative.
    """
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"rng must be a seed, 0 or more, or a numpy.random.Generator, got {rng!r}; give one"
        ) from None


def float_dtype(dtype: str) -> np.dtype:
    """Read the precision of a layer's parameters.

    Raises:
        ValueError: if it is neither float32 nor float64.
    """
    if not isinstance(dtype, str | np.dtype) or dtype not in ("float32", "float64"):
        raise ValueError(f"dtype must be float32 or float64, got {dtype!r}; choose one")
    return np.dtype(dtype)


def on_gpu(x: Array) -> bool:
    """Say whether an array lies on an accelerator."""
    return is_cupy_array(x) or (is_torch_array(x) and x.device.type != "cpu")


def check_array(name: str, x: Array, like: Array | None = None) -> None:
    """Refuse what is no array, or one of another library than `like`.

    Raises:
        ValueError: if values are masked, which nothing here would heed.
        TypeError: if it is no array, or of another library.
    """
    if not is_array_api_obj(x):
        raise TypeError(
            f"{name} must be an array of NumPy, torch or CuPy, got {type(x).__name__}; "
            "make one, as numpy.asarray does"
        )
    if np.ma.isMaskedArray(x):
        raise ValueError(f"{name} must have no mask, got a masked array; fill or remove values")
    if like is not None and array_namespace(x) is not array_namespace(like):
        raise TypeError(
            f"{name} must be of the library of the others, {type(like).__module__}, "
            f"got {type(x).__module__}; convert it"
        )


def check_maps(x: Array) -> None:
    """Check that a layer's input is an array (N, C, H, W).

    Raises:
        ValueError: if the shape differs.
        TypeError: if it is no array.
    """
    check_array("x", x)
    check_shape("x", x, (None, None, None, None))


def check_input(x: Array, parameter: Array, shape: Sequence[int | None]) -> None:
    """Check that a layer's input has its shape (None: any size) and its parameters' precision.

    Raises:
        ValueError: if the shape differs.
        TypeError: if it is no array, or the dtype, or the library of the array, differs from the
            parameters'.
    """
    check_array("x", x)
    check_shape("x", x, shape)
    if x.dtype != parameter.dtype:
        raise TypeError(
            f"x must be {parameter.dtype} as the layer's parameters are, got {x.dtype}; "
            "convert either"
        )
