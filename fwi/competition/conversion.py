"""Ids and maps in whatever form they come: lists, arrays and tensors of any device and dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from fwi.arrays import Array
from fwi.checks import check_finite, check_shape
from fwi.openfwi import SIDE


def as_ids(ids: Any) -> list[str]:
    """Give ids as a list of text.

    Raises:
        TypeError: if they are none, or one is no text.
        ValueError: if one cannot be written in UTF-8.
    """
    if isinstance(ids, str | bytes) or not hasattr(ids, "__iter__"):
        raise TypeError(f"ids must be a sequence of names, got {ids!r}; put it into a list")
    listed = list(ids)
    for place, oid in enumerate(listed):
        if not isinstance(oid, str):
            raise TypeError(
                f"ids must be text, got {repr(oid)[:20]} ({type(oid).__name__}) at {place}; "
                "convert it"
            )
    try:
        "".join(listed).encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"ids must be text in UTF-8, got {error.object!a}") from None
    return [str(i) for i in listed]


def count(velocity: Any) -> int:
    """Count maps that are in any form, and can be taken in parts.

    Raises:
        TypeError: if they cannot.
    """
    layout = str(getattr(velocity, "layout", "torch.strided"))
    if layout != "torch.strided":
        raise TypeError(f"velocity must be a dense tensor, got {layout}; convert it")
    try:
        return len(velocity)
    except TypeError:
        raise TypeError(
            f"velocity must be maps (B, {SIDE}, {SIDE}), got {type(velocity).__name__}; add a "
            "batch axis"
        ) from None


def as_maps(velocity: Any, n: int) -> Array:
    """Give maps as an array.

    Args:
        velocity: (n, 70, 70) or a network's (n, 1, 70, 70), m/s: an array, a tensor or a list of
            them, of floating or whole numbers.
        n: how many are expected.

    Returns:
        The maps, (n, 70, 70).

    Raises:
        TypeError: if they hold something else than real numbers.
        ValueError: if the shape does not fit, or a value is masked or not finite.
    """
    maps = _as_array(velocity)
    if maps.dtype.kind not in "fiu":
        raise TypeError(f"velocity must hold real numbers, got {maps.dtype}; convert it")
    if maps.shape[1:2] == (1,) and maps.ndim == 4:
        maps = maps[:, 0]
    check_shape("velocity", maps, (n, SIDE, SIDE))
    if np.ma.is_masked(maps):
        raise ValueError("velocity must be known in every cell, got masked ones; fill them")
    check_finite("velocity", maps)
    return maps


def _as_array(values: Any) -> Array:
    if hasattr(values, "detach"):
        return _of_tensor(values)
    if isinstance(values, list | tuple) and any(hasattr(v, "detach") for v in values):
        values = [_as_array(v) for v in values]
    try:
        return np.asanyarray(values)
    except ValueError:
        raise ValueError("velocity must be maps of one size, got a ragged list") from None


def _of_tensor(values: Any) -> Array:
    try:
        values = values.detach().cpu()
        if values.is_floating_point() and values.element_size() < 4:
            values = values.float()  # NumPy has no bfloat16
        return values.numpy()
    except (RuntimeError, TypeError, NotImplementedError):
        raise TypeError(
            f"velocity must be a tensor of plain values, got one on {values.device}; convert it"
        ) from None
