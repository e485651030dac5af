"""Stacks of layers under the Fault families: how thick they are, and how fast."""

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]


def broken_thicknesses(rng: np.random.Generator, n: int, rows: int, thinnest: int) -> Integers:
    """Draw n thicknesses that add up to `rows`, from a stick broken at random.

    Every layer gets `thinnest` rows; what is over is shared out in a random order of the
    layers, each taking a whole number of rows, any up to all that is left alike, and the last
    one the rest. So many layers are as thin as they may be and a few are thick: of the layers
    in real FlatFault_A maps of four, 36 % have 15 rows and 4 % have 25.

    Args:
        rng: Source of randomness.
        n: Number of layers, at least 1.
        rows: Sum of the thicknesses, at least n times `thinnest`.
        thinnest: Least thickness, rows.

    Returns:
        Thicknesses (n,), rows.
    """
    thickness = np.full(n, thinnest)
    left = rows - n * thinnest
    order = rng.permutation(n)
    for layer in order[:-1]:
        taken = int(rng.integers(0, left, endpoint=True))
        thickness[layer] += taken
        left -= taken
    thickness[order[-1]] += left
    return thickness


def two_halves(rng: np.random.Generator, n: int, ends: tuple[int, int, int]) -> Integers:
    """Draw n velocities that increase with depth, half of them slow and half of them fast.

    Of n layers the upper n // 2 are sorted draws from the slow half of the range, the others
    from the fast half: in real FlatFault_A maps of four layers no velocity of the upper two is
    above 3000 m/s, and no velocity of the lower two below.

    Args:
        rng: Source of randomness.
        n: Number of layers.
        ends: Slowest velocity, the middle, and what bounds the fastest (not included), m/s.

    Returns:
        Velocities (n,), whole m/s.
    """
    slowest, middle, bound = ends
    slow = rng.integers(slowest, middle, n // 2)
    fast = rng.integers(middle, bound, n - n // 2)
    return np.concatenate([np.sort(slow), np.sort(fast)])
