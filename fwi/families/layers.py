"""Layers: their velocities, their thicknesses, and the column they make."""

import numpy as np
import numpy.typing as npt

from fwi.families.registry import Field
from fwi.openfwi import FASTEST, SLOWEST

Integers = npt.NDArray[np.int64]


def any_values(
    rng: np.random.Generator, n: int, slowest: int = SLOWEST, fastest: int = FASTEST
) -> Integers:
    """Draw n layer velocities in any order, whole m/s, uniform in [slowest, fastest]."""
    return rng.integers(slowest, fastest, n, endpoint=True)


def increasing_values(rng: np.random.Generator, n: int) -> Integers:
    """Draw n layer velocities that increase with depth, whole m/s in [1500, 4500]."""
    return np.sort(any_values(rng, n))


def mostly_increasing_values(rng: np.random.Generator, n: int, swap: float) -> Integers:
    """Draw n layer velocities that increase but for some swapped neighbours.

    Args:
        rng: Source of randomness.
        n: Number of layers.
        swap: Probability in [0, 1] that a layer changes places with the next.

    Returns:
        Velocities (n,), whole m/s in [1500, 4499]: the B faults never reach 4500.
    """
    values = np.sort(rng.integers(SLOWEST, FASTEST, n))
    for i in np.flatnonzero(rng.random(n - 1) < swap):
        values[[i, i + 1]] = values[[i + 1, i]]
    return values


def uneven_thicknesses(rng: np.random.Generator, n: int, rows: float, evenness: float) -> Field:
    """Draw n thicknesses that add up to `rows`, from a Dirichlet distribution.

    Args:
        rng: Source of randomness.
        n: Number of layers.
        rows: Sum of the thicknesses.
        evenness: Concentration of the distribution; larger is more even.

    Returns:
        Thicknesses (n,), rows, real numbers.
    """
    return rows * rng.dirichlet(np.full(n, evenness))


def sharp(values: Integers, tops: Field, depth: Field) -> Field:
    """Read layer velocities at depths, without any interpolation.

    Args:
        values: Velocities (n,), m/s.
        tops: Depths (n - 1,) of the interfaces, rows, increasing.
        depth: Depths in the flat column, rows, any shape.

    Returns:
        Velocities of the shape of `depth`, m/s; each is one of `values`.
    """
    return values[np.searchsorted(tops, depth, side="right")].astype(float)


def blurred(values: Integers, tops: Field, depth: Field, width: float) -> Field:
    """Read layer velocities at depths, with interfaces ramped over `width` rows.

    Args:
        values: Velocities (n,), m/s.
        tops: Depths (n - 1,) of the interfaces, rows, increasing.
        depth: Depths in the flat column, rows, any shape.
        width: Thickness of the ramp, rows, positive.

    Returns:
        Velocities of the shape of `depth`, m/s.
    """
    velocity = np.full(depth.shape, float(values[0]))
    for top, jump in zip(tops, np.diff(values), strict=True):
        velocity += jump * np.clip((depth - top) / width + 0.5, 0, 1)
    return velocity
