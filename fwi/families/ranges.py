"""Checks of recipes' parameters that are drawn between two ends."""

import numpy as np

from fwi.checks import check_number

Range = tuple[float, float]


def check_pair(name: str, pair: Range) -> None:
    """Refuse what is no tuple of two.

    Raises:
        TypeError: if it is none.
    """
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise TypeError(f"{name} must be a pair of numbers, got {pair!r:.60}")


def check_span(name: str, span: Range, low: float = -np.inf, high: float = np.inf) -> None:
    """Refuse what is no pair of numbers in order, within limits.

    Raises:
        TypeError: if it is no pair of numbers.
        ValueError: if a number is outside the limits, or the second is below the first.
    """
    check_pair(name, span)
    least = check_number(f"{name}[0]", span[0], low, high)
    check_number(f"{name}[1]", span[1], least, high)
