"""Checks of what comes in from outside, in one voice: name, expected, got, fix."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from fwi.arrays import Array

_LARGEST_HALF = float(np.finfo(np.float16).max)
_USUAL_PEAK = 45.0  # of gathers of forty generated maps, which reach 39 to 56; a real one 41
# Float16's values next to 0 are 6e-8 apart: a ten-thousandth of the waves of this peak.
_LEAST_PEAK = 1e-3
KILOMETRES = 20  # no wave is slower in m/s, none in the Earth faster in km/s
_SLOW = 150.0  # m/s: no rock is as slow, and none in km/s as fast
FASTEST = 100_000  # m/s: in diamond it is 18,000


class UnusualInput(UserWarning):
    """What is taken, and may mean something else than was meant: units, order, sampling, scale."""


def warn_unusual(text: str) -> None:
    """Say in one sentence what is unusual; the command line prints it as one line.

    Args:
        text: name, expected, got, fix.
    """
    warnings.warn(text, UnusualInput, stacklevel=3)


def warn_of_unit(name: str, fastest: float) -> None:
    """Say that maps whose largest velocity, m/s, is no rock's may be in km/s."""
    if fastest < _SLOW:
        warn_unusual(
            f"{name} should be in m/s, got at most {fastest:g}; multiply by 1000 what is in km/s"
        )


def check_shape(name: str, array: Array, shape: Sequence[int | None], fix: str = "") -> None:
    """Compare a shape with a pattern in which None stands for any positive size.

    Raises:
        ValueError: if the rank or a size differs, or if an axis is empty.
    """
    got = tuple(array.shape)
    fits = len(got) == len(shape) and all(
        g > 0 and (s is None or g == s) for g, s in zip(got, shape, strict=True)
    )
    if not fits:
        expected = "(" + ", ".join("n" if s is None else str(s) for s in shape) + ")"
        hint = f"; {fix}" if fix else ""
        raise ValueError(f"{name} must be {expected}, got {got}{hint}")


def check_float(name: str, dtype: np.dtype[Any]) -> None:
    """Refuse the dtype of an array that does not hold real floating-point numbers.

    Raises:
        TypeError: if the dtype is another.
    """
    if dtype.kind != "f" or dtype.itemsize > 8:
        raise TypeError(f"{name} must hold float16, float32 or float64, got {dtype}; convert it")


def floating(name: str, values: Any) -> Array:
    """Give what an array, a list or a frame holds as floating-point numbers, whole ones as float32.

    Args:
        name: what an error calls it.
        values: numbers, float16, float32, float64 or whole, in the bytes' order of any machine.

    Raises:
        TypeError: if they are truths, complex, texts, objects, or of several lengths.
        ValueError: if some are masked.
    """
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise ValueError(f"{name} must hold numbers everywhere, got masked ones; fill them")
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, RuntimeError):
        kind = type(values).__name__
        raise TypeError(
            f"{name} must be an array of numbers, got a {kind} that is none; give lists of one "
            "length, on the processor"
        ) from None
    if array.dtype.kind in "iu":
        return array.astype(np.float32)
    check_float(name, array.dtype)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def check_whole(name: str, value: Any, low: int, high: int) -> int:
    """Check a whole number, and give it as an int.

    Raises:
        TypeError: if it is none.
        ValueError: if it is smaller than `low` or larger than `high`.
    """
    number = check_number(name, value, low, high)
    if number != int(number):
        raise ValueError(f"{name} must be a whole number, got {number:g}")
    return int(value)


def check_number(name: str, value: Any, low: float = -np.inf, high: float = np.inf) -> float:
    """Check a number, and give it as a float.

    Raises:
        TypeError: if it is none.
        ValueError: if it is not finite, smaller than `low` or larger than `high`.
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real | np.number):
        raise TypeError(f"{name} must be a number, got {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not (math.isfinite(number) and low <= number <= high):
        expected = "finite" if low == -np.inf else f"{low:.10g} to {high:.10g}"
        raise ValueError(f"{name} must be {expected}, got {number:g}")
    return number


def check_finite(name: str, array: Array) -> None:
    """Refuse NaN and infinity, and say how many there are and where the first one is.

    Raises:
        ValueError: if any value is not finite.
    """
    # A sum is finite only where every value is: one pass without a temporary mask.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(np.sum(array, dtype=np.float64)):
            return
    bad = ~np.isfinite(array)
    if bad.any():
        first = tuple(int(i) for i in np.unravel_index(int(bad.argmax()), bad.shape))
        raise ValueError(
            f"{name} must be finite, got {int(bad.sum())} NaN or infinite values, "
            f"the first at {first}; repair or remove it"
        )


def check_velocity(velocity: Array, nz: int, nx: int, name: str = "velocity") -> None:
    """Check velocity maps: (B, nz, nx), finite, strictly positive, in m/s.

    Raises:
        ValueError: if the shape or a value does not fit.
        TypeError: if the dtype is not a floating one.
    """
    fix = "add a batch axis" if velocity.ndim == 2 else ""
    check_shape(name, velocity, (None, nz, nx), fix)
    check_float(name, velocity.dtype)
    check_finite(name, velocity)
    if not (velocity > 0).all():
        raise ValueError(
            f"{name} must be positive, in m/s, got a minimum of {float(velocity.min()):g}"
        )
    fastest = float(velocity.max())
    if fastest < KILOMETRES:
        raise ValueError(
            f"{name} must be in m/s, got a maximum of {fastest:g}, as in km/s; multiply by 1000"
        )
    if fastest > FASTEST:
        raise ValueError(
            f"{name} must be in m/s, at most {FASTEST:g}, got a maximum of {fastest:g}; see its "
            "unit"
        )


def check_gathers(
    gathers: Array,
    n_shots: int | None,
    nt: int | None,
    n_receivers: int | None,
    name: str = "gathers",
) -> None:
    """Check gathers: (B, shots, time, receivers), floating, finite.

    Raises:
        ValueError: if the shape or a value does not fit.
        TypeError: if the dtype is not a floating one.
    """
    fix = "add a batch axis" if gathers.ndim == 3 else ""
    check_shape(name, gathers, (None, n_shots, nt, n_receivers), fix)
    check_float(name, gathers.dtype)
    check_finite(name, gathers)


def check_amplitude(gathers: Array, name: str = "gathers") -> None:
    """Check that float16, in which samples are kept, holds gathers (B, shots, time, receivers).

    Raises:
        ValueError: if a sample is too large for it, or so small that its waves would be lost.
    """
    for i, sample in enumerate(gathers):
        peak = float(np.abs(sample).max())
        if not _LEAST_PEAK <= peak <= _LARGEST_HALF:
            fix = (
                f"multiply them by {_USUAL_PEAK / peak:.0e}, if they are the usual ones scaled"
                if peak
                else "remove it"
            )
            raise ValueError(
                f"{name} must reach between {_LEAST_PEAK:g} and {_LARGEST_HALF:g}, which float16 "
                f"holds, got a peak of {peak:g} in the one at {i}; {fix}"
            )
