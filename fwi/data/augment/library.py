"""albumentations, which asks the package index for a newer version of itself unless told not to."""

from __future__ import annotations

import os

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

import random

import albumentations as A
import numpy as np

from fwi.checks import check_number

__all__ = ["A", "check_probability", "check_span", "generators"]


def generators(seed: int) -> tuple[np.random.Generator, random.Random]:
    """Give what `set_random_state` of a transform or composition takes, for all that they draw.

    `set_random_seed` of albumentations 2 would give every transform of a composition generators of
    its own with the same seed: they would draw the same numbers, and act on the same samples.
    """
    return np.random.default_rng(seed), random.Random(seed)


def check_span(
    name: str, value: float | tuple[float, float], low: float, high: float
) -> tuple[float, float]:
    """Give the interval that a number, or a pair of numbers, stands for.

    Raises:
        TypeError: if it is neither.
        ValueError: if a number lies outside [low, high], or the pair descends.
    """
    pair = value if isinstance(value, tuple | list) else (value, value)
    if len(pair) != 2:
        raise ValueError(f"{name} must be a number or two, got {len(pair)}; give its ends")
    first, last = (check_number(name, number, low, high) for number in pair)
    if first > last:
        raise ValueError(f"{name} must ascend, got {first:g} to {last:g}; swap them")
    return first, last


def check_probability(p: float) -> float:
    """Check the probability of a transform."""
    return check_number("p", p, 0.0, 1.0)
