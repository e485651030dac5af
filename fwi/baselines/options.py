"""What an estimator is told to do: options that it knows, and numbers in their range."""

from __future__ import annotations

import math
from collections.abc import Iterable

from fwi.core.arrays import count, real
from fwi.registry import nearest


def check_option(name: str, value: str, known: Iterable[str]) -> None:
    """Refuse a name that is not known.

    Raises:
        KeyError: with the names that resemble it.
    """
    if not isinstance(value, str) or value not in known:
        raise KeyError(f"{name} must be a known name, got {value!r}; {nearest(str(value), known)}")


def check_not_negative(name: str, value: float) -> None:
    """Refuse what is no number, or one that is negative or not finite.

    Raises:
        TypeError: if it is no real number.
        ValueError: if it is negative or not finite.
    """
    if not 0 <= real(name, value, "give 0 or more") < math.inf:
        raise ValueError(
            f"{name} must be 0 or more and finite, got {value}; give 0 to do without it"
        )


def check_steps(lr: float | None, max_iter: int | None, tol: float) -> None:
    """Check the options of a descent; None stands for a default, and lr's range is the solver's.

    Raises:
        TypeError: if one is no real number, or the number of steps is no whole one.
        ValueError: if the number of steps or the tolerance is negative, or not finite.
    """
    if lr is not None:
        real("lr", lr)
    if max_iter is not None:
        count("max_iter", max_iter, 0)
    check_not_negative("tol", tol)
