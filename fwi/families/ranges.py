"""Checks of the parameters of recipes: pairs, ranges of numbers, numbers of layers."""

from typing import Any

import numpy as np

from fwi.checks import check_number, check_whole
from fwi.openfwi import SIDE

Range = tuple[float, float]


def pair(name: str, value: Any) -> tuple[Any, Any]:
    """Check a pair, and give it.

    Raises:
        TypeError: if it is none.
    """
    if not isinstance(value, tuple) or len(value) != 2:
        raise TypeError(f"{name} must be a pair (first, last), got {value!r:.60}")
    return value


def check_range(name: str, limits: Any, low: float = -np.inf, high: float = np.inf) -> None:
    """Check a pair of numbers in order, within [low, high].

    Raises:
        TypeError: if it is no pair of numbers.
        ValueError: if one is outside, or the second is less than the first.
    """
    first, last = pair(name, limits)
    check_number(f"{name}[1]", last, check_number(f"{name}[0]", first, low, high), high)


def check_whole_range(name: str, limits: Any, low: int, high: int) -> None:
    """Check a pair of whole numbers in order, within [low, high].

    Raises:
        TypeError: if it is no pair of numbers.
        ValueError: if one is not whole or outside, or the second is less than the first.
    """
    first, last = pair(name, limits)
    check_whole(f"{name}[1]", last, check_whole(f"{name}[0]", first, low, high), high)


def check_counts(name: str, counts: Any, most: int) -> None:
    """Check a tuple of whole numbers from 1 to `most`, one at least.

    Raises:
        TypeError: if it is no tuple of numbers.
        ValueError: if it is empty, or one is outside.
    """
    if not isinstance(counts, tuple):
        raise TypeError(f"{name} must be a tuple of whole numbers, got {counts!r:.60}")
    if not counts:
        raise ValueError(f"{name} must hold one number at least, got none")
    for count in counts:
        check_whole(name, count, 1, most)


def check_layers(layers: Any, thinnest: Any) -> None:
    """Check that so many layers, no thinner than that, fit into a map.

    Raises:
        TypeError: if `layers` is no tuple of numbers, or `thinnest` no number.
        ValueError: if they do not fit.
    """
    thinnest = check_whole("thinnest", thinnest, 1, SIDE)
    check_counts("layers", layers, SIDE)
    if max(layers) * thinnest > SIDE:
        raise ValueError(
            f"layers must be at most {SIDE // thinnest} where the thinnest has {thinnest} rows, "
            f"got {max(layers)}; {SIDE} rows hold no more"
        )
