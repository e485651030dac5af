"""Whatever holds numbers, as the arrays that a network computes on."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from fwi.arrays import Array


def as_floats(name: str, given: Any) -> Array:
    """Bring an array, tensor or nested list of real numbers to float32, or leave it float16.

    Args:
        name: of what is given, for errors.
        given: of any byte order and memory layout; tensors of any device, gradients left behind.

    Returns:
        A NumPy array in this machine's byte order; no copy where it is one already.

    Raises:
        ValueError: if lists are ragged, values are masked, or too large for float32.
        TypeError: if it holds no real numbers.
    """
    if isinstance(given, str | bytes) or hasattr(given, "__fspath__"):
        raise TypeError(f"{name} must be an array, got a path, {str(given)[:80]!r}; numpy.load it")
    if isinstance(given, torch.Tensor):
        array = _from_torch(name, given)
    elif isinstance(given, list | tuple) and any(isinstance(g, torch.Tensor) for g in given):
        array = _from_numbers(name, [as_floats(name, part) for part in given])
    else:
        array = _from_numbers(name, given)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name} must hold real numbers, got {array.dtype}; convert it")
    if array.dtype in (np.float16, np.float32) and array.dtype.isnative:
        return array
    half = array.dtype.kind == "f" and array.dtype.itemsize == 2
    with np.errstate(over="ignore"):
        floats = array.astype(np.float16 if half else np.float32)
    if np.isinf(floats).any() and np.isfinite(array).all():
        raise ValueError(
            f"{name} must fit float32, got {float(np.abs(array).max()):g}; scale them as recorded"
        )
    return floats


def _from_torch(name: str, tensor: torch.Tensor) -> Array:
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.device.type == "meta":
        raise TypeError(f"{name} must be a dense tensor with values, got {tensor.type()}")
    plain = tensor.detach().resolve_conj().resolve_neg().cpu()
    if plain.is_floating_point() and plain.dtype not in (torch.float16, torch.float64):
        plain = plain.float()  # NumPy knows neither bfloat16 nor float8
    return plain.numpy()


def _from_numbers(name: str, given: Any) -> Array:
    if np.ma.is_masked(given):
        raise ValueError(f"{name} must have a value everywhere, got masked ones; fill them")
    try:
        return np.asarray(given)
    except Exception as error:  # arrays of other libraries raise what they like
        said = (str(error).splitlines() or [""])[0][:120]
        raise ValueError(
            f"{name} must be an array of one shape, got a {type(given).__name__} that is none: "
            f"{said}; make it one with numpy"
        ) from None
