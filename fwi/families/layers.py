"""Layers: their velocities, their thicknesses, and the column they make."""

import numpy as np
import numpy.typing as npt

from fwi.openfwi import FASTEST, SLOWEST

Integers = npt.NDArray[np.int64]


def any_values(
    rng: np.random.Generator, n: int, slowest: int = SLOWEST, fastest: int = FASTEST
) -> Integers:
    """Draw n layer velocities in any order, whole m/s, uniform in [slowest, fastest]."""
    return rng.integers(slowest, fastest, n, endpoint=True)
